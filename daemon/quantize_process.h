// A hearth-runner that writes a model again in another mixture: the daemon itself never parses
// weights. One process per job, sandboxed like those that answer.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "daemon/runner_process.h"

namespace hearth::daemon {

// Share done, 0..1. Throw from it to stop: the process is then killed.
using QuantizeReport = std::function<void(double)>;

// Blocks until `out_fd` holds the new file. `model_fds` are the parts in order; `mixture` is a name
// from engine/quantize.h. `options.program`, `model_name`, `environment` and `log_level` count.
// Throws what the runner refused with, or Error{unavailable | out_of_memory} with the cause when it
// died.
void quantize_in_runner(const RunnerProcess::Options& options, const std::string& mixture,
                        std::span<const int> model_fds, int out_fd, const QuantizeReport& report);

}  // namespace hearth::daemon
