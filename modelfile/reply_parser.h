// What the text of an answer means while it is still being written: thoughts, content for people,
// and calls of tools. The result does not depend on how the text was cut into pieces.
// How models write these things is a table (modelfile/reply/styles.cpp).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "modelfile/chat.h"

namespace hearth::modelfile {

// How a model writes thoughts and calls of tools.
struct ReplyStyle {
  std::string thinking_open;        // "<think>"; empty: no thoughts are looked for
  std::string thinking_close;       // "</think>"
  bool starts_in_thinking = false;  // the prompt ended with the opening tag
  bool keeps_thinking = true;       // off: thoughts are left out
  std::string call_style;           // a name of find_call_style(); empty: JSON behind tool_tag
  std::string tool_tag;             // "<tool_call>"; "{", "[" and "": the answer begins with JSON
  std::vector<Tool> tools;          // that may be called; none: calls are content as they are
};

// The name of the style in which a model with this template calls tools, by what the template
// writes for calls made earlier; "json" (no tag at all) where it tells nothing.
std::string find_call_style(std::string_view template_text);
// The style of an output parser named in a model's configuration ("qwen3-coder", "glm-4.7"); empty
// for names that nobody knows and for those without calls.
std::string call_style_of_parser(std::string_view parser);
// What calls of a style begin with; "{" where there is no tag.
std::string tool_tag_of_style(std::string_view call_style);

struct ThinkingTags {
  std::string open;
  std::string close;
};

// The tags around thoughts that a template knows; empty where it has none.
ThinkingTags find_thinking_tags(std::string_view template_text);
// The same for an output parser named in a model's configuration.
ThinkingTags thinking_tags_of_parser(std::string_view parser);

// The texts that must reach the parser although they may be control tokens of the vocabulary, which
// otherwise print nothing.
std::vector<std::string> markers(const ReplyStyle& style);

// What the text of an answer must be for it to be a call, as a grammar.
struct CallGrammar {
  struct Part {
    enum class Kind : uint8_t {
      tag,     // this text, perhaps one control token
      schema,  // JSON under this JSON Schema
    };
    std::string name;
    Kind kind = Kind::tag;
    std::string text;
  };
  std::string text;         // GBNF, from behind the thoughts on
  std::vector<Part> parts;  // the rules that it uses and does not define
};

// `named` is the tool of the style that must be called, empty: any of them; with `is_single`, one
// call only. Absent: calls of this style cannot be enforced, or there is no such tool.
std::optional<CallGrammar> call_grammar(const ReplyStyle& style, std::string_view named,
                                        bool is_single);

struct ReplyPiece {
  std::string thinking;
  std::string content;
  std::vector<ToolCall> tool_calls;   // without ids
  std::vector<std::string> warnings;  // one line each: what looked like a call and was none
};

namespace reply {
class Reader;
}

// One per answer. Text that cannot be a call (not readable, a tool nobody offered) stays content,
// tag included, with a warning: nothing a model wrote is lost, and no answer fails for it.
// Arguments have the types that the tool's schema asks for, where the model writes them as text.
class ReplyParser {
 public:
  explicit ReplyParser(const ReplyStyle& style);
  ReplyParser(ReplyParser&&) noexcept;
  ReplyParser& operator=(ReplyParser&&) noexcept;
  ~ReplyParser();

  // The next piece of the answer. Text that may turn out to be the beginning of a call is held
  // back, and so are blanks that may stand before one.
  ReplyPiece push(std::string_view text);
  // The answer has ended: what was held back.
  ReplyPiece finish();

 private:
  std::unique_ptr<reply::Reader> reader_;
};

}  // namespace hearth::modelfile
