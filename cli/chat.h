// The chat at the prompt: `hearth run MODEL` on a terminal.
#pragma once

#include <string>

#include "cli/client.h"
#include "cli/commands.h"

namespace hearth::cli {

// Loads the model, then reads prompts until /bye or Ctrl-D. Ctrl-C stops an answer, never the chat.
int chat(const Client& client, const RunOptions& options);

}  // namespace hearth::cli
