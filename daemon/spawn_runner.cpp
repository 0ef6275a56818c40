// See spawn_runner.h.
#include "daemon/spawn_runner.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "base/error.h"

namespace hearth::daemon {
namespace {

std::string_view name_of(log::Level level) {
  switch (level) {
    case log::Level::debug:
      return "debug";
    case log::Level::info:
      return "info";
    case log::Level::warn:
      return "warn";
    case log::Level::error:
      return "error";
    case log::Level::off:
      return "off";
  }
  return "info";
}

// Nothing but the socket and the standard streams: the runner reads nothing from us and logs to our
// standard error.
class FileActions {
 public:
  explicit FileActions(int socket) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, STDERR_FILENO, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, socket, engine::runner_socket_fd);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, engine::runner_socket_fd + 1);
  }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

// Default signals, and a process group of its own: Ctrl-C in the daemon's terminal is for the
// daemon.
class SpawnAttributes {
 public:
  SpawnAttributes() {
    ::posix_spawnattr_init(&attributes_);
    sigset_t set;
    ::sigfillset(&set);
    ::posix_spawnattr_setsigdefault(&attributes_, &set);
    ::sigemptyset(&set);
    ::posix_spawnattr_setsigmask(&attributes_, &set);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

[[noreturn]] void fail(const std::filesystem::path& program, int number) {
  throw Error(ErrorCode::internal,
              fmt::format("cannot start {}: {}", program.string(), std::strerror(number)));
}

}  // namespace

SpawnedRunner spawn_runner(const RunnerProcess::Options& options) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) fail(options.program, errno);
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  // Out of the way of the numbers the child gets.
  const UniqueFd high(::fcntl(theirs.get(), F_DUPFD_CLOEXEC, 10));
  if (!high) fail(options.program, errno);
  std::vector<std::string> words = {options.program.string(), "serve",
                                    fmt::format("--name={}", options.model_name),
                                    fmt::format("--log-level={}", name_of(options.log_level))};
  std::vector<std::string> environment = options.environment;
  const FileActions actions(high.get());
  const SpawnAttributes attributes;
  pid_t process = 0;
  const int problem =
      ::posix_spawn(&process, options.program.c_str(), actions.get(), attributes.get(),
                    pointers_to(words).data(), pointers_to(environment).data());
  if (problem != 0) fail(options.program, problem);
  return {process, std::move(ours)};
}

}  // namespace hearth::daemon
