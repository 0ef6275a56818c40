// Calls of tools in answers: every way of cutting the text gives the same content and calls.
#include "modelfile/reply_parser.h"

#include <catch2/catch.hpp>

using namespace hearth::modelfile;

namespace {

struct Parsed {
  std::string content;
  std::string calls;  // "name{arguments}" one behind the other
  size_t warnings = 0;

  bool operator==(const Parsed&) const = default;
};

void add(Parsed& all, const ReplyPiece& piece) {
  all.content += piece.content;
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

}  // namespace

TEST_CASE("replies: content and calls, however the text is cut") {
  for (const Case& item : cases) {
    INFO(item.tag << " in " << item.text);
    const ReplyStyle style{item.tag, {"f", "g"}};
    CHECK(parse(style, {item.text}).content == item.expected.content);
    CHECK(parse(style, {item.text}).calls == item.expected.calls);
    CHECK(parse(style, {item.text}).warnings == item.expected.warnings);
    for (size_t cut = 0; cut <= item.text.size(); ++cut)
      CHECK(parse(style, {item.text.substr(0, cut), item.text.substr(cut)}) == item.expected);
    std::vector<std::string> letters;
    for (const char letter : item.text) letters.emplace_back(1, letter);
    CHECK(parse(style, letters) == item.expected);
  }
}

TEST_CASE("replies: content is not held back longer than it may be a call") {
  ReplyParser parser({"<tool_call>", {"f"}});
  CHECK(parser.push("Hello").content == "Hello");
  CHECK(parser.push(" wor").content == " wor");
  CHECK(parser.push("ld <").content == "ld");
  CHECK(parser.push("b>").content == " <b>");
}

TEST_CASE("replies: without tools a tag is text") {
  ReplyParser parser({"<tool_call>", {}});
  CHECK(parser.push("<tool_call>{").content == "<tool_call>{");
  CHECK(parser.finish().content.empty());
}

TEST_CASE("replies: the tag is what the template writes") {
  CHECK(find_tool_tag("{% if tools %}<tool_call>{% endif %}") == "<tool_call>");
  CHECK(find_tool_tag("{% if tool_calls %}[TOOL_CALLS] [{% endif %}") == "[TOOL_CALLS]");
  CHECK(find_tool_tag("{{ tools | tojson }}") == "{");
}
