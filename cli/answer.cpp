#include "cli/answer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/human.h"
#include "cli/terminal.h"

namespace hearth::cli {
namespace {

// The field of a generate's or a chat's line.
std::string piece_of(const Json& message, const char* generate_name, const char* chat_name) {
  if (message.contains("message")) return message["message"].value(chat_name, "");
  return message.value(generate_name, "");
}

void add_rate(std::string& lines, const Json& message, const std::string& name,
              const std::string& label) {
  const int64_t count = message.value(name + "_count", int64_t{0});
  const int64_t duration = message.value(name + "_duration", int64_t{0});
  if (count > 0) lines += fmt::format("{:<22}{} token(s)\n", label + " count:", count);
  if (duration > 0)
    lines += fmt::format("{:<22}{}\n", label + " duration:", human_duration(duration));
  if (count > 0 && duration > 0) {
    lines += fmt::format("{:<22}{:.2f} tokens/s\n", label + " rate:",
                         static_cast<double>(count) * 1e9 / static_cast<double>(duration));
  }
}

}  // namespace

std::string describe_metrics(const Json& message) {
  std::string lines;
  for (const auto& [name, label] :
       {std::pair{"total_duration", "total duration:"}, {"load_duration", "load duration:"}}) {
    if (const int64_t value = message.value(name, int64_t{0}); value > 0) {
      lines += fmt::format("{:<22}{}\n", label, human_duration(value));
    }
  }
  add_rate(lines, message, "prompt_eval", "prompt eval");
  add_rate(lines, message, "eval", "eval");
  return lines;
}

std::string AnswerText::add(const std::string& thinking, const std::string& text) {
  std::string shown;
  if (!thinking.empty() && !hides_thinking_) {
    if (!is_thinking_) shown += "Thinking...\n";
    is_thinking_ = true;
    shown += is_grey_ ? "\x1b[90m" + thinking + "\x1b[0m" : thinking;
  }
  if (!text.empty() && is_thinking_) {
    shown += "\n...done thinking.\n\n";
    is_thinking_ = false;
  }
  return shown + text;
}

Answer stream_answer(const Client& client, const std::string& path, const Json& body,
                     const AnswerOptions& options) {
  InterruptGuard guard;
  Progress waiting;
  WordWrap wrap(options.wraps_words && output_is_terminal() ? terminal_width() - 5 : 0);
  AnswerText shown(options.hides_thinking, output_is_terminal());
  Answer answer;
  std::string metrics;
  bool is_cut = false;
  if (errors_are_terminal() && output_is_terminal()) waiting.message("");
  const bool is_whole = client.stream(
      path, body,
      [&](const Json& message) {
        const std::string text = piece_of(message, "response", "content");
        const std::string thinking = piece_of(message, "thinking", "thinking");
        if (const std::string piece = shown.add(thinking, text); !piece.empty()) {
          waiting.finish();
          print(wrap.add(piece));
        }
        answer.text += text;
        if (message.value("done", false)) {
          metrics = describe_metrics(message);
          is_cut = message.value("done_reason", "") == "length";
        }
      },
      InterruptGuard::flag());
  waiting.finish();
  answer.is_cancelled = !is_whole;
  print("\n");
  if (is_cut && errors_are_terminal())
    note("(cut here: num_predict is reached, or the context is full)");
  if (options.is_verbose && !metrics.empty()) note("\n" + metrics);
  return answer;
}

}  // namespace hearth::cli
