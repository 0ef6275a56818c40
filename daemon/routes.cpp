// The table of contents of the server.
#include "daemon/routes.h"

#include <array>

#include "daemon/handlers/handlers.h"

namespace hearth::daemon {
namespace {

constexpr std::array table{
    Route{"GET HEAD", "/", handlers::root},
    Route{"GET HEAD", "/api/version", handlers::version},
    Route{"GET HEAD", "/api/tags", handlers::tags},
};

}  // namespace

std::span<const Route> routes() { return table; }

}  // namespace hearth::daemon
