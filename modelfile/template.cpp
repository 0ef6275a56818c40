#include "modelfile/template.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <variant>

#include "base/error.h"
#include "base/utf8.h"
#include "modelfile/reply_parser.h"
#include "modelfile/template/context.h"
#include "modelfile/template/go/inference.h"
#include "modelfile/template/go/render.h"
#include "modelfile/template/jinja/interpreter.h"
#include "modelfile/template/jinja/raised.h"
#include "modelfile/template/marked_text.h"

namespace hearth::modelfile {
namespace {

bool is_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0;
}

// A field or variable behind white space or a bracket, outside of quotes: .Name, $x. Jinja has
// neither.
bool names_go_data(std::string_view action) {
  char quote = '\0';
  char before = ' ';
  for (size_t i = 0; i + 1 < action.size(); ++i) {
    const char c = action[i];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'' || c == '`') {
      quote = c;
    } else if (c == '}' && action[i + 1] == '}') {
      return false;
    } else if (c == '$') {
      return true;
    } else if (c == '.' && (before == ' ' || before == '(' || before == '\n' || before == '-')) {
      if (is_letter(action[i + 1]) || action[i + 1] == ' ' || action[i + 1] == '}') return true;
    }
    before = c;
  }
  return false;
}

// Whether an action begins as Go's do and Jinja's never.
bool is_go_action(std::string_view action) {
  if (action.starts_with("/*")) return true;
  const auto end = std::find_if_not(action.begin(), action.end(), is_letter);
  const std::string_view word = action.substr(0, static_cast<size_t>(end - action.begin()));
  for (const std::string_view keyword : {"if", "range", "with", "else", "end", "define", "block",
                                         "template", "currentDate", "yesterdayDate"}) {
    if (word == keyword && (end == action.end() || *end == ' ' || *end == '}' || *end == '\n'))
      return true;
  }
  return names_go_data(action);
}

bool looks_like_go_template(std::string_view text) {
  for (size_t at = text.find("{{"); at != std::string_view::npos; at = text.find("{{", at + 2)) {
    std::string_view action = text.substr(at + 2);
    if (action.starts_with("-")) action.remove_prefix(1);
    action.remove_prefix(std::min(action.find_first_not_of(" \t\r\n"), action.size()));
    if (is_go_action(action)) return true;
  }
  return false;
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool has_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return has(text, part); });
}

// Signs that answers of tools find their way into the prompt.
bool names_tool_results(std::string_view text) {
  return has_any(text, {"\"tool\"", "'tool'", "tool_response", "TOOL_RESULTS", "\"ipython\"",
                        "'ipython'", "tool_output", "tool▁output", "tool_result"});
}

TemplateTraits jinja_traits(std::string_view text) {
  TemplateTraits traits;
  traits.language = TemplateLanguage::jinja;
  traits.has_tools = has_any(text, {"tools", "tool_call"});
  const bool splits = has_any(text, {"split('</think>')", "split(\"</think>\")"});
  const ThinkingTags tags = find_thinking_tags(text);
  const bool is_plain = tags.open == "<think>" || tags.open == "<thought>" || tags.open.empty();
  traits.has_thinking = !is_plain || (has(text, "<think>") && has(text, "</think>")) ||
                        (splits && !has(text, "reasoning_content"));
  if (traits.has_thinking) {
    traits.thinking_open = tags.open;
    traits.thinking_close = tags.close;
  }
  if (traits.has_tools) {
    traits.call_style = find_call_style(text);
    traits.tool_call_tag = tool_tag_of_style(traits.call_style);
  }
  traits.handles_tool_results =
      traits.has_tools && has(text, "tool_calls") && names_tool_results(text);
  return traits;
}

TemplateTraits go_traits(std::string_view text, const go::Program& program) {
  TemplateTraits traits;
  traits.language = TemplateLanguage::go;
  traits.has_tools = program.uses("tools");
  traits.has_suffix = program.uses("suffix");
  const go::ThinkingTags tags = go::infer_thinking_tags(program);
  traits.thinking_open = tags.open;
  traits.thinking_close = tags.close;
  traits.has_thinking = !tags.open.empty();
  traits.tool_call_tag = go::infer_tool_call_tag(program);
  // What the template writes before calls decides; its other texts tell the rest of the style.
  const std::string style = find_call_style(text);
  const bool is_bare = traits.tool_call_tag == "{" && (style == "llama3" || style == "json");
  if (is_bare || tool_tag_of_style(style) == traits.tool_call_tag) traits.call_style = style;
  traits.handles_tool_results =
      traits.has_tools && program.uses("toolcalls") && names_tool_results(text);
  return traits;
}

MarkedText run(const jinja::Program& program, const Json& context, const RenderLimits& limits,
               std::chrono::system_clock::time_point now) {
  Budget budget(limits);
  jinja::Heap heap(budget);
  jinja::Interpreter interpreter(program, heap, now);
  // Adds the line to messages; what the template itself raises is for people and stays as it is.
  try {
    return interpreter.run(context_values(context, heap));
  } catch (const jinja::RaisedByTemplate&) {
    throw;
  } catch (const Error& error) {
    throw Error(error.code(),
                fmt::format("template line {}: {}", interpreter.line(), error.what()));
  }
}

// The texts of the messages, one under the other.
MarkedText run_plain(const Json& context) {
  MarkedText text;
  const auto messages = context.find("messages");
  if (messages == context.end() || !messages->is_array()) return text;
  for (const Json& message : *messages) {
    const auto content = message.is_object() ? message.find("content") : message.end();
    if (!message.is_object() || content == message.end() || !content->is_string()) continue;
    if (!text.is_empty()) text.append("\n", true);
    text.append(repair_utf8(content->get_ref<const std::string&>()), false);
  }
  return text;
}

}  // namespace

struct Template::Program {
  std::variant<std::monostate, jinja::Program, go::Program> program;  // neither: plain
  TemplateTraits traits;
};

Template Template::parse(std::string_view text) {
  const bool is_go = looks_like_go_template(text) && !has(text, "{%");
  return is_go ? parse_go(text) : parse_jinja(text);
}

Template Template::parse_jinja(std::string_view text) {
  return Template(
      std::make_shared<const Program>(Program{jinja::parse_template(text), jinja_traits(text)}));
}

Template Template::parse_go(std::string_view text) {
  go::Program program = go::parse_template(text);
  TemplateTraits traits = go_traits(text, program);
  return Template(std::make_shared<const Program>(Program{std::move(program), std::move(traits)}));
}

Template Template::plain() {
  return Template(std::make_shared<const Program>());
}

const TemplateTraits& Template::traits() const {
  return program_->traits;
}

std::string_view to_string(TemplateLanguage language) {
  static constexpr std::array<std::string_view, 3> names{"plain", "jinja", "go"};
  return names[static_cast<size_t>(language)];
}

std::vector<RenderedPart> Template::render(const RenderContext& context,
                                           const RenderLimits& limits) const {
  return render_json(context_json(context), limits, context.now);
}

std::vector<RenderedPart> Template::render_json(const Json& context, const RenderLimits& limits,
                                                std::chrono::system_clock::time_point now) const {
  if (!context.is_object())
    throw Error(ErrorCode::invalid_argument, "the data for a template must be a JSON object");
  if (const auto* program = std::get_if<go::Program>(&program_->program))
    return go::render(*program, context, limits, now).to_parts();
  if (const auto* program = std::get_if<jinja::Program>(&program_->program))
    return run(*program, context, limits, now).to_parts();
  return run_plain(context).to_parts();
}

std::string to_text(const std::vector<RenderedPart>& parts) {
  std::string text;
  for (const RenderedPart& part : parts) text += part.text;
  return text;
}

std::string render_for_debug(std::string_view template_text, const Json& context) {
  return to_text(Template::parse(template_text).render_json(context));
}

}  // namespace hearth::modelfile
