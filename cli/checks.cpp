#include "cli/checks.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/version.h"
#include "cli/human.h"

namespace hearth::cli {
namespace {

namespace fs = std::filesystem;

// The answer of a program, empty when it failed.
std::string output_of(const std::string& command) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"),
                                                             &::pclose);
  std::string text;
  if (!pipe) return text;
  char piece[4096];
  for (size_t size; (size = std::fread(piece, 1, sizeof piece, pipe.get())) > 0;)
    text.append(piece, size);
  return text;
}

std::optional<int64_t> number_in(const fs::path& file) {
  try {
    const std::string text = read_file(file);
    char* end = nullptr;
    const int64_t value = std::strtoll(text.c_str(), &end, 10);
    if (end == text.c_str()) return std::nullopt;  // "max"
    return value;
  } catch (const Error&) {  // not there, or not ours to read: no limit that we know of
    return std::nullopt;
  }
}

// The value of a line "name:  value kB" of /proc/meminfo, in bytes.
int64_t memory_line(const std::string& text, std::string_view name) {
  const size_t at = text.find(name);
  if (at == std::string::npos) return 0;
  return std::strtoll(text.c_str() + at + name.size(), nullptr, 10) * 1024;
}

// The smallest limit of the control groups this process is in, 0 when there is none.
int64_t group_limit(const fs::path& root) {
  std::string groups;
  try {
    groups = read_file(root / "proc/self/cgroup");
  } catch (const Error&) {  // a system without control groups
    return 0;
  }
  int64_t limit = 0;
  const auto take = [&limit](std::optional<int64_t> value) {
    constexpr int64_t unlimited = int64_t{1} << 60;
    if (value && *value > 0 && *value < unlimited)
      limit = limit == 0 ? *value : std::min(limit, *value);
  };
  const size_t mark = groups.find("0::/");
  fs::path path = mark == std::string::npos
                      ? fs::path()
                      : fs::path(groups.substr(mark + 4, groups.find('\n', mark) - mark - 4));
  for (;; path = path.parent_path()) {
    take(number_in(root / "sys/fs/cgroup" / path / "memory.max"));
    if (path.empty()) break;
  }
  take(number_in(root / "sys/fs/cgroup/memory/memory.limit_in_bytes"));
  return limit;
}

// The folder itself, or the nearest one above it that exists.
fs::path existing_part(fs::path folder) {
  std::error_code ignored;
  while (!fs::exists(folder, ignored) && folder.has_parent_path() && folder != folder.parent_path())
    folder = folder.parent_path();
  return folder;
}

// The first of the folders above `folder` that this user may not enter.
std::optional<fs::path> closed_parent(const fs::path& folder) {
  fs::path walked;
  for (const fs::path& part : folder) {
    walked /= part;
    if (::access(walked.c_str(), F_OK) == 0 && ::access(walked.c_str(), X_OK) != 0) return walked;
  }
  return std::nullopt;
}

Finding check_program(const Config& config, const char* name) {
  const fs::path program = config.programs / name;
  if (::access(program.c_str(), X_OK) == 0) return {name, Health::good, program.string(), ""};
  return {name, Health::broken, fmt::format("{}: {}", program.string(), std::strerror(errno)),
          "install hearth again: its three programs belong into one folder"};
}

// Which memory nodes there are and which of them the threads take; nothing where there is one.
std::string memory_nodes(const Json& machine) {
  const int64_t count = machine.value("memory_nodes", int64_t{1});
  if (count <= 1) return "";
  return fmt::format(", {} memory nodes: {}", count, machine.value("layout", ""));
}

// What the runner says of the machine; null when it cannot be asked.
Json ask_machine(const Config& config) {
  const std::string program = (config.programs / "hearth-runner").string();
  if (program.find('\'') != std::string::npos) return {};
  std::string command = "'" + program + "' machine --measure";
  // Names of the table of settings, so safe here.
  const std::string isa = config.settings.text("isa");
  if (!isa.empty()) command += " --isa " + isa;
  if (config.settings.is_on("precise")) command += " --precise";
  return Json::parse(output_of(command + " 2>/dev/null"), nullptr, false);
}

Finding check_daemon(const Client& client) {
  const Config& config = client.config();
  Json version;
  try {
    if (!client.is_reachable()) {
      return {"daemon", Health::warning, fmt::format("nobody answers at {}", config.base_url),
              config.may_autostart ? "nothing to do: the next command that needs it starts it"
                                   : "start it with `hearth serve`, or set HEARTH_HOST"};
    }
    version = client.get("/api/version");
  } catch (const Error& error) {
    return {"daemon", Health::broken, error.what(),
            error.code() == ErrorCode::unauthorized
                ? "set HEARTH_API_KEY to the daemon's key"
                : "another program holds the port: stop it, or set HEARTH_HOST"};
  }
  const std::string theirs = version.is_object() ? version.value("hearth", "") : "";
  if (theirs.empty()) {
    return {"daemon", Health::broken,
            fmt::format("a server that is not hearth answers at {} (version {})", config.base_url,
                        version.is_object() ? version.value("version", "unknown") : "unknown"),
            "stop it, or set HEARTH_HOST to another address"};
  }
  if (theirs != hearth::version()) {
    return {"daemon", Health::warning,
            fmt::format("hearth {} answers at {}, this program is {}", theirs, config.base_url,
                        hearth::version()),
            "restart the daemon"};
  }
  return {"daemon", Health::good, fmt::format("hearth {} at {}", theirs, config.base_url), ""};
}

}  // namespace

std::string_view name_of(Health health) {
  switch (health) {
    case Health::good:
      return "ok";
    case Health::warning:
      return "warning";
    case Health::broken:
      return "broken";
  }
  return "broken";
}

Finding check_store(const fs::path& folder) {
  if (const auto closed = closed_parent(folder)) {
    return {"store", Health::broken,
            fmt::format("{}: user {} may not enter {} (x is missing)", folder.string(), ::geteuid(),
                        closed->string()),
            fmt::format("chmod a+x {}, or set HEARTH_MODELS to another folder", closed->string())};
  }
  const fs::path there = existing_part(folder);
  struct stat facts {};
  if (::stat(there.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode)) {
    return {"store", Health::broken, fmt::format("{} is no folder", there.string()),
            "set HEARTH_MODELS to a folder"};
  }
  std::string missing;
  for (const auto& [mode, letter] : {std::pair{R_OK, 'r'}, {W_OK, 'w'}, {X_OK, 'x'}}) {
    if (::access(there.c_str(), mode) != 0) missing += letter;
  }
  if (!missing.empty()) {
    return {"store", Health::broken,
            fmt::format("{}: user {} lacks {} (owner {}, mode {:o})", there.string(), ::geteuid(),
                        missing, facts.st_uid, facts.st_mode & 07777),
            fmt::format("chmod u+{} as its owner, chown it to user {}, or set HEARTH_MODELS",
                        missing, ::geteuid())};
  }
  return {"store", Health::good,
          there == folder ? folder.string() : folder.string() + " (made when first needed)", ""};
}

Finding check_disk(const fs::path& folder) {
  constexpr int64_t little = int64_t{10} * 1000 * 1000 * 1000;
  std::error_code failure;
  const fs::space_info space = fs::space(existing_part(folder), failure);
  if (failure) {
    return {"disk", Health::warning, fmt::format("{}: {}", folder.string(), failure.message()),
            "see whether the disk is mounted"};
  }
  const std::string found = human_size(static_cast<int64_t>(space.available)) + " free";
  if (static_cast<int64_t>(space.available) < little)
    return {"disk", Health::warning, found,
            "free some space, or set HEARTH_MODELS to another disk"};
  return {"disk", Health::good, found, ""};
}

std::vector<Finding> check_machine(const Json& machine, bool has_nvidia) {
  if (!machine.is_object()) {
    return {{"machine", Health::broken, "hearth-runner does not say what this computer offers",
             "run `hearth-runner machine` and read its error"}};
  }
  std::vector<Finding> findings;
  std::string tables;
  for (const Json& name : machine.value("kernel_tables", Json::array()))
    tables += (tables.empty() ? "" : ", ") + name.get<std::string>();
  std::string processor;
  bool has_gpu = false;
  for (const Json& device : machine.value("devices", Json::array())) {
    if (device.value("kind", "") == "cpu") processor = device.value("name", "");
    has_gpu |= device.value("kind", "") == "cuda";
  }
  const Json chosen = machine.value("kernel_table", Json());
  if (!chosen.is_string()) {
    findings.push_back(
        {"processor", Health::broken,
         fmt::format("HEARTH_ISA names kernels this computer lacks; it has {}", tables),
         "unset HEARTH_ISA, or choose one of these"});
  } else {
    const bool is_slow = chosen == "scalar";
    findings.push_back(
        {"processor", is_slow ? Health::warning : Health::good,
         fmt::format("{}: kernels {} of {}", processor, chosen.get<std::string>(), tables),
         is_slow ? "answers will be slow: a processor with AVX2 is many times faster" : ""});
  }
  const double quota = machine.value("cpu_quota", 0.0);
  findings.push_back(
      {"threads", Health::good,
       fmt::format("{} of {} cores ({} logical){}{}", machine.value("threads", 0),
                   machine.value("cores", 0), machine.value("cpus", 0), memory_nodes(machine),
                   quota > 0 ? fmt::format(", quota {:.2f}", quota) : ""),
       ""});
  const double reads = machine.value("read_bytes_per_s", 0.0);
  if (reads > 0) {
    constexpr double example_bytes = 5e9;
    findings.push_back(
        {"speed", Health::good,
         fmt::format("memory reads {:.1f} GB/s (a model of 5 GB writes at most {:.1f} "
                     "tokens/s), kernels in cache {:.2f} int8 and {:.2f} bf16 Top/s",
                     reads / 1e9, reads / example_bytes,
                     machine.value("int8_ops_per_s", 0.0) / 1e12,
                     machine.value("bf16_ops_per_s", 0.0) / 1e12),
         ""});
  }
  if (has_gpu || !has_nvidia) {
    findings.push_back({"gpu", Health::good, has_gpu ? "usable" : "none", ""});
  } else {
    findings.push_back({"gpu", Health::warning,
                        "an NVIDIA device is there, but no plug-in that can use it: models run on "
                        "the processor",
                        "install the package hearth-cuda (libhearth_cuda.so beside the programs)"});
  }
  const bool is_closed = machine.value("landlock", false) && machine.value("seccomp", false);
  findings.push_back({"sandbox", is_closed ? Health::good : Health::warning,
                      machine.value("sandbox", ""),
                      is_closed ? "" : "models run with fewer walls: use a kernel from 5.13 on"});
  return findings;
}

Finding check_memory(const fs::path& root) {
  std::string text;
  try {
    text = read_file(root / "proc/meminfo");
  } catch (const Error& error) {
    return {"memory", Health::warning, error.what(), "mount /proc"};
  }
  const int64_t total = memory_line(text, "MemTotal:");
  const int64_t available = memory_line(text, "MemAvailable:");
  const int64_t limit = group_limit(root);
  std::string found = fmt::format("{}, {} available", human_size(total), human_size(available));
  if (limit > 0 && limit < total)
    found += fmt::format(", this group may use {}", human_size(limit));
  constexpr int64_t little = int64_t{2} * 1000 * 1000 * 1000;
  const int64_t usable = limit > 0 ? std::min(limit, available) : available;
  if (usable < little)
    return {"memory", Health::warning, found, "end other programs, or use a small model"};
  return {"memory", Health::good, found, ""};
}

Finding check_settings(const api::Settings& settings) {
  if (settings.warnings().empty()) return {"settings", Health::good, "no mistakes", ""};
  std::string found;
  for (const std::string& warning : settings.warnings())
    found += (found.empty() ? "" : "; ") + warning;
  return {"settings", Health::warning, found, "unset them, or see `hearth config show --origin`"};
}

std::vector<Finding> check_everything(const Client& client) {
  const Config& config = client.config();
  std::vector<Finding> findings = {check_program(config, "hearthd"),
                                   check_program(config, "hearth-runner")};
  std::error_code ignored;
  const bool has_nvidia =
      fs::exists("/dev/nvidia0", ignored) || fs::exists("/proc/driver/nvidia", ignored);
  for (Finding& finding : check_machine(ask_machine(config), has_nvidia))
    findings.push_back(std::move(finding));
  findings.push_back(check_memory("/"));
  const fs::path models = config.settings.path("models");
  findings.push_back(check_store(models));
  findings.push_back(check_disk(models));
  findings.push_back(check_settings(config.settings));
  findings.push_back(check_daemon(client));
  return findings;
}

}  // namespace hearth::cli
