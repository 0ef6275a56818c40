// Prints an answer while it streams in, for `run` with a prompt and for the chat.
#pragma once

#include <string>

#include "cli/client.h"

namespace hearth::cli {

struct AnswerOptions {
  bool wraps_words = true;
  bool is_verbose = false;
};

struct Answer {
  std::string text;
  bool is_cancelled = false;
};

// Posts `body` to `path` ("/api/generate" or "/api/chat") and prints the text as it comes; Ctrl-C
// stops it. With is_verbose the metrics follow on standard error.
Answer stream_answer(const Client& client, const std::string& path, const Json& body,
                     const AnswerOptions& options);

// Metrics of a final message as lines, as `--verbose` prints them.
std::string describe_metrics(const Json& final_message);

}  // namespace hearth::cli
