// `hearth push`: a model to a registry.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/store_stream.h"
#include "cli/terminal.h"

namespace hearth::cli {

int push(const Client& client, const TransferOptions& options) {
  Json body = {{"model", options.model}};
  if (options.is_insecure) body["insecure"] = true;
  if (!options.limit_rate.empty()) body["limit_rate"] = options.limit_rate;
  follow(client, "/api/push", body,
         fmt::format("stopped; the next `hearth push {}` sends what is missing", options.model));
  note(fmt::format("pushed '{}'", options.model));
  return 0;
}

}  // namespace hearth::cli
