// Grammars of calls against the reader of answers: whatever a grammar lets a model write is read
// back as calls of the tools that were offered. Answers are walks at random through the grammar.
#include "daemon/answer_constraint.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <random>
#include <set>
#include <string>

#include "base/error.h"
#include "engine/constraint/grammar.h"
#include "engine/constraint/matcher.h"
#include "modelfile/reply/styles.h"
#include "modelfile/reply_parser.h"

using namespace hearth;
using modelfile::Json;

namespace {

modelfile::ReplyStyle style_of(std::string_view name) {
  modelfile::ReplyStyle style;
  style.call_style = name;
  if (style.call_style.empty()) style.tool_tag = "<own>";
  style.tools = {Json::parse(R"({"type": "function", "function": {"name": "get_weather",
      "parameters": {"type": "object", "properties": {"location": {"type": "string"},
        "unit": {"type": "string", "enum": ["C", "F"]}, "days": {"type": "integer"},
        "exact": {"type": "boolean"}, "tags": {"type": "array", "items": {"type": "integer"}},
        "place": {"$ref": "#/$defs/place", "type": "object"}},
      "required": ["location", "days"],
      "$defs": {"place": {"type": "object", "properties": {"x": {"type": "number"}}}}}}})"),
                 Json::parse(R"({"type": "function", "function": {"name": "ping"}})")};
  return style;
}

// Bytes that can come next.
std::string possible_bytes(engine::Matcher& matcher, engine::Matcher::State state) {
  std::string possible;
  for (int byte = 0; byte < 255; ++byte) {
    if (matcher.step(state, static_cast<uint8_t>(byte)) != engine::Matcher::dead)
      possible += static_cast<char>(byte);
  }
  return possible;
}

// The shortest text that ends what has come so far.
std::string shortest_end(engine::Matcher& matcher, engine::Matcher::State from) {
  std::deque<std::pair<engine::Matcher::State, std::string>> waiting{{from, ""}};
  std::set<engine::Matcher::State> seen{from};
  while (!waiting.empty()) {
    const auto [state, text] = waiting.front();
    waiting.pop_front();
    if (matcher.can_end(state)) return text;
    for (const char byte : possible_bytes(matcher, state)) {
      const engine::Matcher::State next = matcher.step(state, static_cast<uint8_t>(byte));
      if (seen.insert(next).second) waiting.emplace_back(next, text + byte);
    }
  }
  FAIL("a text of the grammar that cannot be ended");
  return "";
}

// A text of the grammar: at random, but often what closes something, and to its end at last.
std::string random_text(engine::Matcher& matcher, std::mt19937& random) {
  constexpr std::string_view closing = "\"}])<>\n,: /";
  constexpr size_t long_bytes = 400;
  engine::Matcher::State state = matcher.start();
  std::string text;
  while (text.size() < long_bytes) {
    const std::string possible = possible_bytes(matcher, state);
    if (possible.empty() || (matcher.can_end(state) && random() % 4 == 0)) return text;
    char next = possible[random() % possible.size()];
    const bool closes = random() % 3 == 0;
    for (size_t i = 0; closes && i < closing.size(); ++i) {
      if (possible.find(closing[i]) == std::string::npos) continue;
      next = closing[i];
      break;
    }
    text += next;
    state = matcher.step(state, static_cast<uint8_t>(next));
  }
  return text + shortest_end(matcher, state);
}

void check_calls(const std::vector<modelfile::ToolCall>& calls) {
  for (const modelfile::ToolCall& call : calls) {
    if (call.name == "ping") continue;
    REQUIRE(call.name == "get_weather");
    const Json& values = call.arguments;
    REQUIRE(values.contains("days"));
    CHECK(values["days"].is_number_integer());
    CHECK(values.contains("location"));
    if (values.contains("unit")) CHECK((values["unit"] == "C" || values["unit"] == "F"));
    if (values.contains("exact")) CHECK(values["exact"].is_boolean());
    if (values.contains("tags")) CHECK(values["tags"].is_array());
    if (values.contains("place")) CHECK(values["place"].is_object());
  }
}

void check_style(std::string_view name, bool is_single) {
  const modelfile::ReplyStyle style = style_of(name);
  api::ChatRequest request;
  request.tools = style.tools;
  request.tool_choice.kind = api::ToolChoice::Kind::required;
  request.tool_choice.is_single = is_single;
  const auto grammar = engine::compile_grammar(daemon::answer_constraint(request, style)->grammar);
  engine::TerminalPool pool;
  engine::Matcher matcher(grammar->program, pool);
  std::mt19937 random(7);
  for (int i = 0; i < 12; ++i) {
    const std::string text = random_text(matcher, random);
    INFO(name << ": " << text);
    modelfile::ReplyParser parser(style);
    modelfile::ReplyPiece all = parser.push(text);
    const modelfile::ReplyPiece rest = parser.finish();
    all.tool_calls.insert(all.tool_calls.end(), rest.tool_calls.begin(), rest.tool_calls.end());
    CHECK((all.content + rest.content).find_first_not_of(" \n") == std::string::npos);
    CHECK(all.warnings.empty());
    CHECK(rest.warnings.empty());
    REQUIRE_FALSE(all.tool_calls.empty());
    if (is_single) CHECK(all.tool_calls.size() == 1);
    check_calls(all.tool_calls);
  }
}

}  // namespace

TEST_CASE("calls that a grammar allows are read as calls, in every style") {
  std::vector<std::string_view> names{""};
  for (const auto& row : modelfile::reply::call_styles()) names.push_back(row.name);
  for (const std::string_view name : names) {
    if (name == "minimax_m3" || name == "glimmer") continue;  // these have none
    check_style(name, true);
    check_style(name, false);
  }
}
