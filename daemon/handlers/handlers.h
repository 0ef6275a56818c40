// All handlers: each translates its request, calls one service, and writes the answer.
#pragma once

#include <string>

#include "daemon/server/exchange.h"
#include "daemon/services.h"

namespace hearth::daemon::handlers {

// The largest body of JSON that is read into memory.
inline constexpr size_t json_bytes_max = size_t{64} << 20;

Task<void> root(Services& services, Exchange& exchange);
Task<void> version(Services& services, Exchange& exchange);
Task<void> tags(Services& services, Exchange& exchange);
Task<void> ps(Services& services, Exchange& exchange);
Task<void> show(Services& services, Exchange& exchange);
Task<void> create(Services& services, Exchange& exchange);
Task<void> copy(Services& services, Exchange& exchange);
Task<void> remove(Services& services, Exchange& exchange);
Task<void> blob_exists(Services& services, Exchange& exchange);
Task<void> upload_blob(Services& services, Exchange& exchange);
Task<void> generate(Services& services, Exchange& exchange);
Task<void> chat(Services& services, Exchange& exchange);
Task<void> openai_chat(Services& services, Exchange& exchange);
Task<void> openai_models(Services& services, Exchange& exchange);
Task<void> openai_model(Services& services, Exchange& exchange);

// The JSON body of a request. Throws Error{invalid_argument} above json_bytes_max and for
// compressed bodies.
Task<std::string> read_json(Exchange& exchange);
// 200 with this JSON.
Task<void> send_json(Exchange& exchange, std::string body);

}  // namespace hearth::daemon::handlers
