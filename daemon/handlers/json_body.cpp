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
  constexpr size_t bytes_max = 2000;
  if (warnings.empty()) return;
  std::string line;
  size_t count = 0;
  for (const std::string& warning : warnings) {
    if (line.size() + warning.size() > bytes_max) break;
    if (!line.empty()) line += "; ";
    line += warning;
    ++count;
  }
  if (count < warnings.size()) line += fmt::format("; and {} more", warnings.size() - count);
  exchange.add_header("Hearth-Warnings", line);
}

Task<void> send_json(Exchange& exchange, std::string body) {
  Reply reply;
  reply.body = std::move(body);
  co_await exchange.send(std::move(reply));
}

}  // namespace hearth::daemon::handlers
