#include "daemon/answer_constraint.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace hearth::daemon {
namespace {

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

// What is not strict is a hint: keywords that cannot be bound do not stop a call.
bool is_strict(const api::ChatRequest& request) {
  return std::all_of(request.tools.begin(), request.tools.end(), [](const modelfile::Tool& tool) {
    const auto strict = tool.at("function").find("strict");
    return strict != tool.at("function").end() && *strict == true;
  });
}

engine::GrammarSource call_source(const api::ChatRequest& request,
                                  const modelfile::ReplyStyle& style) {
  const api::ToolChoice& choice = request.tool_choice;
  const std::string named = choice.kind == ChoiceKind::named ? choice.name : "";
  const std::optional<modelfile::CallGrammar> grammar =
      modelfile::call_grammar(style, named, choice.is_single);
  if (!grammar) {
    throw Error(
        ErrorCode::unsupported,
        fmt::format("the calls of this model (style {}) cannot be bound by a grammar; leave "
                    "{} out",
                    style.call_style, request.format ? "tools or format" : "tool_choice"));
  }
  const bool is_best_effort = !is_strict(request);
  engine::GrammarSource source{engine::GrammarKind::gbnf, grammar->text, is_best_effort};
  for (const modelfile::CallGrammar::Part& part : grammar->parts) {
    const bool is_tag = part.kind == modelfile::CallGrammar::Part::Kind::tag;
    source.parts.push_back({is_tag ? engine::GrammarKind::tag : engine::GrammarKind::json_schema,
                            part.text,
                            is_best_effort,
                            {},
                            part.name});
  }
  return source;
}

}  // namespace

std::optional<engine::ConstraintSpec> answer_constraint(const api::ChatRequest& request,
                                                        const modelfile::ReplyStyle& style) {
  const bool has_thoughts = style.starts_in_thinking || !style.thinking_open.empty();
  const int64_t thoughts_tokens_max = has_thoughts ? request.thoughts_tokens_max : -1;
  const bool is_bound = request.format || must_call(request);
  if (!is_bound && thoughts_tokens_max < 0) return std::nullopt;
  engine::ConstraintSpec spec;
  spec.thoughts_tokens_max = thoughts_tokens_max;
  spec.thoughts_open = style.thinking_open;
  spec.thoughts_close = style.thinking_close;
  spec.starts_in_thoughts = style.starts_in_thinking;
  if (!is_bound) {
    spec.grammar.kind = engine::GrammarKind::anything;
  } else if (must_call(request)) {
    spec.grammar = call_source(request, style);
  } else if (request.tools.empty()) {
    spec.grammar = to_source(*request.format);
  } else {
    // A model that may call instead does so in its own way.
    spec.grammar = {engine::GrammarKind::gbnf, "root ::= format | call"};
    spec.grammar.parts = {to_source(*request.format), call_source(request, style)};
    spec.grammar.parts[0].name = "format";
    spec.grammar.parts[1].name = "call";
  }
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
