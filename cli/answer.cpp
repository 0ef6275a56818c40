#include "cli/answer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/human.h"
#include "cli/terminal.h"

namespace hearth::cli {
namespace {

std::string text_of(const Json& message) {
  if (message.contains("response")) return message["response"].get<std::string>();
  if (message.contains("message")) return message["message"].value("content", "");
  return {};
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

Answer stream_answer(const Client& client, const std::string& path, const Json& body,
                     const AnswerOptions& options) {
  InterruptGuard guard;
  Progress waiting;
  WordWrap wrap(options.wraps_words && output_is_terminal() ? terminal_width() - 5 : 0);
  Answer answer;
  std::string metrics;
  if (errors_are_terminal() && output_is_terminal()) waiting.message("");
  const bool is_whole = client.stream(
      path, body,
      [&](const Json& message) {
        const std::string text = text_of(message);
        if (!text.empty()) {
          waiting.finish();
          print(wrap.add(text));
          answer.text += text;
        }
        if (message.value("done", false)) metrics = describe_metrics(message);
      },
      InterruptGuard::flag());
  waiting.finish();
  answer.is_cancelled = !is_whole;
  print("\n");
  if (options.is_verbose && !metrics.empty()) note("\n" + metrics);
  return answer;
}

}  // namespace hearth::cli
