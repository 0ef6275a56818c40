// See death_cause.h.
#include "daemon/death_cause.h"

#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <charconv>

#include "base/error.h"
#include "base/file.h"

namespace hearth::daemon {
namespace {

std::string_view while_doing(RunnerActivity activity) {
  switch (activity) {
    case RunnerActivity::idle:
      return " while idle";
    case RunnerActivity::loading:
      return " while loading";
    case RunnerActivity::answering:
      return " while answering";
    case RunnerActivity::quantizing:
      return " while quantizing";
  }
  return "";
}

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return name != nullptr ? fmt::format("signal {} (SIG{})", number, name)
                         : fmt::format("signal {}", number);
}

}  // namespace

DeathCause explain(const DeathReport& report) {
  const std::string who = fmt::format("the runner of model \"{}\"", report.model_name);
  const std::string_view doing = while_doing(report.activity);
  const std::string_view next = report.activity == RunnerActivity::quantizing
                                    ? "; nothing was made"
                                    : "; the model is loaded again with the next request";
  const bool is_signal = WIFSIGNALED(report.wait_status);
  const int number = is_signal ? WTERMSIG(report.wait_status) : WEXITSTATUS(report.wait_status);
  if (report.was_asked_to_stop)
    return {DeathKind::stopped, number, fmt::format("{} was stopped", who)};
  if (!report.hang.empty()) {
    return {DeathKind::hang, number,
            fmt::format("{} {}{} and was ended{}", who, report.hang, doing, next)};
  }
  if (!report.protocol_violation.empty()) {
    return {DeathKind::protocol, number,
            fmt::format("{} sent a frame hearthd does not understand ({}) and was ended{}", who,
                        report.protocol_violation, next)};
  }
  if (!report.last_words.empty()) {
    const DeathKind kind =
        report.last_words_are_memory ? DeathKind::out_of_memory : DeathKind::protocol;
    return {kind, number, fmt::format("{} ended{}: {}", who, doing, report.last_words)};
  }
  if (is_signal && number == SIGKILL && report.kernel_ran_out_of_memory) {
    return {DeathKind::out_of_memory, number,
            fmt::format("{} was killed by {}{}, most likely because memory ran out{}", who,
                        signal_name(number), doing, next)};
  }
  if (is_signal) {
    return {DeathKind::signal, number,
            fmt::format("{} was killed by {}{}{}", who, signal_name(number), doing, next)};
  }
  if (number == engine::exit_out_of_memory) {
    return {DeathKind::out_of_memory, number,
            fmt::format("{} ran out of memory{}{}", who, doing, next)};
  }
  return {DeathKind::exit_code, number,
          fmt::format("{} ended with exit code {}{}{}", who, number, doing, next)};
}

int64_t kernel_memory_kills() {
  std::string text;
  try {
    text = read_file("/proc/vmstat");
  } catch (const Error&) {  // the hint is then missing, nothing else
    return 0;
  }
  constexpr std::string_view key = "\noom_kill ";
  const size_t at = text.find(key);
  if (at == std::string::npos) return 0;
  int64_t count = 0;
  std::from_chars(text.data() + at + key.size(), text.data() + text.size(), count);
  return count;
}

}  // namespace hearth::daemon
