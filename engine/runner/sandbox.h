// What a runner gives up before it sees the first byte of a model. From then on it can compute,
// read and map the descriptors it was handed and talk on its socket, and nothing else.
#pragma once

#include <string>

namespace hearth::engine {

struct SandboxReport {
  bool has_landlock = false;  // file system and TCP denied by the kernel's Landlock
  bool has_seccomp = false;   // system calls filtered
  // One line for the log, for example "seccomp and landlock", or what this kernel lacks and why.
  std::string summary;
};

// Call it while the process has a single thread: Landlock holds for the calling thread and those it
// starts later. Cannot be undone. Never throws: an old kernel means a weaker sandbox, and the
// report says so.
SandboxReport enter_sandbox();

}  // namespace hearth::engine
