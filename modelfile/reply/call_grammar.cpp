// Grammars of calls, in the words of each style: where a client asks that a tool is called, the
// model can write nothing else.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "modelfile/reply/grammar_text.h"
#include "modelfile/reply/styles.h"
#include "modelfile/reply/tool_set.h"
#include "modelfile/reply_parser.h"

namespace hearth::modelfile {
namespace {

using reply::CallStyle;
using reply::GrammarText;
using reply::Syntax;

struct CallableTool {
  std::string name;
  Json parameters;
};

// Those of the style that may be called; `named` is the only one, or empty.
std::vector<CallableTool> callable_tools(const ReplyStyle& style, std::string_view named) {
  std::vector<CallableTool> all;
  for (const Tool& tool : style.tools) {
    const Json& function = tool.contains("function") ? tool["function"] : tool;
    const std::string name = function.value("name", "");
    if (name.empty() || (!named.empty() && name != named)) continue;
    CallableTool& entry = all.emplace_back(CallableTool{name, {}});
    if (function.contains("parameters")) entry.parameters = function["parameters"];
  }
  return all;
}

// The arguments as JSON: always an object.
std::string arguments(const Json& parameters, GrammarText& text) {
  Json schema = parameters.is_object() ? parameters : Json::object();
  schema["type"] = "object";
  return text.json(std::move(schema), parameters);
}

// {"name": "f", "arguments": {...}}, or {"f": {...}}.
std::string json_call(const CallStyle& style, const CallableTool& tool, GrammarText& text) {
  const std::string name = text.literal(Json(tool.name).dump());
  const std::string values = arguments(tool.parameters, text);
  if (style.name_key.empty())
    return fmt::format(R"("{{" ws {} ws ":" ws {} ws "}}")", name, values);
  return fmt::format(R"("{{" ws {} ws ":" ws {} ws "," ws {} ws ":" ws {} ws "}}")",
                     text.literal(fmt::format("\"{}\"", style.name_key)), name,
                     text.literal(fmt::format("\"{}\"", style.arguments_key)), values);
}

// f[ARGS]{...}
std::string named_call(const CallStyle& style, const CallableTool& tool, GrammarText& text) {
  std::string head = text.literal(fmt::format("{}{}", style.name_open, tool.name));
  std::string close(style.name_close);
  std::string tail;
  if (style.name == "kimi") head = text.literal("functions." + tool.name + ":") + " [0-9]{1,3}";
  if (style.name == "solar") head = "[a-z0-9]{1,12} " + head;
  if (style.name == "mistral_id") {
    head += fmt::format(" {} [a-zA-Z0-9]{{9}}", text.literal(close));
    close = "[ARGS]";
  }
  if (style.name == "deepseek_v3") {
    close += "```json\n";
    tail = text.literal("\n```");
  }
  return fmt::format("{} {} {} {}", head, text.literal(close), arguments(tool.parameters, text),
                     tail);
}

// A value between tags: texts stand there without quotes, in which the closing tag does not begin.
std::string tagged_value(const Json& schema, const Json& parameters, std::string_view close,
                         GrammarText& text) {
  const std::set<std::string> types = reply::value_types(schema);
  if (!types.empty() && types.count("string") == 0) return text.json(schema, parameters);
  const auto values = schema.is_object() ? schema.find("enum") : Json::const_iterator();
  std::string all;
  if (schema.is_object() && values != schema.end() && values->is_array()) {
    for (const Json& value : *values) {
      if (!value.is_string()) continue;
      all += (all.empty() ? "" : " | ") + text.literal(value.get_ref<const std::string&>());
    }
  }
  return all.empty() ? text.text_before(close) : text.add(all);
}

// `pairs` in their order, each behind `separator` but the first one; those of arguments that are
// not required may be left out.
struct Pair {
  std::string expression;
  bool is_required = false;
};

std::string separated(const std::vector<Pair>& pairs, const std::string& separator,
                      GrammarText& text) {
  // What follows where a pair was written before, and where none was: from the last one on.
  std::string behind_some;
  std::string behind_none;
  for (auto pair = pairs.rbegin(); pair != pairs.rend(); ++pair) {
    const std::string some = fmt::format("{} {} {}", separator, pair->expression, behind_some);
    const std::string none = fmt::format("{} {}", pair->expression, behind_some);
    const bool is_last = behind_none.empty();
    behind_none = text.add(pair->is_required ? none
                           : is_last         ? fmt::format("({})?", none)
                                             : fmt::format("{} | {}", none, behind_none));
    behind_some = text.add(pair->is_required     ? some
                           : behind_some.empty() ? fmt::format("({})?", some)
                                                 : fmt::format("{} | {}", some, behind_some));
  }
  return behind_none;
}

// One pair per property that the tool lists; `write` makes its expression.
template <typename Write>
std::vector<Pair> pairs_of(const Json& parameters, const Write& write) {
  std::vector<Pair> pairs;
  if (!parameters.is_object()) return pairs;
  const Json properties = parameters.value("properties", Json::object());
  const Json required = parameters.value("required", Json::array());
  for (const auto& [name, schema] : properties.items()) {
    const bool is_required =
        std::find(required.begin(), required.end(), Json(name)) != required.end();
    pairs.push_back({write(name, schema), is_required});
  }
  return pairs;
}

// <function=f><parameter=a>1</parameter></function>
std::string tagged_call(const CallStyle& style, const CallableTool& tool, GrammarText& text) {
  const bool has_types = style.name.starts_with("dsml");
  const bool has_lines = style.value_open.empty();
  const std::vector<Pair> pairs =
      pairs_of(tool.parameters, [&](const std::string& name, const Json& schema) {
        std::string open = fmt::format("{}{}{}", style.key_open, name, style.key_close);
        const std::set<std::string> types = reply::value_types(schema);
        if (has_types) {
          const bool is_text = types.empty() || types.count("string") > 0;
          open += fmt::format(" string=\"{}\"", is_text);
        }
        const std::string value = tagged_value(schema, tool.parameters, style.value_close, text);
        const bool is_tag = style.value_open.starts_with('<');
        return fmt::format("{} {} {} {} {} {} {}", text.literal(open), is_tag ? "nl" : "",
                           text.literal(style.value_open), has_lines ? "nl" : "", value,
                           has_lines ? "nl" : "", text.literal(style.value_close));
      });
  return fmt::format("{} nl {} nl", text.literal(fmt::format("{}{}", tool.name, style.name_close)),
                     separated(pairs, "nl", text));
}

// f(a="x", n=1)
std::string function_call(const CallableTool& tool, GrammarText& text) {
  const std::vector<Pair> pairs =
      pairs_of(tool.parameters, [&](const std::string& name, const Json& schema) {
        return fmt::format("{} {}", text.literal(name + "="), text.json(schema, tool.parameters));
      });
  return fmt::format("{} {} \")\"", text.literal(tool.name + "("),
                     separated(pairs, R"("," ws)", text));
}

// call:f{a:<escape>x<escape>,n:1}
std::string key_value_call(const CallStyle& style, const CallableTool& tool, GrammarText& text) {
  const std::string quote = text.literal(style.quote);
  const std::vector<Pair> pairs =
      pairs_of(tool.parameters, [&](const std::string& name, const Json& schema) {
        const std::set<std::string> types = reply::value_types(schema);
        const bool is_text = types.empty() || types.count("string") > 0;
        const std::string value = tagged_value(schema, tool.parameters, style.quote, text);
        return is_text ? fmt::format("{} {} {} {}", text.literal(name + ":"), quote, value, quote)
                       : fmt::format("{} {}", text.literal(name + ":"), value);
      });
  return fmt::format(R"({} {} "}}")",
                     text.literal(fmt::format("{}{}{{", style.name_open, tool.name)),
                     separated(pairs, R"(",")", text));
}

// One call of the tool without the tags around it; empty: this style has no grammar.
std::string one_call(const CallStyle& style, const CallableTool& tool, GrammarText& text) {
  switch (style.syntax) {
    case Syntax::json:
      return json_call(style, tool, text);
    case Syntax::named_json:
      return named_call(style, tool, text);
    case Syntax::parameters:
      // Keys that are tags of their own, at any depth, are not written here.
      return style.name == "minimax_m3" ? "" : tagged_call(style, tool, text);
    case Syntax::pythonic:
      return function_call(tool, text);
    case Syntax::key_value:
      return key_value_call(style, tool, text);
    case Syntax::messages:
      if (style.name != "harmony") return "";
      return fmt::format(
          "{} {}",
          text.literal(fmt::format(
              "<|channel|>commentary to=functions.{} <|constrain|>json<|message|>", tool.name)),
          arguments(tool.parameters, text));
  }
  return "";
}

// `call` as often as may be, with `between` before each but the first.
std::string repeated(const std::string& call, const std::string& between, bool is_single) {
  return is_single ? call : fmt::format("{0} ( {1} {0} )*", call, between);
}

// The calls with the tags around all of them, and around each.
std::string whole_answer(const CallStyle& style, const std::string& call, bool is_single,
                         GrammarText& text) {
  const std::string open = style.allows_bare ? "" : text.literal(style.open);
  const std::string close = style.allows_bare ? "" : text.literal(style.close);
  const std::string item =
      fmt::format("{} {} {}", text.literal(style.item_open), call, text.literal(style.item_close));
  if (style.syntax == Syntax::messages)  // a call ends the answer
    return fmt::format("{}? {}", text.literal("<|start|>assistant"), call);
  const bool is_python_list = style.syntax == Syntax::pythonic && style.allows_bare;
  if (style.is_list || is_python_list)
    return fmt::format(R"({} ws "[" ws {} ws "]" ws {})", open,
                       repeated(call, R"(ws "," ws)", is_single), close);
  if (!style.starts_in.empty())  // the prompt has the first tag
    return fmt::format("{} {}", call, is_single ? "" : fmt::format("( nl {} )*", item));
  if (style.syntax == Syntax::pythonic || !style.item_open.empty())
    return fmt::format("{} nl {} nl {}", open, repeated(item, "nl", is_single), close);
  // Each call has its own pair of tags; without a closing one nobody knows where the next begins.
  const bool is_last = close.empty() && style.name_close.empty() && !style.allows_bare;
  const std::string one = fmt::format("{} nl {} nl {}", open, call, close);
  return repeated(text.add(one), "nl", is_single || is_last);
}

}  // namespace

std::optional<CallGrammar> call_grammar(const ReplyStyle& style, std::string_view named,
                                        bool is_single) {
  const reply::OwnTags own = reply::own_tags(style.tool_tag);
  CallStyle chosen = reply::row_or_own(style.call_style, style.tool_tag, own);
  if (style.tool_tag == "[") chosen.is_list = true;
  GrammarText text(markers(style));
  std::string calls;
  for (const CallableTool& tool : callable_tools(style, named)) {
    const std::string call = one_call(chosen, tool, text);
    if (call.empty()) return std::nullopt;
    calls += (calls.empty() ? "" : " | ") + text.add(call);
  }
  if (calls.empty()) return std::nullopt;
  const std::string answer = whole_answer(chosen, text.add(calls), is_single, text);
  // Where the prompt has the first tag, nothing stands before the name.
  return std::move(text).finish((chosen.starts_in.empty() ? "nl " : "") + answer);
}

}  // namespace hearth::modelfile
