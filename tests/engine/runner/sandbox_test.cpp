// In the sandbox what must work works, and what must not fails: tried by children that enter it.
#include "engine/runner/sandbox.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <functional>
#include <thread>
#include <vector>

#include "base/file.h"

using hearth::UniqueFd;
using hearth::engine::enter_sandbox;
using hearth::engine::SandboxReport;

namespace {

constexpr int has_no_seccomp = 99;

// Runs `body` in a child inside the sandbox; its return value is the exit code. Wait status.
int in_sandbox(const std::function<int()>& body) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const SandboxReport report = enter_sandbox();
    ::_exit(report.has_seccomp ? body() : has_no_seccomp);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

void expect_success(const std::function<bool()>& body) {
  const int status = in_sandbox([&] { return body() ? 0 : 1; });
  if (WIFEXITED(status) && WEXITSTATUS(status) == has_no_seccomp) {
    WARN("skipped: this kernel has no seccomp filters");
    return;
  }
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

bool is_denied(long result) {
  return result == -1 && errno == EPERM;
}

}  // namespace

TEST_CASE("sandbox: no file can be opened, created, removed or renamed") {
  expect_success([] {
    return is_denied(::open("/etc/passwd", O_RDONLY)) &&
           is_denied(::open("/tmp/hearth-x", O_CREAT | O_WRONLY, 0600)) &&
           is_denied(::unlink("/tmp/hearth-x")) && is_denied(::rename("/tmp/a", "/tmp/b")) &&
           is_denied(::mkdir("/tmp/hearth-x", 0700)) && is_denied(::chdir("/")) &&
           is_denied(::memfd_create("x", 0)) && is_denied(::truncate("/tmp/hearth-x", 0));
  });
}

TEST_CASE("sandbox: no socket, no connection") {
  expect_success([] {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    const int fds_begin = 3;
    int pair[2];
    return is_denied(::socket(AF_INET, SOCK_STREAM, 0)) &&
           is_denied(::socket(AF_UNIX, SOCK_STREAM, 0)) &&
           is_denied(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) &&
           is_denied(::connect(fds_begin, static_cast<sockaddr*>(static_cast<void*>(&address)),
                               sizeof(address))) &&
           is_denied(::listen(fds_begin, 1));
  });
}

TEST_CASE("sandbox: no other process is reached or made") {
  expect_success([] {
    return is_denied(::kill(::getppid(), 0)) &&
           is_denied(::syscall(SYS_tgkill, ::getppid(), ::getppid(), 0)) &&
           is_denied(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr)) &&
           is_denied(::setpgid(0, 0)) && is_denied(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
  });
}

TEST_CASE("sandbox: executing and tracing end the process") {
  const auto expect_killed = [](const std::function<int()>& body) {
    const int status = in_sandbox(body);
    if (WIFEXITED(status) && WEXITSTATUS(status) == has_no_seccomp) return;
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGSYS);
  };
  expect_killed([] {
    ::execl("/bin/true", "true", nullptr);
    return 0;
  });
  expect_killed([] { return static_cast<int>(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); });
}

TEST_CASE("sandbox: memory, threads and passed descriptors work") {
  const UniqueFd file(::memfd_create("model", MFD_CLOEXEC));
  REQUIRE(::ftruncate(file.get(), 4096) == 0);
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  const UniqueFd first(pair[0]);
  const UniqueFd second(pair[1]);
  expect_success([&] {
    struct stat status {};
    if (::fstat(file.get(), &status) != 0 || status.st_size != 4096) return false;
    if (::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file.get(), 0) == MAP_FAILED) return false;
    const int executable = PROT_READ | PROT_WRITE | PROT_EXEC;  // compiled regular expressions
    if (::mmap(nullptr, 4096, executable, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
      return false;
    std::vector<char> large(64 << 20, 1);
    int sum = 0;
    std::thread worker([&] { sum = large[5] + 1; });
    worker.join();
    char byte = 'x';
    return sum == 2 && ::write(first.get(), &byte, 1) == 1 && ::read(second.get(), &byte, 1) == 1;
  });
}

TEST_CASE("sandbox: threads started inside are inside") {
  expect_success([] {
    bool denied = false;
    std::thread worker([&] { denied = is_denied(::open("/etc/passwd", O_RDONLY)); });
    worker.join();
    return denied;
  });
}

TEST_CASE("sandbox: leaves no core file and says what is on") {
  const int status = in_sandbox([] {
    rlimit limit{};
    ::getrlimit(RLIMIT_CORE, &limit);
    return limit.rlim_cur == 0 && limit.rlim_max == 0 ? 0 : 1;
  });
  REQUIRE(WIFEXITED(status));
  CHECK((WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == has_no_seccomp));
  const pid_t child = ::fork();
  if (child == 0) {
    const SandboxReport report = enter_sandbox();
    const bool is_full = report.has_landlock && report.has_seccomp;
    ::_exit(is_full == (report.summary == "seccomp and landlock") ? 0 : 1);
  }
  int result = 0;
  REQUIRE(::waitpid(child, &result, 0) == child);
  CHECK(WEXITSTATUS(result) == 0);
}

TEST_CASE("sandbox: an abort is still an abort") {
  const int status = in_sandbox([]() -> int {
    ::signal(SIGABRT, SIG_DFL);  // the test program has a handler of its own
    ::abort();
  });
  if (WIFEXITED(status)) return;
  CHECK(WTERMSIG(status) == SIGABRT);
}
