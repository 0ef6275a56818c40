// Grammars of calls, in the words of each style: where a client asks that a tool is called, the
// model can write nothing else.
#include <fmt/format.h>

#include <algorithm>

#include "modelfile/reply/schema_rules.h"
#include "modelfile/reply/styles.h"
#include "modelfile/reply_parser.h"

namespace hearth::modelfile {
namespace {

using reply::CallStyle;
using reply::grammar_literal;
using reply::SchemaRules;
using reply::Syntax;

struct Callable {
  std::string name;
  Json parameters;
};

std::vector<Callable> callables(const ReplyStyle& style, const std::vector<std::string>& names) {
  std::vector<Callable> found;
  for (const Tool& tool : style.tools) {
    const Json& function = tool.contains("function") ? tool["function"] : tool;
    const std::string name = function.value("name", "");
    if (std::find(names.begin(), names.end(), name) == names.end()) continue;
    Callable& entry = found.emplace_back(Callable{name, {}});
    if (function.contains("parameters")) entry.parameters = function["parameters"];
  }
  return found;
}

std::string json_call(const CallStyle& style, const Callable& tool, SchemaRules& rules) {
  const std::string arguments = rules.arguments(tool.parameters);
  const std::string name = Json(tool.name).dump();
  if (style.name_key.empty())
    return fmt::format(R"({} {} "}}")", grammar_literal("{" + name + ": "), arguments);
  const std::string head =
      fmt::format("{{\"{}\": {}, \"{}\": ", style.name_key, name, style.arguments_key);
  return fmt::format(R"({} {} "}}")", grammar_literal(head), arguments);
}

std::string named_call(const CallStyle& style, const Callable& tool, SchemaRules& rules) {
  const std::string arguments = rules.arguments(tool.parameters);
  std::string head(style.item_open);
  head += style.name_open;
  head += style.name == "kimi" ? fmt::format("functions.{}:0", tool.name) : tool.name;
  if (style.name == "mistral_id") {
    constexpr std::string_view letter = "[a-zA-Z0-9]";
    std::string id;
    for (int i = 0; i < 9; ++i) id += fmt::format("{} ", letter);
    return fmt::format(R"({} {} "[ARGS]" {})", grammar_literal(head + "[CALL_ID]"), id, arguments);
  }
  head += style.name_close;
  const bool is_fenced = style.name == "deepseek_v3";
  if (is_fenced) head += "```json\n";
  const std::string tail = (is_fenced ? "\n```" : "") + std::string(style.item_close);
  return fmt::format("{} {} {}", grammar_literal(head), arguments, grammar_literal(tail));
}

// Strings are written without quotes: any text without the letter that closing tags begin with.
std::string tagged_value(const Json& schema, SchemaRules& rules) {
  const bool is_text = !schema.is_object() || schema.value("type", Json()) == "string";
  if (!is_text) return rules.value(schema);
  const auto values = schema.is_object() ? schema.find("enum") : Json::const_iterator();
  if (!schema.is_object() || values == schema.end() || !values->is_array()) return "[^<]*";
  std::string all;
  for (const Json& value : *values) {
    if (!value.is_string()) return "[^<]*";
    all += (all.empty() ? "" : " | ") + grammar_literal(value.get_ref<const std::string&>());
  }
  return all.empty() ? "[^<]*" : rules.add(all);
}

std::string tagged_call(const CallStyle& style, const Callable& tool, SchemaRules& rules) {
  std::string all =
      grammar_literal(std::string(style.item_open) + tool.name + std::string(style.name_close));
  const Json properties = tool.parameters.is_object()
                              ? tool.parameters.value("properties", Json::object())
                              : Json::object();
  const Json required = tool.parameters.is_object()
                            ? tool.parameters.value("required", Json::array())
                            : Json::array();
  for (const auto& [name, schema] : properties.items()) {
    const std::string open = fmt::format("{}{}{}", style.key_open, name, style.key_close);
    const std::string pair = rules.add(fmt::format(
        R"(nl {} nl {} nl {} nl {})", grammar_literal(open), grammar_literal(style.value_open),
        tagged_value(schema, rules), grammar_literal(style.value_close)));
    const bool is_required =
        std::find(required.begin(), required.end(), Json(name)) != required.end();
    all += " " + pair + (is_required ? "" : "?");
  }
  return all + " nl " + grammar_literal(style.item_close);
}

// One call of the tool; empty: this style has no grammar.
std::string one_call(const CallStyle& style, const Callable& tool, SchemaRules& rules) {
  // Attributes, ids and keys that are tags of their own are not written here.
  for (const std::string_view without :
       {"dsml", "dsml_v32", "minimax_m3", "solar", "functionary_v32"}) {
    if (style.name == without) return {};
  }
  switch (style.syntax) {
    case Syntax::json:
      return json_call(style, tool, rules);
    case Syntax::named_json:
      return named_call(style, tool, rules);
    case Syntax::parameters:
      return tagged_call(style, tool, rules);
    case Syntax::messages:
      if (style.name != "harmony") return {};
      return fmt::format(R"("<|start|>assistant"? {} {})",
                         grammar_literal("<|channel|>commentary to=functions." + tool.name +
                                         " <|constrain|>json<|message|>"),
                         rules.arguments(tool.parameters));
    case Syntax::pythonic:
    case Syntax::key_value:
      return {};
  }
  return {};
}

// The calls with the tags around all of them.
std::string whole_answer(const CallStyle& style, const std::string& call, bool is_single) {
  const std::string open = grammar_literal(style.open);
  const std::string close = grammar_literal(style.close);
  if (style.syntax == Syntax::messages) return call;
  // Bare calls begin with the call itself.
  const std::string begin = style.allows_bare ? "" : open;
  if (style.is_list) {
    const std::string more = is_single ? "" : fmt::format(R"(( ws "," ws {} )*)", call);
    return fmt::format(R"({} ws "[" ws {} {} ws "]" {})", begin, call, more, close);
  }
  const bool repeats_tag = style.item_open.empty() && !style.allows_bare;
  const std::string one = fmt::format("{} nl {} nl {}", begin, call, close);
  if (is_single) return one;
  return repeats_tag ? fmt::format("{0} ( nl {0} )*", one)
                     : fmt::format("{} nl {} ( nl {} )* nl {}", begin, call, call, close);
}

}  // namespace

std::optional<std::string> call_grammar(const ReplyStyle& style,
                                        const std::vector<std::string>& names, bool is_single) {
  const CallStyle* row = style.call_style.empty() ? reply::style_with_tag(style.tool_tag)
                                                  : reply::style_named(style.call_style);
  if (!row) return std::nullopt;
  SchemaRules rules;
  std::string calls;
  for (const Callable& tool : callables(style, names)) {
    const std::string call = one_call(*row, tool, rules);
    if (call.empty()) return std::nullopt;
    if (!calls.empty()) calls += " | ";
    calls += rules.add(call);
  }
  if (calls.empty()) return std::nullopt;
  const std::string answer = whole_answer(*row, rules.add(calls), is_single);
  return fmt::format("root ::= nl {}\nnl ::= [\\n]?\n{}", answer, rules.text());
}

}  // namespace hearth::modelfile
