// no_new_privs, no core files, Landlock without any rule, and a seccomp filter that is a list of
// what is allowed. Sources: landlock(7), seccomp(2), linux/landlock.h and linux/seccomp.h. The
// Landlock constants newer than the headers this is built with are given as numbers.
#include "engine/runner/sandbox.h"

#include <fmt/format.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <vector>

#include "base/file.h"

namespace hearth::engine {
namespace {

#if defined(__x86_64__)
constexpr uint32_t native_architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t native_architecture = AUDIT_ARCH_AARCH64;
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(undefined_behavior_sanitizer)
#define HEARTH_HAS_SANITIZER 1
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HEARTH_HAS_SANITIZER 1
#endif

// Allowed whatever the arguments.
constexpr auto allowed_calls = std::to_array<uint32_t>({
  // memory
  SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_mlock, SYS_munlock,
      SYS_msync, SYS_mincore, SYS_mbind, SYS_get_mempolicy, SYS_set_mempolicy, SYS_membarrier,
      // threads
      SYS_futex, SYS_set_robust_list, SYS_get_robust_list, SYS_set_tid_address, SYS_rseq, SYS_exit,
      SYS_exit_group, SYS_gettid, SYS_getpid, SYS_getppid, SYS_sched_yield, SYS_sched_getaffinity,
      SYS_sched_setaffinity, SYS_sched_getparam, SYS_sched_getscheduler, SYS_sched_get_priority_max,
      SYS_sched_get_priority_min, SYS_getcpu,
      // clocks and limits
      SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday,
      SYS_getrusage, SYS_getrandom, SYS_sysinfo, SYS_uname,
      // signals of its own
      SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_restart_syscall,
      // descriptors it was given
      SYS_read, SYS_readv, SYS_pread64, SYS_preadv, SYS_write, SYS_writev, SYS_lseek, SYS_fstat,
      SYS_close, SYS_fadvise64, SYS_readahead, SYS_ppoll, SYS_recvmsg, SYS_sendmsg, SYS_recvfrom,
      SYS_shutdown,
#if defined(__x86_64__)
      SYS_poll, SYS_arch_prctl, SYS_time,
#endif
#if defined(HEARTH_HAS_SANITIZER)
      // The sanitizers try through a pipe whether memory can be read.
      SYS_pipe2,
#if defined(__x86_64__)
      SYS_pipe,
#endif
#endif
});

// Nothing in the engine ever asks for these: whoever does has taken the process over.
constexpr auto deadly_calls = std::to_array<uint32_t>({
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_bpf,
    SYS_init_module,
    SYS_kexec_load,
});

// Allowed for exactly one value of the low half of one argument.
struct ArgumentRule {
  uint32_t call;
  uint32_t argument;
  uint32_t value;
};

// Everything about fstat goes through newfstatat with an empty path in current C libraries.
constexpr uint32_t empty_path_flag = 0x1000;

std::vector<ArgumentRule> argument_rules() {
  const auto self = static_cast<uint32_t>(::getpid());
  return {
      {SYS_newfstatat, 3, empty_path_flag},
      {SYS_tgkill, 0, self},  // abort()
      {SYS_prlimit64, 0, 0},  // of itself
      {SYS_prctl, 0, PR_SET_NAME},
      {SYS_prctl, 0, PR_GET_NAME},
      {SYS_prctl, 0, 0x53564d41},  // PR_SET_VMA: names of memory areas
      {SYS_fcntl, 1, 1},           // F_GETFD
      {SYS_fcntl, 1, 3},           // F_GETFL
      {SYS_fcntl, 1, 1030},        // F_DUPFD_CLOEXEC: a mapped file keeps a descriptor
      {SYS_fcntl, 1, 1034},        // F_GET_SEALS
  };
}

using Filter = std::vector<sock_filter>;

sock_filter load_word(size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset));
}
sock_filter answer(uint32_t action) {
  return BPF_STMT(BPF_RET | BPF_K, action);
}

size_t argument_offset(uint32_t index) {
  return offsetof(seccomp_data, args) + index * sizeof(uint64_t);
}

constexpr uint32_t deny = SECCOMP_RET_ERRNO | EPERM;

void add_verdict(Filter& filter, uint32_t call, uint32_t action) {
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
  filter.push_back(answer(action));
}

// The number of the call is loaded again when the argument differs, for the rules that follow.
void add_argument_rule(Filter& filter, const ArgumentRule& rule) {
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rule.call, 0, 4));
  filter.push_back(load_word(argument_offset(rule.argument)));
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rule.value, 0, 1));
  filter.push_back(answer(SECCOMP_RET_ALLOW));
  filter.push_back(load_word(offsetof(seccomp_data, nr)));
}

// New threads are fine, new processes are not. clone3 hides its flags behind a pointer; told that
// it does not exist, the C library uses clone.
void add_thread_rules(Filter& filter) {
  add_verdict(filter, SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4));
  filter.push_back(load_word(argument_offset(0)));
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1));
  filter.push_back(answer(SECCOMP_RET_ALLOW));
  filter.push_back(answer(deny));
}

Filter make_filter() {
  Filter filter;
  filter.push_back(load_word(offsetof(seccomp_data, arch)));
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, native_architecture, 1, 0));
  filter.push_back(answer(SECCOMP_RET_KILL_PROCESS));
  filter.push_back(load_word(offsetof(seccomp_data, nr)));
#if defined(__x86_64__)
  // The x32 calls share the architecture but not the numbers.
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1));
  filter.push_back(answer(SECCOMP_RET_KILL_PROCESS));
#endif
  for (const uint32_t call : allowed_calls) add_verdict(filter, call, SECCOMP_RET_ALLOW);
  for (const uint32_t call : deadly_calls) add_verdict(filter, call, SECCOMP_RET_KILL_PROCESS);
  for (const ArgumentRule& rule : argument_rules()) add_argument_rule(filter, rule);
  add_thread_rules(filter);
  filter.push_back(answer(deny));
  return filter;
}

// Empty on success, else the system's reason.
std::string install_seccomp() {
  Filter filter = make_filter();
  const sock_fprog program{static_cast<uint16_t>(filter.size()), filter.data()};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0) {
    return std::strerror(errno);
  }
  return "";
}

// As the kernel's struct landlock_ruleset_attr; older headers know only its beginning.
struct LandlockAttributes {
  uint64_t file_rights = 0;
  uint64_t network_rights = 0;
  uint64_t scopes = 0;
};

struct LandlockLevel {
  LandlockAttributes attributes;
  size_t size_bytes = 0;
};

// What a kernel of this Landlock version can be asked to deny: 1 has 13 file rights, 2 adds refer,
// 3 truncate, 4 TCP, 5 device control, 6 signals and abstract sockets outside of the sandbox.
LandlockLevel landlock_level(long version) {
  LandlockLevel level;
  level.attributes.file_rights = (uint64_t{1} << 13) - 1;
  if (version >= 2) level.attributes.file_rights |= uint64_t{1} << 13;
  if (version >= 3) level.attributes.file_rights |= uint64_t{1} << 14;
  if (version >= 5) level.attributes.file_rights |= uint64_t{1} << 15;
  level.size_bytes = offsetof(LandlockAttributes, network_rights);
  if (version >= 4) {
    level.attributes.network_rights = 3;
    level.size_bytes = offsetof(LandlockAttributes, scopes);
  }
  if (version >= 6) {
    level.attributes.scopes = 3;
    level.size_bytes = sizeof(LandlockAttributes);
  }
  return level;
}

std::string install_landlock() {
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return std::strerror(errno);
  const LandlockLevel level = landlock_level(version);
  const UniqueFd rules(static_cast<int>(
      ::syscall(SYS_landlock_create_ruleset, &level.attributes, level.size_bytes, 0)));
  if (!rules) return std::strerror(errno);
  if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0) return std::strerror(errno);
  return "";
}

std::string summarise(const std::string& landlock_lack, const std::string& seccomp_lack) {
  if (landlock_lack.empty() && seccomp_lack.empty()) return "seccomp and landlock";
  if (landlock_lack.empty()) return fmt::format("landlock only; no seccomp ({})", seccomp_lack);
  if (seccomp_lack.empty()) return fmt::format("seccomp only; no landlock ({})", landlock_lack);
  return fmt::format("none: no seccomp ({}), no landlock ({})", seccomp_lack, landlock_lack);
}

}  // namespace

SandboxReport enter_sandbox() {
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  std::string landlock_lack;
  std::string seccomp_lack;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    landlock_lack = seccomp_lack = std::strerror(errno);
  } else {
    landlock_lack = install_landlock();
    seccomp_lack = install_seccomp();
  }
  return {landlock_lack.empty(), seccomp_lack.empty(), summarise(landlock_lack, seccomp_lack)};
}

}  // namespace hearth::engine
