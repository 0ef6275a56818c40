// The daemon as a function: what hearthd runs.
#pragma once

namespace hearth::daemon {

struct Config;

// Serves until SIGINT or SIGTERM, then ends all requests and runners. The exit code: 0 after a
// clean stop. Throws Error when it cannot start: the port is taken (naming who holds it, when it is
// hearth or Ollama), the models folder cannot be used, or the address is reachable from other
// computers and neither a key nor --insecure-no-auth was given.
int run(const Config& config);

}  // namespace hearth::daemon
