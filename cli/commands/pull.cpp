// `hearth pull`: a model from a registry, with a bar for each of its files.
#include "cli/commands.h"
#include "cli/store_stream.h"

namespace hearth::cli {

int pull(const Client& client, const TransferOptions& options) {
  pull_model(client, options.model, options.is_insecure, options.limit_rate);
  return 0;
}

}  // namespace hearth::cli
