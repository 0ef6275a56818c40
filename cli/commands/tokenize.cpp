// `hearth tokenize` and `hearth detokenize`: what a model's vocabulary makes of a text. Needs no
// weights in memory.
#include <fmt/format.h>

#include <charconv>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/terminal.h"

namespace hearth::cli {
namespace {

std::string text_of(const TokenizeOptions& options) {
  if (options.words.empty() || (options.words.size() == 1 && options.words[0] == "-"))
    return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::string text;
  for (const std::string& word : options.words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// Ids between anything that is no digit.
Json ids_of(const std::string& text) {
  Json ids = Json::array();
  size_t at = 0;
  while ((at = text.find_first_not_of(" \t\r\n,[]", at)) != std::string::npos) {
    const size_t end = std::min(text.size(), text.find_first_of(" \t\r\n,[]", at));
    int32_t id = 0;
    const auto [stop, error] = std::from_chars(text.data() + at, text.data() + end, id);
    if (error != std::errc() || stop != text.data() + end) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("expected a token id, found \"{}\"", text.substr(at, end - at)));
    }
    ids.push_back(id);
    at = end;
  }
  return ids;
}

}  // namespace

int tokenize(const Client& client, const TokenizeOptions& options) {
  const Json answer = client.post(
      "/api/tokenize",
      {{"model", options.model}, {"text", text_of(options)}, {"special", options.has_special}});
  if (options.is_json) {
    print(answer.dump() + "\n");
    return 0;
  }
  const Json tokens = answer.value("tokens", Json::array());
  if (options.is_count) {
    print(fmt::format("{}\n", tokens.size()));
    return 0;
  }
  std::string lines;
  for (const Json& token : tokens) lines += token.dump() + "\n";
  print(lines);
  return 0;
}

int detokenize(const Client& client, const TokenizeOptions& options) {
  const Json answer = client.post("/api/detokenize",
                                  {{"model", options.model}, {"tokens", ids_of(text_of(options))}});
  print(answer.value("content", ""));
  return 0;
}

}  // namespace hearth::cli
