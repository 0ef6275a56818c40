// The chat at the prompt: `hearth run MODEL` on a terminal.
#pragma once

#include "cli/client.h"
#include "cli/commands.h"

namespace hearth::cli {

// Loads the model, then reads prompts until /bye or Ctrl-D. Ctrl-C stops an answer, never the chat.
// `shown` is what /api/show says of the model: its stored messages are printed first.
int chat(const Client& client, const RunOptions& options, const Json& shown);

}  // namespace hearth::cli
