// What the text of an answer means while it is still being written: thoughts, content for people,
// and calls of tools. The result does not depend on how the text was cut into pieces.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "modelfile/chat.h"

namespace hearth::modelfile {

// How a model writes thoughts, between two tags at its beginning, and calls of tools, JSON behind
// an opening tag.
struct ReplyStyle {
  std::string thinking_open;        // "<think>"; empty: no thoughts are looked for
  std::string thinking_close;       // "</think>"
  bool starts_in_thinking = false;  // the prompt ended with the opening tag
  bool keeps_thinking = true;       // off: thoughts are left out
  std::string tool_tag;             // "<tool_call>"; "{", "[" and "": the answer begins with JSON
  std::vector<std::string> tool_names;  // that may be called; none: the text is content as it is
};

// The tag of a model whose Jinja template this is, by what the template writes for calls made
// earlier; "{" where it tells nothing.
std::string find_tool_tag(std::string_view template_text);

struct ThinkingTags {
  std::string open;
  std::string close;
};

// The same for thoughts; empty where the template has no such tags.
ThinkingTags find_thinking_tags(std::string_view template_text);

struct ReplyPiece {
  std::string thinking;
  std::string content;
  std::vector<ToolCall> tool_calls;   // without ids
  std::vector<std::string> warnings;  // one line each: what looked like a call and was none
};

// One per answer. Text that cannot be a call (not JSON, no arguments, a tool nobody offered) stays
// content, tag included, with a warning: nothing a model wrote is lost, and no answer fails for it.
class ReplyParser {
 public:
  explicit ReplyParser(ReplyStyle style);

  // The next piece of the answer. Text that may turn out to be the beginning of a call is held
  // back, and so are blanks that may stand before one.
  ReplyPiece push(std::string_view text);
  // The answer has ended: what was held back.
  ReplyPiece finish();

 private:
  enum class State : uint8_t { start, thinking, behind_thinking, text, call, behind_call };

  // Each looks at the beginning of held_. True: go on with what is left; false: more is needed.
  bool read_start(bool is_end);
  bool read_thinking(ReplyPiece& piece, bool is_end);
  bool skip_blanks(bool is_end);
  bool read_text(ReplyPiece& piece, bool is_end);
  bool read_call(ReplyPiece& piece, bool is_end);
  bool read_closing_tag(bool is_end);

  void advance(ReplyPiece& piece, bool is_end);
  std::optional<size_t> find_call(bool is_end) const;
  void take_calls(ReplyPiece& piece, size_t begin, size_t end);
  void give_content(ReplyPiece& piece, size_t length);
  void give_up(ReplyPiece& piece, size_t length, std::string warning);

  const ReplyStyle style_;
  const bool is_bare_json_;  // calls are not tagged
  const std::string closing_tag_;
  State state_;
  std::string held_;  // not decided yet
  bool has_thoughts_ = false;
  bool has_content_ = false;  // something other than blanks was content
  bool has_calls_ = false;
};

}  // namespace hearth::modelfile
