#include "modelfile/reply/schema_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace hearth::modelfile::reply {
namespace {

// Schemas inside of schemas, and rules in all: deeper and larger ones are any value.
constexpr int depth_max = 16;
constexpr size_t rules_max = 5000;

constexpr std::string_view json_rules = R"(ws ::= [ \n]?
string ::= "\"" char* "\""
char ::= [^"\\\x00-\x1F] | "\\" ( ["\\/bfnrt] | "u" hex hex hex hex )
hex ::= [0-9a-fA-F]
integer ::= "-"? ( "0" | [1-9] [0-9]* )
number ::= integer ( "." [0-9]+ )? ( [eE] [-+]? [0-9]+ )?
boolean ::= "true" | "false"
null ::= "null"
any ::= object | array | string | number | boolean | null
array ::= "[" ws ( any ( ws "," ws any )* )? ws "]"
object ::= "{" ws ( string ws ":" ws any ( ws "," ws string ws ":" ws any )* )? ws "}"
)";

}  // namespace

std::string grammar_literal(std::string_view text) {
  std::string result = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') {
      result += '\\';
      result += letter;
    } else if (letter == '\n') {
      result += "\\n";
    } else if (static_cast<unsigned char>(letter) < 0x20) {
      result += fmt::format("\\x{:02X}", static_cast<unsigned>(letter));
    } else {
      result += letter;
    }
  }
  return result + "\"";
}

std::string SchemaRules::add(std::string expression) {
  rules_.push_back(std::move(expression));
  return fmt::format("r{}", rules_.size() - 1);
}

std::string SchemaRules::text() const {
  std::string all;
  for (size_t i = 0; i < rules_.size(); ++i) all += fmt::format("r{} ::= {}\n", i, rules_[i]);
  return all + std::string(json_rules);
}

std::string SchemaRules::arguments(const Json& schema) {
  return schema.is_object() ? object(schema, 0) : "object";
}

std::string SchemaRules::choice(const Json& schemas, int depth) {
  std::string all;
  for (const Json& schema : schemas) {
    if (!all.empty()) all += " | ";
    all += value(schema, depth + 1);
  }
  return all.empty() ? "any" : add(all);
}

std::string SchemaRules::value(const Json& schema, int depth) {
  if (!schema.is_object() || depth > depth_max || rules_.size() > rules_max) return "any";
  if (const auto constant = schema.find("const"); constant != schema.end())
    return grammar_literal(constant->dump());
  if (const auto values = schema.find("enum"); values != schema.end() && values->is_array()) {
    std::string all;
    for (const Json& entry : *values)
      all += (all.empty() ? "" : " | ") + grammar_literal(entry.dump());
    if (!all.empty()) return add(all);
  }
  for (const char* key : {"anyOf", "oneOf"}) {
    if (const auto choices = schema.find(key); choices != schema.end() && choices->is_array())
      return choice(*choices, depth);
  }
  const auto type = schema.find("type");
  if (type == schema.end()) return schema.contains("properties") ? object(schema, depth) : "any";
  if (type->is_string()) return typed(schema, type->get_ref<const std::string&>(), depth);
  std::string all;
  for (const Json& entry : *type) {
    if (!entry.is_string()) return "any";
    if (!all.empty()) all += " | ";
    all += typed(schema, entry.get_ref<const std::string&>(), depth);
  }
  return all.empty() ? "any" : add(all);
}

std::string SchemaRules::typed(const Json& schema, std::string_view type, int depth) {
  if (type == "object") return object(schema, depth);
  if (type == "array") {
    const auto items = schema.find("items");
    if (items == schema.end()) return "array";
    const std::string item = value(*items, depth + 1);
    return add(fmt::format(R"("[" ws ( {0} ( ws "," ws {0} )* )? ws "]")", item));
  }
  for (const std::string_view known : {"string", "integer", "number", "boolean", "null"}) {
    if (type == known) return std::string(type);
  }
  return "any";
}

// Properties in their order, those that are not required may be left out.
std::string SchemaRules::object(const Json& schema, int depth) {
  const auto properties = schema.find("properties");
  if (properties == schema.end() || !properties->is_object() || depth > depth_max) return "object";
  std::set<std::string> required;
  if (const auto names = schema.find("required"); names != schema.end() && names->is_array()) {
    for (const Json& name : *names) {
      if (name.is_string()) required.insert(name.get<std::string>());
    }
  }
  // What follows a property, where one was written before and where none was: from the last on.
  std::string behind_some = add("ws");
  std::string behind_none = behind_some;
  std::vector<std::pair<std::string, const Json*>> list;
  for (const auto& [name, property] : properties->items()) list.emplace_back(name, &property);
  std::reverse(list.begin(), list.end());
  for (const auto& [name, property] : list) {
    const std::string pair = add(fmt::format(
        R"({} ws ":" ws {})", grammar_literal(Json(name).dump()), value(*property, depth + 1)));
    const bool is_optional = required.count(name) == 0;
    std::string some = fmt::format(R"(ws "," ws {} {})", pair, behind_some);
    std::string none = fmt::format("{} {}", pair, behind_some);
    if (is_optional) {
      some += " | " + behind_some;
      none += " | " + behind_none;
    }
    behind_some = add(some);
    behind_none = add(none);
  }
  return add(fmt::format(R"("{{" ws {} "}}")", behind_none));
}

}  // namespace hearth::modelfile::reply
