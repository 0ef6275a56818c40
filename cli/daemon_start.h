// Makes sure that the daemon answers: finds it, or starts one in the background.
#pragma once

#include "cli/client.h"

namespace hearth::cli {

// Returns when a hearth daemon answers at the configured address. When nobody does and the address
// is this machine, starts hearthd in the background, says so in one line on standard error and
// waits until it answers. Throws Error{unavailable}: nobody there and starting is not allowed or
// failed (with the log's last line), or a server that is not hearth holds the port.
void ensure_daemon(const Client& client);

}  // namespace hearth::cli
