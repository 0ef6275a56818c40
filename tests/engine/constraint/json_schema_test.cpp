// Schemas against the JSON-Schema-Test-Suite and llama.cpp's cases: nothing invalid is ever
// accepted; what is valid is, in some order of its properties; what is refused is counted.
#include "engine/constraint/json_schema.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "engine/constraint.h"
#include "tests/support/shared.h"

namespace hearth::engine {
namespace {

using Json = nlohmann::ordered_json;
using hearth::testing::shared_path;

std::shared_ptr<const Grammar> schema(const std::string& text,
                                      std::vector<std::string>* warnings = nullptr) {
  return compile_grammar({GrammarKind::json_schema, text, warnings != nullptr}, warnings);
}

std::string error_of(const std::string& text) {
  try {
    schema(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

struct Case {
  const char* schema;
  std::vector<const char*> accepted;
  std::vector<const char*> refused;
};

const Case cases[] = {
    {R"({"type": "number", "minimum": -1.5, "exclusiveMaximum": 2})",
     {"-1.5", "-1", "0", "1.999", "1", "0.25"},
     {"-1.51", "2", "2.0", "-2", "10", "1e0", "00", "1."}},
    {R"({"type": "number", "exclusiveMinimum": 0})", {"0.1", "5", "0.0001"}, {"0", "0.0", "-1"}},
    {R"({"type": "integer", "multipleOf": 7, "minimum": 10})",
     {"14", "21", "700"},
     {"7", "15", "0", "-14"}},
    {R"({"type": "number", "multipleOf": 0.25})",
     {"0.25", "1.5", "-2.75", "3"},
     {"0.3", "1.26", "0.255"}},
    {R"({"type": "string", "minLength": 2, "maxLength": 3})",
     {"\"ab\"", "\"\xC3\xA9\xC3\xA9\xC3\xA9\"", "\"\\n\\u00e9\""},
     {"\"a\"", "\"abcd\"", "\"\\n\\n\\n\\n\""}},
    {R"({"type": "string", "pattern": "b+$", "maxLength": 4})",
     {"\"b\"", "\"aabb\""},
     {"\"bba\"", "\"aaabb\""}},
    {R"({"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "boolean"}})",
     {"{}", "{\"a\": 1}", "{\"a\": 1, \"b\": true}", "{\"b\": true}"},
     {"{\"a\": true}", "{\"b\": 1}"}},
    {R"({"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "minProperties": 2, "additionalProperties": false})",
     {"{\"a\":1,\"c\":2}", "{\"a\":1,\"b\":1,\"c\":2}"},
     {"{\"a\":1}", "{}", "{\"b\":1}"}},
    {R"({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {"v": {"type": "integer"},
         "next": {"$ref": "#/$defs/node"}}, "required": ["v"]}}})",
     {"{\"v\":1}", "{\"v\":1, \"next\": {\"v\":2, \"next\": {\"v\": 3}}}"},
     {"{\"next\":{\"v\":1}}", "{\"v\":1,\"next\":{}}"}},
    {R"({"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
         {"properties": {"a": {"maxLength": 1}, "b": {"type": "null"}}, "required": ["b"]}]})",
     {"{\"a\":\"x\",\"b\":null}"},
     {"{\"a\":\"xy\",\"b\":null}", "{\"a\":\"x\"}"}},
    {R"({"oneOf": [{"type": "object", "properties": {"t": {"const": "x"}, "v": {"type": "integer"}}, "required": ["t", "v"]},
         {"type": "object", "properties": {"t": {"const": "y"}}, "required": ["t"]}]})",
     {"{\"t\":\"x\",\"v\":1}", "{\"t\":\"y\"}"},
     {"{\"t\":\"x\"}", "{\"t\":\"z\"}"}},
    {R"({"type": "array", "prefixItems": [{"const": 1}, {"const": 2}], "items": {"const": 3}, "minItems": 1, "maxItems": 4})",
     {"[1]", "[1, 2]", "[1,2,3,3]"},
     {"[]", "[2]", "[1,2,3,3,3]", "[1,3]"}},
    {R"({"type": "object", "propertyNames": {"pattern": "^x"}, "maxProperties": 2})",
     {"{}", "{\"xa\":1,\"xb\":2}"},
     {"{\"a\":1}", "{\"x\":1,\"xx\":1,\"xxx\":1}"}},
    {R"({"type": "string", "format": "date"})",
     {"\"2024-02-29\""},
     {"\"2023-02-29\"", "\"2024-13-01\""}},
    {"true", {"1", "{\"a\":[]}", "null"}, {"", "x"}},
};

TEST_CASE("json schema: what is bound") {
  for (const Case& c : cases) {
    INFO(c.schema);
    const auto grammar = schema(c.schema);
    for (const char* text : c.accepted) CHECK(mismatch(*grammar, text) == "");
    for (const char* text : c.refused) {
      INFO(text);
      CHECK_FALSE(matches(*grammar, text));
    }
  }
}

TEST_CASE("json schema: what is refused is named with its path") {
  const std::pair<const char*, const char*> rows[] = {
      {R"({"properties": {"a/b": {"not": {}}}})", "#/properties/a~1b/not"},
      {R"({"type": "array", "uniqueItems": true})", "#/uniqueItems"},
      {R"({"requird": []})", "#/requird"},
      {R"({"items": {"type": "kaboom"}})", "#/items/type"},
      {R"({"items": {"minLength": -1}})", "#/items/minLength"},
      {R"({"$ref": "https://example.com/x"})", "#/$ref"},
      {R"({"$ref": "#/$defs/x"})", "#/$ref"},
      {R"j({"properties": {"a": {"pattern": "(?=x)"}}})j", "#/properties/a/pattern"},
      {R"j({"properties": {"a": {"pattern": "("}}})j", "#/properties/a/pattern"},
      {R"({"properties": {"a": {"format": "color"}}})", "#/properties/a/format"},
      {R"({"oneOf": [{"type": "integer"}, {"type": "number"}]})", "#/oneOf"},
      {R"({"type": "object", "properties": {"a": false}, "required": ["a"]})", "no text can"},
      {"[]", "expected a schema"},
      {"{", "not JSON"},
  };
  for (const auto& row : rows) CHECK_THAT(error_of(row.first), Catch::Contains(row.second));
  CHECK_THAT(error_of(std::string(5000, '[')), Catch::Contains("nested"));
}

TEST_CASE("json schema: best effort leaves out and says so") {
  std::vector<std::string> warnings;
  const auto grammar =
      schema(R"({"type": "array", "items": {"type": "integer"}, "uniqueItems": true,
                                  "contains": {"const": 3}})",
             &warnings);
  CHECK(matches(*grammar, "[1, 1]"));
  CHECK_FALSE(matches(*grammar, "[true]"));
  CHECK(warnings.size() == 2);
}

TEST_CASE("json schema: hostile schemas end soon") {
  std::string wide = R"({"anyOf": [)";
  for (int i = 0; i < 400; ++i) wide += R"({"anyOf": [{"type": "null"}, {"type": "string"}]},)";
  wide += "true]}";
  std::string all = R"({"allOf": [)";
  for (int i = 0; i < 40; ++i) {
    const std::string n = std::to_string(i);
    all += R"({"anyOf": [{"properties": {"a)" + n + R"(": {}}}, {"properties": {"b)" + n +
           R"(": {}}}]},)";
  }
  all += "true]}";
  const std::string rows[] = {
      wide,
      all,
      R"({"$ref": "#"})",
      R"({"allOf": [{"$ref": "#"}], "type": "integer"})",
      R"({"items": {"$ref": "#"}, "prefixItems": [{"$ref": "#"}], "type": "array"})",
      R"({"type": "string", "pattern": "(a|b)*a(a|b){300}(a|b){300}"})",
      R"({"type": "array", "minItems": 1000000000})",
      R"({"type": "string", "minLength": 1000000000})",
      R"({"type": "number", "multipleOf": 0.0000001})",
      R"({"type": "integer", "minimum": 1e300})"};
  for (const std::string& row : rows) {
    try {
      matches(*schema(row), "[[[]]]");
    } catch (const Error&) {
    }
  }
}

std::vector<std::string> spellings(const Json& value, size_t most);

std::vector<std::string> combined(const std::vector<std::vector<std::string>>& parts, char open,
                                  char close, size_t most) {
  std::vector<std::string> all{std::string(1, open)};
  for (size_t i = 0; i < parts.size(); ++i) {
    std::vector<std::string> longer;
    for (const std::string& begin : all) {
      for (const std::string& part : parts[i]) {
        if (longer.size() < most) longer.push_back(begin + (i > 0 ? ", " : "") + part);
      }
    }
    all = std::move(longer);
  }
  for (std::string& text : all) text += close;
  return all;
}

// A value in all orders of its properties, as far as they are few.
std::vector<std::string> spellings(const Json& value, size_t most) {
  std::vector<std::vector<std::string>> parts;
  if (value.is_array()) {
    for (const Json& item : value) parts.push_back(spellings(item, 6));
    return combined(parts, '[', ']', most);
  }
  if (!value.is_object()) return {value.dump()};
  for (const auto& item : value.items()) {
    auto& pairs = parts.emplace_back();
    for (const std::string& text : spellings(item.value(), 6))
      pairs.push_back(Json(item.key()).dump() + ": " + text);
  }
  std::vector<std::string> all;
  if (parts.size() <= 5) std::sort(parts.begin(), parts.end());
  do {
    for (std::string& text : combined(parts, '{', '}', 12)) all.push_back(std::move(text));
  } while (parts.size() <= 5 && all.size() < most &&
           std::next_permutation(parts.begin(), parts.end()));
  return all;
}

// Valid cases of the suite that no grammar of ours writes, each with the reason.
struct Missed {
  const char* file;
  const char* description;  // a part of the group's and the test's, or empty
  int64_t count;
  const char* reason;
};
const Missed missed[] = {
    {"const.json", "float", 3, "integers are written without a fraction"},
    {"enum.json", "0.0] is valid", 1, "as above"},
    {"enum.json", "1.0] is valid", 1, "as above"},
    {"enum.json", "float", 2, "as above"},
    {"type.json", "float with zero fractional part", 1, "as above"},
    {"format.json", "only an annotation by default", 13, "formats are bound, not annotations"},
    {"vocabulary.json", "no validation", 1, "metaschemas of one's own are not read"},
    {"optional/anchor.json", "inside an enum", 1, "the first anchor of that name is taken"},
    {"optional/bignum.json", "", 3, "numbers have up to 16 digits"},
    {"optional/float-overflow.json", "", 1, "no exponent beside multipleOf"},
    {"optional/format/date-time.json", "leap second", 2, "which minutes have one is not known"},
    {"optional/format/date-time.json", "fifteen nines", 1, "fractions have up to 9 digits"},
    {"optional/format/duration.json", "many digits", 1, "counts have up to 9 digits"},
    {"optional/format/email.json", "quoted string", 3, "only plain local parts"},
    {"optional/format/email.json", "address-literal", 2, "only domains by name"},
    {"optional/format/hostname.json", "A-label", 15, "no encoded alphabets"},
    {"optional/format/time.json", "leap second", 6, "which minutes have one is not known"},
};

// What a schema was refused for: the keyword behind the last slash of the path.
std::string refused_keyword(const std::string& message) {
  if (message.find("no text can") != std::string::npos) return "impossible";
  const size_t begin = message.find("#/");
  const std::string path = message.substr(begin, message.find(": ", begin) - begin);
  return path.substr(path.rfind('/') + 1);
}

class Suite {
 public:
  void run(const std::filesystem::path& folder, const std::string& below) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder / below)) {
      if (entry.path().extension() == ".json") files.push_back(entry.path());
    }
    for (const auto& path : files) {
      file_ = below + path.filename().string();
      for (const Json& group : Json::parse(read_file(path))) run_group(group);
    }
  }

  int64_t passed = 0;
  int64_t compiled = 0;
  std::map<std::string, int64_t> refused;
  std::map<size_t, int64_t> missing;  // by row of `missed`

 private:
  void run_group(const Json& group) {
    std::shared_ptr<const Grammar> grammar;
    try {
      grammar = schema(group["schema"].dump());
      ++compiled;
    } catch (const Error& error) {
      ++refused[refused_keyword(error.what())];
      if (refused_keyword(error.what()) != "impossible") return;
    }
    for (const Json& test : group["tests"]) {
      const auto texts = spellings(test["data"], 130);
      const bool is_accepted =
          grammar && std::any_of(texts.begin(), texts.end(),
                                 [&](const auto& t) { return matches(*grammar, t); });
      const std::string name =
          group["description"].get<std::string>() + " / " + test["description"].get<std::string>();
      INFO(file_ << ": " << name << " " << test["data"].dump());
      if (is_accepted == test["valid"].get<bool>()) {
        ++passed;
        continue;
      }
      CHECK_FALSE(is_accepted);  // never what is invalid
      const auto row = std::find_if(std::begin(missed), std::end(missed), [&](const Missed& m) {
        return file_ == m.file && name.find(m.description) != std::string::npos;
      });
      CHECK(row != std::end(missed));
      ++missing[static_cast<size_t>(row - std::begin(missed))];
    }
  }

  std::string file_;
};

TEST_CASE("json schema: the test suite of the draft") {
  const auto folder = shared_path("data/json-schema/tests/draft2020-12");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  Suite suite;
  for (const char* below : {"", "optional/", "optional/format/"}) suite.run(*folder, below);
  for (size_t row = 0; row < std::size(missed); ++row) {
    INFO(missed[row].file << ": " << missed[row].description);
    CHECK(suite.missing[row] == missed[row].count);
  }
  CHECK(suite.passed >= 1299);
  CHECK(suite.compiled >= 231);
  // These may only shrink.
  const std::map<std::string, int64_t> expected = {{"$dynamicRef", 3},
                                                   {"$id", 1},
                                                   {"$ref", 51},
                                                   {"contains", 20},
                                                   {"dependencies", 7},
                                                   {"dependentRequired", 4},
                                                   {"dependentSchemas", 7},
                                                   {"format", 20},
                                                   {"if", 19},
                                                   {"impossible", 7},
                                                   {"multipleOf", 1},
                                                   {"not", 12},
                                                   {"oneOf", 8},
                                                   {"pattern", 3},
                                                   {"patternProperties", 3},
                                                   {"unevaluatedItems", 21},
                                                   {"unevaluatedProperties", 36},
                                                   {"uniqueItems", 3},
                                                   {"unknown-keyword", 2},
                                                   {"unknown~1keyword", 2}};
  CHECK(suite.refused == expected);
}

TEST_CASE("json schema: llama.cpp's cases of accepted and refused texts") {
  const auto path = shared_path("data/grammars/grammar-integration.json");
  if (!path) {
    WARN("skipped: shared data is absent");
    return;
  }
  // Texts that are refused there and valid by the standard: no type means any type.
  const std::set<std::pair<std::string, std::string>> allowed = {{"empty schema (object)", "[]"},
                                                                 {"empty schema (object)", "null"},
                                                                 {"empty schema (object)", "\"\""},
                                                                 {"empty schema (object)", "true"},
                                                                 {"min+max items", "1"}};
  for (const Json& entry : Json::parse(read_file(*path))) {
    const auto name = entry["name"].get<std::string>();
    const bool is_schema = entry["kind"] == "schema";
    INFO(name);
    // "required props" asks for unique items, which only best effort leaves out.
    const GrammarSource source{is_schema ? GrammarKind::json_schema : GrammarKind::gbnf,
                               entry[is_schema ? "schema" : "grammar"].get<std::string>(),
                               name == "required props"};
    const auto grammar = compile_grammar(source);
    for (const Json& text : entry["accept"])
      CHECK(mismatch(*grammar, text.get<std::string>()) == "");
    for (const Json& text : entry["reject"]) {
      INFO(text);
      if (allowed.contains({name, text.get<std::string>()})) continue;
      CHECK_FALSE(matches(*grammar, text.get<std::string>()));
    }
  }
}

TEST_CASE("json schema: llama.cpp's cases compile or fail as there") {
  const auto path = shared_path("data/grammars/json-schema-to-grammar.json");
  if (!path) {
    WARN("skipped: shared data is absent");
    return;
  }
  for (const Json& entry : Json::parse(read_file(*path))) {
    const auto text = entry["schema"].get<std::string>();
    INFO(entry["name"] << text);
    CHECK((error_of(text) == "") == (entry["status"] == "SUCCESS"));
  }
}

}  // namespace
}  // namespace hearth::engine
