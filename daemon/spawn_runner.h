// Starting hearth-runner from a daemon with many threads: posix_spawn, one descriptor, nothing
// inherited.
#pragma once

#include <sys/types.h>

#include "base/file.h"
#include "daemon/runner_process.h"

namespace hearth::daemon {

struct SpawnedRunner {
  pid_t process = 0;
  UniqueFd socket;  // our end
};

// The thread that calls this must live as long as the runner: the kernel kills the runner when that
// thread ends (PR_SET_PDEATHSIG). Throws Error{internal} naming the program and the system's
// reason.
SpawnedRunner spawn_runner(const RunnerProcess::Options& options);

}  // namespace hearth::daemon
