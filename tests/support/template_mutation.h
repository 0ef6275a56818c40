// Damaged templates and what is done with one: used by the daily test and by the fuzz target.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "modelfile/template.h"

namespace hearth::testing {

// Mutation `number` of one of the seeds; the same number gives the same text.
inline std::string mutated_template(const std::vector<std::string>& seeds, uint64_t number) {
  static constexpr std::string_view pieces[] = {"{{",   "}}",
                                                "{%",   "%}",
                                                "{{-",  "-}}",
                                                "(",    ")",
                                                "[",    "]",
                                                "|",    ".",
                                                "$",    "\"",
                                                "'",    "`",
                                                "{#",   "/*",
                                                "end",  "endfor",
                                                "if",   "range",
                                                "not ", "~",
                                                "**",   "99999999999999999999",
                                                "-1",   "\xff",
                                                "\0",   "\n",
                                                ":=",   "%s",
                                                "%*d"};
  std::mt19937_64 random(number * 0x9E3779B97F4A7C15u + 1);
  const auto below = [&random](size_t limit) { return limit == 0 ? 0 : random() % limit; };
  std::string text = seeds[below(seeds.size())];
  for (size_t changes = 1 + below(4); changes > 0; --changes) {
    const size_t at = below(text.size() + 1);
    const size_t count = below(40);
    switch (below(6)) {
      case 0:
        text.resize(at);
        break;
      case 1:
        if (at < text.size()) text[at] = static_cast<char>(random());
        break;
      case 2:
        text.erase(at, count);
        break;
      case 3:
        text.insert(at, text.substr(below(text.size() + 1), count));
        break;
      default:
        text.insert(at, pieces[below(std::size(pieces))]);
    }
  }
  return text;
}

inline const modelfile::RenderContext& mutation_context() {
  static const modelfile::RenderContext context = [] {
    modelfile::RenderContext chat;
    for (const char* role : {"system", "user", "assistant", "tool", "user"}) {
      modelfile::Message& message = chat.messages.emplace_back();
      message.role = role;
      message.content = "text <|im_end|>";
    }
    chat.messages[2].thinking = "hm";
    chat.messages[2].tool_calls.push_back({"c", "f", modelfile::Json{{"a", 1}}});
    chat.tools.push_back(modelfile::Json::parse(
        R"({"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"string"}}}}})"));
    chat.bos_token = "<s>";
    chat.eos_token = "</s>";
    return chat;
  }();
  return context;
}

// Parses and renders in both languages. Empty: as it should be, else what is wrong. Counts what
// could be parsed.
inline std::string exercise_template(std::string_view source, size_t& parsed) {
  modelfile::RenderLimits limits;
  limits.output_bytes_max = size_t{1} << 20;
  limits.steps_max = 200'000;
  limits.time_max = std::chrono::milliseconds(1000);
  for (const auto parse : {modelfile::Template::parse_jinja, modelfile::Template::parse_go}) {
    try {
      const modelfile::Template chat_template = parse(source);
      ++parsed;
      for (const modelfile::RenderedPart& part : chat_template.render(mutation_context(), limits)) {
        if (part.is_trusted && source.find("im_end") == std::string_view::npos &&
            part.text.find("<|im_end|>") != std::string::npos)
          return "a text of the chat became trusted";
      }
    } catch (const Error& error) {
      if (error.code() != ErrorCode::invalid_argument)
        return "another error than invalid_argument: " + std::string(error.what());
    }
  }
  return {};
}

}  // namespace hearth::testing
