#include "modelfile/template.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/utf8.h"
#include "modelfile/template/context.h"
#include "modelfile/template/jinja/interpreter.h"
#include "modelfile/template/jinja/raised.h"
#include "modelfile/template/marked_text.h"

namespace hearth::modelfile {
namespace {

// Go templates, which stored models may carry, begin their actions in ways Jinja's never do.
bool looks_like_go_template(std::string_view text) {
  for (size_t at = text.find("{{"); at != std::string_view::npos; at = text.find("{{", at + 2)) {
    std::string_view action = text.substr(at + 2);
    if (action.starts_with("-")) action.remove_prefix(1);
    action.remove_prefix(std::min(action.find_first_not_of(" \t\r\n"), action.size()));
    for (std::string_view start : {".", "$", "if ", "range ", "with "}) {
      if (action.starts_with(start)) return true;
    }
  }
  return false;
}

MarkedText run(const jinja::Program& program, const Json& context, const RenderLimits& limits,
               std::chrono::system_clock::time_point now) {
  jinja::Budget budget(limits);
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
  std::optional<jinja::Program> jinja;  // absent: plain
};

Template Template::parse(std::string_view text) {
  if (looks_like_go_template(text)) {
    throw Error(ErrorCode::unsupported,
                "this is a Go template, which hearth cannot run yet; use a model whose GGUF "
                "carries a chat template");
  }
  return Template(std::make_shared<const Program>(Program{jinja::parse_template(text)}));
}

Template Template::plain() {
  return Template(std::make_shared<const Program>());
}

std::vector<RenderedPart> Template::render(const RenderContext& context,
                                           const RenderLimits& limits) const {
  return render_json(context_json(context), limits, context.now);
}

std::vector<RenderedPart> Template::render_json(const Json& context, const RenderLimits& limits,
                                                std::chrono::system_clock::time_point now) const {
  if (!context.is_object())
    throw Error(ErrorCode::invalid_argument, "the data for a template must be a JSON object");
  const MarkedText text =
      program_->jinja ? run(*program_->jinja, context, limits, now) : run_plain(context);
  return text.to_parts();
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
