#include "cli/daemon_start.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "cli/terminal.h"

extern char** environ;

namespace hearth::cli {
namespace {

constexpr auto start_timeout = std::chrono::seconds(20);

// Throws when the server that answers is not ours.
void check_identity(const Client& client) {
  std::string found = "something that does not speak this API";
  try {
    const Json version = client.get("/api/version");
    if (version.is_object() && version.contains("hearth")) return;
    if (version.is_object() && version.contains("version"))
      found = "version " + version["version"].dump();
  } catch (const Error& error) {  // whatever it said, it is not hearth: named below
    found = error.what();
    if (error.code() == ErrorCode::unauthorized) throw;
  }
  throw Error(ErrorCode::unavailable, fmt::format("a server that is not hearth answers at {} ({}): "
                                                  "stop it, or set HEARTH_HOST to another address",
                                                  client.config().base_url, found));
}

std::string last_line(const std::filesystem::path& log) {
  std::string text = std::filesystem::exists(log) ? read_file(log) : "";
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::string line = text.substr(text.rfind('\n') + 1);
  return line.starts_with("Error: ") ? line.substr(7) : line;
}

// Starts hearthd in a session of its own, so that closing the terminal does not end it.
pid_t spawn_daemon(const Config& config, const std::filesystem::path& log) {
  hand_on_flags(config.settings);
  const std::string program = (config.programs / "hearthd").string();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  char* arguments[] = {const_cast<char*>(program.c_str()), nullptr};
  pid_t pid = -1;
  const int result =
      ::posix_spawn(&pid, program.c_str(), &actions, &attributes, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (result != 0) {
    throw Error(ErrorCode::unavailable,
                fmt::format("cannot start {}: {}", program, std::strerror(result)));
  }
  return pid;
}

}  // namespace

void ensure_daemon(const Client& client) {
  const Config& config = client.config();
  if (client.is_reachable()) return check_identity(client);
  if (!config.may_autostart) {
    throw Error(
        ErrorCode::unavailable,
        fmt::format(
            "nobody answers at {}: start the daemon with `hearth serve`, or set HEARTH_HOST",
            config.base_url));
  }
  std::filesystem::create_directories(config.home);
  const auto log = config.home / "hearthd.log";
  const pid_t pid = spawn_daemon(config, log);
  const auto deadline = std::chrono::steady_clock::now() + start_timeout;
  while (std::chrono::steady_clock::now() < deadline) {
    if (client.is_reachable()) {
      note(fmt::format("started the daemon in the background at {} (process {}, log {})",
                       config.base_url, pid, log.string()));
      return check_identity(client);
    }
    int status = 0;
    if (::waitpid(pid, &status, WNOHANG) == pid) {
      throw Error(ErrorCode::unavailable, fmt::format("the daemon ended at once, see {}: {}",
                                                      log.string(), last_line(log)));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  throw Error(ErrorCode::unavailable, fmt::format("the daemon does not answer at {}; its log is {}",
                                                  config.base_url, log.string()));
}

}  // namespace hearth::cli
