// Who answers on a port that we wanted.
#pragma once

#include <cstdint>
#include <string>

namespace hearth::daemon {

// "hearth 0.1.0", "Ollama 0.33.0", "another program". Asks /api/version and waits at most a second.
std::string port_owner(const std::string& host, uint16_t port);

}  // namespace hearth::daemon
