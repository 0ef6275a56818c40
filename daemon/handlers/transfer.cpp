// POST /api/pull and /api/push. A client that goes away stops it; what has arrived stays for the
// next one.
#include "api/native.h"
#include "daemon/handlers/handlers.h"
#include "daemon/handlers/progress_stream.h"
#include "daemon/transfer_service.h"

namespace hearth::daemon::handlers {
namespace {

using Transfer = void (*)(TransferService& service, const registry::ModelName& name,
                          const api::TransferRequest& request,
                          const registry::RegistryCredentials& credentials,
                          const ProgressSink& sink);

Task<void> stream_transfer(Services& services, Exchange& exchange, Transfer transfer) {
  const std::string body = co_await read_json(exchange);
  const api::TransferRequest request = api::read_native_transfer(body);
  add_warnings(exchange, request.warnings);
  const registry::ModelName name = registry::ModelName::parse(request.model);
  exchange.log().model = request.model;
  const std::function<void(const ProgressSink&)> job = [&services, name, request,
                                                        transfer](const ProgressSink& sink) {
    const registry::RegistryCredentials credentials{
        .user = request.user, .password = request.password, .bearer = ""};
    transfer(services.transfers, name, request, credentials, sink);
  };
  co_await stream_progress(services, exchange, request.is_stream, job);
}

}  // namespace

Task<void> pull(Services& services, Exchange& exchange) {
  return stream_transfer(
      services, exchange,
      [](TransferService& service, const registry::ModelName& name,
         const api::TransferRequest& request, const registry::RegistryCredentials& credentials,
         const ProgressSink& sink) {
        service.pull(name,
                     {.is_insecure = request.is_insecure,
                      .credentials = credentials,
                      .bytes_per_second = request.bytes_per_second},
                     sink);
      });
}

Task<void> push(Services& services, Exchange& exchange) {
  return stream_transfer(
      services, exchange,
      [](TransferService& service, const registry::ModelName& name,
         const api::TransferRequest& request, const registry::RegistryCredentials& credentials,
         const ProgressSink& sink) {
        service.push(name,
                     {.is_insecure = request.is_insecure,
                      .credentials = credentials,
                      .bytes_per_second = request.bytes_per_second},
                     sink);
      });
}

}  // namespace hearth::daemon::handlers
