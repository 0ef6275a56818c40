// Answers and what a parser makes of them, cut in any way: used by the tests and the fuzz target.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "modelfile/reply_parser.h"

namespace hearth::testing {

// All pieces of an answer joined.
struct ParsedReply {
  std::string content;
  std::string thinking;
  modelfile::Json calls = modelfile::Json::array();  // {"name", "arguments"}
  std::vector<std::string> warnings;

  bool operator==(const ParsedReply&) const = default;

  void add(const modelfile::ReplyPiece& piece) {
    content += piece.content;
    thinking += piece.thinking;
    for (const modelfile::ToolCall& call : piece.tool_calls)
      calls.push_back({{"name", call.name}, {"arguments", call.arguments}});
    warnings.insert(warnings.end(), piece.warnings.begin(), piece.warnings.end());
  }
};

// The answer in pieces that end at `cuts`, which rise.
inline ParsedReply parse_reply(const modelfile::ReplyStyle& style, std::string_view text,
                               const std::vector<size_t>& cuts) {
  modelfile::ReplyParser parser(style);
  ParsedReply parsed;
  size_t begin = 0;
  for (const size_t cut : cuts) {
    parsed.add(parser.push(text.substr(begin, cut - begin)));
    begin = cut;
  }
  parsed.add(parser.push(text.substr(begin)));
  parsed.add(parser.finish());
  return parsed;
}

inline ParsedReply parse_reply_by_bytes(const modelfile::ReplyStyle& style, std::string_view text) {
  std::vector<size_t> cuts;
  for (size_t cut = 1; cut < text.size(); ++cut) cuts.push_back(cut);
  return parse_reply(style, text, cuts);
}

// Mutation `number` of one of the answers, with pieces of the others; the same number gives the
// same text.
inline std::string mutated_reply(const std::vector<std::string>& seeds, uint64_t number) {
  std::mt19937_64 random(number * 0x9E3779B97F4A7C15u + 1);
  const auto below = [&random](size_t limit) { return limit == 0 ? 0 : random() % limit; };
  std::string text = seeds[below(seeds.size())];
  for (size_t changes = 1 + below(4); changes > 0; --changes) {
    const size_t at = below(text.size() + 1);
    const std::string& other = seeds[below(seeds.size())];
    switch (below(4)) {
      case 0:
        text.resize(at);
        break;
      case 1:
        text.erase(at, 1 + below(20));
        break;
      case 2:
        text.insert(at, other.substr(below(other.size() + 1), below(40)));
        break;
      default:
        if (at < text.size()) text[at] = static_cast<char>(' ' + below(95));
    }
  }
  return text;
}

}  // namespace hearth::testing
