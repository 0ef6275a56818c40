// Prints an answer while it streams in, for `run` with a prompt and for the chat.
#pragma once

#include <string>

#include "cli/client.h"

namespace hearth::cli {

struct AnswerOptions {
  bool wraps_words = true;
  bool is_verbose = false;
  bool hides_thinking = false;
};

struct Answer {
  std::string text;  // without thinking
  bool is_cancelled = false;
};

// Posts `body` to `path` ("/api/generate" or "/api/chat") and prints the text as it comes; Ctrl-C
// stops it. With is_verbose the metrics follow on standard error.
Answer stream_answer(const Client& client, const std::string& path, const Json& body,
                     const AnswerOptions& options);

// Metrics of a final message as lines, as `--verbose` prints them.
std::string describe_metrics(const Json& final_message);

// What to print for the pieces of one answer: thinking stands between two lines that say so, grey
// on a terminal. Pure.
class AnswerText {
 public:
  AnswerText(bool hides_thinking, bool is_grey)
      : hides_thinking_(hides_thinking), is_grey_(is_grey) {}
  std::string add(const std::string& thinking, const std::string& text);

 private:
  bool hides_thinking_, is_grey_;
  bool is_thinking_ = false;
};

}  // namespace hearth::cli
