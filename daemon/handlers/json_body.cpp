// Reading and sending whole JSON bodies.
#include <fmt/format.h>

#include "base/error.h"
#include "daemon/handlers/handlers.h"

namespace hearth::daemon::handlers {

Task<std::string> read_json(Exchange& exchange) {
  const std::string& encoding = exchange.request().content_encoding;
  if (!encoding.empty() && encoding != "identity") {
    throw Error(ErrorCode::unsupported,
                fmt::format("content-encoding \"{}\" is not supported; send the body uncompressed",
                            encoding));
  }
  co_return co_await exchange.read_body();
}

void add_warnings(Exchange& exchange, const std::vector<std::string>& warnings) {
  if (!warnings.empty())
    exchange.add_header("Hearth-Warnings", fmt::format("{}", fmt::join(warnings, "; ")));
}

Task<void> send_json(Exchange& exchange, std::string body) {
  Reply reply;
  reply.body = std::move(body);
  co_await exchange.send(std::move(reply));
}

}  // namespace hearth::daemon::handlers
