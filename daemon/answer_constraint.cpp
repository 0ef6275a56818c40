#include "daemon/answer_constraint.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/json.h"
#include "base/error.h"

namespace hearth::daemon {
namespace {

using api::Json;
using ChoiceKind = api::ToolChoice::Kind;

engine::GrammarSource to_source(const api::Format& format) {
  using Kind = api::Format::Kind;
  using engine::GrammarKind;
  engine::GrammarSource source;
  source.kind = format.kind == Kind::json     ? GrammarKind::json_object
                : format.kind == Kind::schema ? GrammarKind::json_schema
                : format.kind == Kind::regex  ? GrammarKind::regex
                                              : GrammarKind::gbnf;
  source.text = format.text;
  source.is_best_effort = format.is_best_effort;
  return source;
}

bool must_call(const api::ChatRequest& request) {
  const ChoiceKind kind = request.tool_choice.kind;
  return !request.tools.empty() && (kind == ChoiceKind::required || kind == ChoiceKind::named);
}

// References of a schema that now stands deeper, below `place`.
void move_references(Json& schema, const std::string& place) {
  if (schema.is_array()) {
    for (Json& entry : schema) move_references(entry, place);
    return;
  }
  if (!schema.is_object()) return;
  for (auto& [key, value] : schema.items()) {
    if (key == "$ref" && value.is_string()) {
      const std::string target = value.get<std::string>();
      if (target == "#" || target.starts_with("#/")) value = "#" + place + target.substr(1);
    } else {
      move_references(value, place);
    }
  }
}

// {"name": that of a tool, "arguments": as it describes them}, one of those that may be called.
Json call_schema(const api::ChatRequest& request, const std::string& place) {
  Json choices = Json::array();
  for (const modelfile::Tool& tool : request.tools) {
    const Json& function = tool.at("function");
    const Json& name = function.at("name");
    const api::ToolChoice& choice = request.tool_choice;
    if (choice.kind == ChoiceKind::named && name != choice.name) continue;
    const auto found = function.find("parameters");
    const bool has_parameters = found != function.end() && found->is_object() && !found->empty();
    Json parameters = has_parameters ? *found : Json{{"type", "object"}};
    if (!parameters.contains("type")) parameters["type"] = "object";
    move_references(parameters,
                    fmt::format("{}/anyOf/{}/properties/arguments", place, choices.size()));
    Json call;
    call["type"] = "object";
    call["properties"]["name"] = {{"const", name}};
    call["properties"]["arguments"] = std::move(parameters);
    call["required"] = {"name", "arguments"};
    call["additionalProperties"] = false;
    choices.push_back(std::move(call));
  }
  return Json{{"anyOf", std::move(choices)}};
}

// What is not strict is a hint: keywords that cannot be bound do not stop a call.
bool is_strict(const api::ChatRequest& request) {
  return std::all_of(request.tools.begin(), request.tools.end(), [](const modelfile::Tool& tool) {
    const auto strict = tool.at("function").find("strict");
    return strict != tool.at("function").end() && *strict == true;
  });
}

engine::GrammarSource call_grammar(const api::ChatRequest& request,
                                   const modelfile::ReplyStyle& style) {
  const std::string& tag = style.tool_tag;
  const bool is_bare = tag.empty() || tag == "{" || tag == "[";
  const bool is_list = tag == "[" || tag == "[TOOL_CALLS]" || tag == "<|tool_call|>";
  engine::GrammarSource source;
  source.kind = engine::GrammarKind::json_schema;
  source.is_best_effort = !is_strict(request);
  Json schema = call_schema(request, is_list ? "/items" : "");
  if (is_list) {
    schema = Json{{"type", "array"}, {"items", std::move(schema)}, {"minItems", 1}};
    if (request.tool_choice.is_single) schema["maxItems"] = 1;
  }
  source.text = api::to_line(schema);
  if (is_bare) return source;
  source.before = tag;
  const bool is_closed = tag.starts_with('<') && !tag.starts_with("<|");
  if (!is_closed) return source;
  source.behind = fmt::format("</{}", tag.substr(1));
  source.repeats = !request.tool_choice.is_single;
  return source;
}

}  // namespace

std::optional<engine::ConstraintSpec> answer_constraint(const api::ChatRequest& request,
                                                        const modelfile::ReplyStyle& style) {
  if (!request.format && !must_call(request)) return std::nullopt;
  engine::ConstraintSpec spec;
  spec.thoughts_open = style.thinking_open;
  spec.thoughts_close = style.thinking_close;
  spec.starts_in_thoughts = style.starts_in_thinking;
  if (must_call(request)) {
    spec.grammar = call_grammar(request, style);
    return spec;
  }
  spec.grammar = to_source(*request.format);
  // A model that may call instead does so in its own way.
  if (!request.tools.empty()) spec.grammar.others.push_back(call_grammar(request, style));
  return spec;
}

std::vector<std::string> GrammarCheck::check(const engine::GrammarSource& source) {
  constexpr size_t entries_max = 64;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& entry) { return entry.source == source; });
    if (found != entries_.end()) {
      entries_.splice(entries_.begin(), entries_, found);
      return entries_.front().warnings;
    }
  }
  Entry entry{source, {}};
  engine::compile_grammar(source, &entry.warnings);
  const std::lock_guard lock(mutex_);
  entries_.push_front(entry);
  if (entries_.size() > entries_max) entries_.pop_back();
  return entry.warnings;
}

}  // namespace hearth::daemon
