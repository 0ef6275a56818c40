// From a request to its handler: access checks, the route table, errors as answers, one log line
// per request.
#pragma once

#include <span>
#include <string_view>

#include "daemon/server/exchange.h"
#include "daemon/services.h"

namespace hearth::daemon {

struct Route {
  std::string_view methods;  // "GET HEAD"
  std::string_view
      pattern;  // "/api/blobs/{digest}": the last part may be a parameter, and then holds the rest
  Task<void> (*handler)(Services&, Exchange&);
};

std::span<const Route> routes();

// Answers one request completely; what goes wrong becomes an answer. Never throws anything but
// Error{cancelled} for a client that is gone.
Task<void> answer_request(Services& services, Exchange& exchange);

}  // namespace hearth::daemon
