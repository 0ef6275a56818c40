// Calls of tools in answers: every way of cutting the text gives the same content and calls.
#include "modelfile/reply_parser.h"

#include <catch2/catch.hpp>

using namespace hearth::modelfile;

namespace {

struct Parsed {
  std::string content;
  std::string calls;  // "name{arguments}" one behind the other
  size_t warnings = 0;
  std::string thinking = "";

  bool operator==(const Parsed&) const = default;
};

void add(Parsed& all, const ReplyPiece& piece) {
  all.content += piece.content;
  all.thinking += piece.thinking;
  for (const ToolCall& call : piece.tool_calls) all.calls += call.name + call.arguments.dump();
  all.warnings += piece.warnings.size();
}

Parsed parse(const ReplyStyle& style, const std::vector<std::string>& pieces) {
  ReplyParser parser(style);
  Parsed all;
  for (const std::string& piece : pieces) add(all, parser.push(piece));
  add(all, parser.finish());
  return all;
}

struct Case {
  const char* tag;
  std::string text;
  Parsed expected;
};

const std::string call = R"({"name": "f", "arguments": {"a": "}]\"{<tool_call>"}})";
const std::string called = R"(f{"a":"}]\"{<tool_call>"})";

const std::vector<Case> cases{
    {"<tool_call>", "Hello, <tool> world\n", {"Hello, <tool> world\n", "", 0}},
    {"<tool_call>", "<tool_call>" + call + "</tool_call>", {"", called, 0}},
    {"<tool_call>", "\n<tool_call>\n" + call + "\n</tool_call>\n", {"", called, 0}},
    {"<tool_call>", "Wait. \n<tool_call>" + call + "</tool_call>", {"Wait.", called, 0}},
    {"<tool_call>",
     "<tool_call>" + call + "</tool_call>\n<tool_call>" + call + "</tool_call>",
     {"", called + called, 0}},
    {"<tool_call>", "<tool_call>[" + call + "," + call + "]</tool_call>", {"", called + called, 0}},
    {"<tool_call>", "<tool_call>" + call, {"", called, 0}},
    {"<tool_call>", "<tool_call>" + call + "</tool_call> Done.", {" Done.", called, 0}},
    {"<tool_call>",
     R"(<tool_call>{"function": {"name": "g", "parameters": {}}}</tool_call>)",
     {"", "g{}", 0}},
    {"<tool_call>",
     R"(<tool_call>{"name": "f", "arguments": "{\"a\": 1}"}</tool_call>)",
     {"", R"(f{"a":1})", 0}},
    {"<tool_call>",
     R"(<tool_call>{"name": "h", "arguments": {}}</tool_call>)",
     {R"(<tool_call>{"name": "h", "arguments": {}}</tool_call>)", "", 1}},
    {"<tool_call>", "<tool_call>{\"name\": \"f\"}", {"<tool_call>{\"name\": \"f\"}", "", 1}},
    {"<tool_call>", "<tool_call>{\"name\": ", {"<tool_call>{\"name\": ", "", 1}},
    {"<tool_call>", "<tool_call>{oops}", {"<tool_call>{oops}", "", 1}},
    {"<tool_call>", "a <tool_call> b", {"a <tool_call> b", "", 1}},
    {"<tool_call>", "<tool_call>", {"<tool_call>", "", 1}},
    {"<tool_call>", "<tool_ca", {"<tool_ca", "", 0}},
    {"[TOOL_CALLS]", "[TOOL_CALLS] [" + call + "]", {"", called, 0}},
    {"{", call, {"", called, 0}},
    {"{", " \n[" + call + "]", {"", called, 0}},
    {"{", call + "\n" + call, {"", called + called, 0}},
    {"{", "See {this}: " + call, {"See {this}: " + call, "", 0}},
    {"{", "{\"answer\": 42}", {"{\"answer\": 42}", "", 1}},
    {"{", "  ", {"  ", "", 0}},
};

ReplyStyle with_tools(const char* tag) {
  ReplyStyle style;
  style.tool_tag = tag;
  style.tool_names = {"f", "g"};
  return style;
}

ReplyStyle thinking() {
  ReplyStyle style = with_tools("<tool_call>");
  style.thinking_open = "<think>";
  style.thinking_close = "</think>";
  return style;
}

const std::vector<std::pair<std::string, Parsed>> thinking_cases{
    {"<think>a b</think>c", {"c", "", 0, "a b"}},
    {"\n<think>\n a\n\nb \n</think>\n\nc\n", {"c\n", "", 0, "a\n\nb"}},
    {"<think></think>c", {"c", "", 0, ""}},
    {"<think> </think> c </think>", {"c </think>", "", 0, ""}},
    {"<think>a < b </thin", {"", "", 0, "a < b </thin"}},
    {"c <think>a</think>", {"c <think>a</think>", "", 0, ""}},
    {" c", {" c", "", 0, ""}},
    {"<thin", {"<thin", "", 0, ""}},
    {"<think>a</think>\n<tool_call>" + call + "</tool_call>", {"", called, 0, "a"}},
    {"<think><tool_call>" + call + "</think>x", {"x", "", 0, "<tool_call>" + call}},
};

void check_all_cuts(const ReplyStyle& style, const std::string& text, const Parsed& expected) {
  INFO(style.tool_tag << " in " << text);
  CHECK(parse(style, {text}).content == expected.content);
  CHECK(parse(style, {text}).calls == expected.calls);
  CHECK(parse(style, {text}).thinking == expected.thinking);
  for (size_t cut = 0; cut <= text.size(); ++cut)
    CHECK(parse(style, {text.substr(0, cut), text.substr(cut)}) == expected);
  std::vector<std::string> letters;
  for (const char letter : text) letters.emplace_back(1, letter);
  CHECK(parse(style, letters) == expected);
}

}  // namespace

TEST_CASE("replies: content and calls, however the text is cut") {
  for (const Case& item : cases) check_all_cuts(with_tools(item.tag), item.text, item.expected);
}

TEST_CASE("replies: thoughts stand between their tags, however the text is cut") {
  for (const auto& [text, expected] : thinking_cases) {
    check_all_cuts(thinking(), text, expected);
    ReplyStyle silent = thinking();
    silent.keeps_thinking = false;
    Parsed without = expected;
    without.thinking.clear();
    check_all_cuts(silent, text, without);
  }
  ReplyStyle begun = thinking();
  begun.starts_in_thinking = true;
  check_all_cuts(begun, "\na</think>b", {"b", "", 0, "a"});
}

TEST_CASE("replies: content is not held back longer than it may be a call") {
  ReplyParser parser(with_tools("<tool_call>"));
  CHECK(parser.push("Hello").content == "Hello");
  CHECK(parser.push(" wor").content == " wor");
  CHECK(parser.push("ld <").content == "ld");
  CHECK(parser.push("b>").content == " <b>");
}

TEST_CASE("replies: without tools a tag is text") {
  ReplyParser parser(ReplyStyle{});
  CHECK(parser.push("<tool_call>{").content == "<tool_call>{");
  CHECK(parser.finish().content.empty());
}

TEST_CASE("replies: the tag is what the template writes") {
  CHECK(find_tool_tag("{% if tools %}<tool_call>{% endif %}") == "<tool_call>");
  CHECK(find_tool_tag("{% if tool_calls %}[TOOL_CALLS] [{% endif %}") == "[TOOL_CALLS]");
  CHECK(find_thinking_tags("{{ x.split('</think>') }}").open == "<think>");
  CHECK(find_thinking_tags("{{ x }}").open.empty());
  CHECK(find_tool_tag("{{ tools | tojson }}") == "{");
}
