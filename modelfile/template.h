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
  std::string reasoning_effort;  // "low", "medium", "high"; empty when not asked for
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

// A parsed template. Immutable: may be used by several threads at once and copied cheaply.
class Template {
 public:
  // Jinja, as Hugging Face's transformers set it up. Throws Error{invalid_argument} with the line
  // and the reason.
  static Template parse(std::string_view text);
  // For models that carry none: the texts of all messages, one per line.
  static Template plain();

  // Neighbouring parts of equal trust are merged, none is empty. Throws Error{invalid_argument}:
  // the template raised an exception (its own words), made a mistake, or ran past `limits`.
  std::vector<RenderedPart> render(const RenderContext& context,
                                   const RenderLimits& limits = {}) const;
  // The same for any context; all strings of `context` count as untrusted except bos_token,
  // eos_token and roles.
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
