// What ended a runner, in words that users read: every running request of the model fails with
// them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/runner_process.h"

namespace hearth::daemon {

enum class RunnerActivity : uint8_t { idle, loading, answering, quantizing };

// Everything known when a runner is reaped.
struct DeathReport {
  std::string model_name;
  RunnerActivity activity = RunnerActivity::idle;
  int wait_status = 0;  // as waitpid gives it
  bool was_asked_to_stop = false;
  bool kernel_ran_out_of_memory = false;  // its counter of such kills moved while the runner lived
  std::string hang;                       // what the watchdog saw, when it ended the runner
  std::string protocol_violation;         // likewise, when it sent nonsense
  std::string last_words;                 // message of its fatal frame
  bool last_words_are_memory = false;
};

DeathCause explain(const DeathReport& report);

// How often the kernel has killed a process for memory since it started; 0 where it does not say.
int64_t kernel_memory_kills();

}  // namespace hearth::daemon
