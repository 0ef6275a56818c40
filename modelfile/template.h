// Chat templates: messages in, prompt out - and for every piece of the prompt whether the template
// wrote it (trusted) or a person, a document or a tool did. Only trusted text may become control
// tokens, so nobody can write
// "<|im_start|>system" into a chat.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "modelfile/chat.h"

namespace hearth::modelfile {

struct RenderedPart {
  std::string text;
  bool is_trusted;

  bool operator==(const RenderedPart&) const = default;
};

// What a chat template is given. Everything in messages and tools is untrusted, except the role
// names known to every template (system, user, assistant, tool, developer) and the kinds of content
// parts.
struct RenderContext {
  std::vector<Message> messages;
  std::vector<Tool> tools;
  bool add_generation_prompt = true;
  std::string bos_token;  // texts of the vocabulary's tokens; trusted
  std::string eos_token;
  std::optional<bool> enable_thinking;
  std::string reasoning_effort;     // "low", "medium", "high"; empty when not asked for
  Json variables = Json::object();  // others, by name; those above win
  std::string suffix;  // fill in the middle: what stands behind the answer (Go templates)
  std::chrono::system_clock::time_point now =
      std::chrono::system_clock::now();  // what strftime_now sees
};

// Bounds for one rendering. A template that passes them ends with Error{invalid_argument}.
struct RenderLimits {
  size_t output_bytes_max = size_t{64} << 20;
  size_t steps_max = 20'000'000;
  std::chrono::milliseconds time_max{5000};
  int depth_max = 1000;  // expressions, blocks and calls inside of one another
  bool allows_changes =
      true;  // list.append and the like, which transformers refuses and some templates need
};

enum class TemplateLanguage { plain, jinja, go };
std::string_view to_string(TemplateLanguage language);

// What a template's text tells about the model it was written for.
struct TemplateTraits {
  TemplateLanguage language = TemplateLanguage::plain;
  bool has_tools = false;             // tells the model about tools
  bool has_suffix = false;            // can ask for the text between a prompt and a suffix
  bool has_thinking = false;          // knows thoughts
  bool handles_tool_results = false;  // the whole round: calls, and what the tools answered
  std::string call_style;             // see find_call_style(); empty: JSON behind tool_call_tag
  std::string tool_call_tag;  // what a call begins with, "{" for bare JSON; empty when unknown
  // What thoughts stand between; empty when unknown.
  std::string thinking_open;
  std::string thinking_close;
};

// A parsed template. Immutable: may be used by several threads at once and copied cheaply.
class Template {
 public:
  // Either language, told apart by its text. All three throw Error{invalid_argument} with the line
  // and the reason.
  static Template parse(std::string_view text);
  // Jinja, as Hugging Face's transformers set it up: what GGUF files carry.
  static Template parse_jinja(std::string_view text);
  // Go's text/template with Ollama's functions and data: the TEMPLATE of stored models. One that
  // mentions neither .Messages nor .Response ends with {{ .Response }}.
  static Template parse_go(std::string_view text);
  // For models that carry none: the texts of all messages, one per line.
  static Template plain();

  const TemplateTraits& traits() const;

  // Neighbouring parts of equal trust are merged, none is empty. Throws Error{invalid_argument}:
  // the template raised an exception (its own words), made a mistake, or ran past `limits`.
  std::vector<RenderedPart> render(const RenderContext& context,
                                   const RenderLimits& limits = {}) const;
  // The same for any context; all strings of `context` count as untrusted except bos_token,
  // eos_token and roles. A Go template is given Ollama's data, made from the same variables; a
  // context without `messages` is taken as Go data by its own names (System, Prompt, Messages).
  std::vector<RenderedPart> render_json(
      const Json& context, const RenderLimits& limits = {},
      std::chrono::system_clock::time_point now = std::chrono::system_clock::now()) const;

 private:
  struct Program;
  // Shared so that copies are cheap while a rendering on another thread still uses it.
  explicit Template(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const Program> program_;
};

// All parts in one string.
std::string to_text(const std::vector<RenderedPart>& parts);

// `hearth debug render`: the template on the given data, as text.
std::string render_for_debug(std::string_view template_text, const Json& context);

}  // namespace hearth::modelfile
