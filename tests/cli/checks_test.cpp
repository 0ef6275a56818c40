// What the checks of `hearth doctor` make of folders, machines and limits.
#include "cli/checks.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/temp_folder.h"

using namespace hearth::cli;
using hearth::testing::TempFolder;

namespace {

const Finding& named(const std::vector<Finding>& findings, const std::string& check) {
  for (const Finding& finding : findings) {
    if (finding.check == check) return finding;
  }
  FAIL("no finding about " << check);
  return findings.front();
}

void write(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

}  // namespace

TEST_CASE("a store that can be written, one that will be made, one that is a file") {
  const TempFolder folder;
  CHECK(check_store(folder.path()).health == Health::good);
  CHECK_THAT(check_store(folder.path() / "a/b").found, Catch::Contains("made when first needed"));
  write(folder.path() / "file", "");
  CHECK(check_store(folder.path() / "file").health == Health::broken);
  if (::geteuid() == 0) {
    WARN("skipped: root may write everywhere");
    return;
  }
  ::chmod(folder.path().c_str(), 0500);
  const Finding closed = check_store(folder.path());
  ::chmod(folder.path().c_str(), 0700);
  CHECK(closed.health == Health::broken);
  CHECK_THAT(closed.found, Catch::Contains("lacks w") && Catch::Contains("mode 500"));
}

TEST_CASE("a machine as its runner tells it") {
  const Json machine = {{"kernel_tables", {"scalar", "avx2"}},
                        {"kernel_table", "avx2"},
                        {"cpus", 8},
                        {"cores", 4},
                        {"cpu_quota", 1.5},
                        {"threads", 2},
                        {"landlock", true},
                        {"seccomp", true},
                        {"sandbox", "seccomp and landlock"},
                        {"devices", {{{"kind", "cpu"}, {"name", "A processor"}}}}};
  CHECK(check_machine(machine, false).size() == 4);
  Json measured = machine;
  measured["read_bytes_per_s"] = 20e9;
  measured["int8_ops_per_s"] = 4.1e12;
  CHECK_THAT(
      named(check_machine(measured, false), "speed").found,
      Catch::StartsWith("memory reads 20.0 GB/s (a model of 5 GB writes at most 4.0 tokens/s"));
  auto findings = check_machine(machine, false);
  CHECK(named(findings, "processor").found == "A processor: kernels avx2 of scalar, avx2");
  CHECK(named(findings, "threads").found == "2 of 4 cores (8 logical), quota 1.50");
  for (const Finding& finding : findings) CHECK(finding.health == Health::good);
  Json large = machine;
  large["memory_nodes"] = 2;
  large["layout"] = "4 threads on 2 memory nodes (2 + 2)";
  CHECK_THAT(
      named(check_machine(large, false), "threads").found,
      Catch::Contains("(8 logical), 2 memory nodes: 4 threads on 2 memory nodes (2 + 2), quota"));

  CHECK(named(check_machine(machine, true), "gpu").health == Health::warning);
  Json changed = machine;
  changed["devices"].push_back({{"kind", "cuda"}, {"name", "A card"}});
  CHECK(named(check_machine(changed, true), "gpu").found == "usable");
  changed = machine;
  changed["kernel_table"] = nullptr;
  CHECK(named(check_machine(changed, false), "processor").health == Health::broken);
  changed = machine;
  changed["landlock"] = false;
  CHECK(named(check_machine(changed, false), "sandbox").health == Health::warning);
  CHECK(named(check_machine(Json(), false), "machine").health == Health::broken);
}

TEST_CASE("memory is the machine's or the group's") {
  const TempFolder root;
  write(root.path() / "proc/meminfo", "MemTotal: 64000000 kB\nMemAvailable: 32000000 kB\n");
  CHECK(check_memory(root.path()).found == "65 GB, 32 GB available");
  write(root.path() / "proc/self/cgroup", "0::/a/b\n");
  write(root.path() / "sys/fs/cgroup/a/b/memory.max", "max\n");
  write(root.path() / "sys/fs/cgroup/a/memory.max", "1000000000\n");
  const Finding limited = check_memory(root.path());
  CHECK(limited.health == Health::warning);
  CHECK_THAT(limited.found, Catch::Contains("this group may use 1 GB"));
}

TEST_CASE("stray variables are told") {
  CHECK(check_settings(hearth::api::load_settings({})).health == Health::good);
  const Finding stray =
      check_settings(hearth::api::load_settings({{}, {{"OLLAMA_VULKAN", "1"}}, {}}));
  CHECK(stray.health == Health::warning);
  CHECK_THAT(stray.found, Catch::Contains("OLLAMA_VULKAN"));
}
