// Which tool is meant, and what type a text has.
#include "modelfile/reply/tool_set.h"

#include <catch2/catch.hpp>

using namespace hearth::modelfile;
using hearth::modelfile::reply::ToolSet;

namespace {

ToolSet tools() {
  return ToolSet({Json::parse(R"({"type": "function", "function": {"name": "get-x", "parameters": {
    "type": "object", "required": ["s"], "properties": {
      "s": {"type": "string"}, "b": {"type": "boolean"}, "i": {"type": "integer"},
      "n": {"type": "number"}, "a": {"type": "array"}, "o": {"type": "object"},
      "bi": {"type": ["boolean", "integer"]}, "any": {"anyOf": [{"type": "number"}, {"type": "string"}]},
      "free": {}}}}})"),
                  Json::parse(R"({"name": "plain"})"), Json::parse("[]")});
}

}  // namespace

TEST_CASE("tools: a name means the tool that was offered") {
  CHECK(tools().resolve("get-x") == "get-x");
  CHECK(tools().resolve(" functions.get_x:12\n") == "get-x");
  CHECK(tools().resolve("plain") == "plain");
  CHECK_FALSE(tools().resolve("get"));
  CHECK_FALSE(tools().resolve(""));
  CHECK(ToolSet({}).is_empty());
}

TEST_CASE("tools: texts get the type that the schema asks for") {
  struct Row {
    const char* key;
    const char* text;
    Json value;
  };
  const std::vector<Row> rows{{"s", "12", "12"},
                              {"s", "\na\n\n", "a\n"},
                              {"s", "NULL", nullptr},
                              {"b", "True", true},
                              {"b", "false ", false},
                              {"b", "perhaps", false},
                              {"i", "12", 12},
                              {"i", " -3 ", -3},
                              {"i", "4.0", 4},
                              {"i", "4.5", "4.5"},
                              {"i", "many", "many"},
                              {"n", "1e2", 100},
                              {"n", "0.25", 0.25},
                              {"n", "nan", "nan"},
                              {"a", "[1, \"x\"]", {1, "x"}},
                              {"a", "{}", "{}"},
                              {"bi", "true", true},
                              {"bi", "7", 7},
                              {"bi", "x", "x"},
                              {"any", "7", 7},
                              {"any", "seven", "seven"},
                              {"free", "7", "7"},
                              {"unknown", "7", "7"},
                              {"o", "[]", "[]"},
                              {"i", "99999999999999999999", "99999999999999999999"}};
  for (const Row& row : rows) {
    INFO(row.key << ": " << row.text);
    CHECK(tools().coerce("get-x", row.key, row.text) == row.value);
  }
  CHECK(tools().coerce("get-x", "o", R"({"k": 1})") == Json::parse(R"({"k": 1})"));
  CHECK(tools().coerce("plain", "k", "1") == "1");
}

TEST_CASE("tools: what is required, and arguments by their places") {
  CHECK(tools().has_required("get-x", Json::parse(R"({"s": ""})")));
  CHECK_FALSE(tools().has_required("get-x", Json::object()));
  CHECK(tools().has_required("plain", Json::object()));
  CHECK(tools().parameter_at("get-x", 1) == "b");
  CHECK_FALSE(tools().parameter_at("get-x", 9));
}
