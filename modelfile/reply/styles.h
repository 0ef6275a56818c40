// The ways in which models write calls of tools and thoughts, as rows of tags. What a row cannot
// say is in the readers of the six syntaxes a body has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::modelfile::reply {

enum class Syntax : uint8_t {
  json,        // {"name": ..., "arguments": {...}}, or a list of them
  named_json,  // a name, then the arguments as JSON
  parameters,  // a name, then one pair of tags per argument, or two
  pythonic,    // f(a='x', n=1), one per line or in a list
  key_value,   // f{a:<|"|>x<|"|>,n:1}
  messages,    // every part of an answer is a message of its own, whose header says what it is
};

// One row. Where an answer has several calls, `open` and `close` stand around all of them and
// `item_open` and `item_close` around each; empty: there is no such tag.
struct CallStyle {
  std::string_view name;
  Syntax syntax = Syntax::json;
  std::string_view open = {};
  std::string_view close = {};
  std::string_view item_open = {};
  std::string_view item_close = {};
  std::string_view name_open = {};   // what stands before the name, and is not part of it
  std::string_view name_close = {};  // empty: the name ends where the arguments begin
  // Syntax::parameters: open KEY close ... open VALUE close.
  std::string_view key_open = {};
  std::string_view key_close = {};
  std::string_view value_open = {};
  std::string_view value_close = {};
  std::string_view quote = {};       // around strings; empty: "
  std::string_view header_end = {};  // Syntax::messages: between a header and its text
  // Syntax::json, as the model was taught it.
  std::string_view name_key = "name";
  std::string_view arguments_key = "arguments";
  bool is_list = false;  // calls stand in a list even where there is one only
  // Layout: left out wherever it stands outside of calls and thoughts.
  std::vector<std::string_view> layout = {};
  bool allows_bare = false;         // an answer may be a call without any tag
  std::string_view starts_in = {};  // what the prompt ended with and belongs to the answer
};

const std::vector<CallStyle>& call_styles();

// Null: there is none of that name.
const CallStyle* style_named(std::string_view name);
// The one whose calls stand behind this tag, the most usual one where there are several.
const CallStyle* style_with_tag(std::string_view tag);

// The tags of calls that no row has: what a template writes before JSON.
struct OwnTags {
  std::string open;
  std::string close;  // "</x>" for "<x>", the fence of a block of code; other tags are not closed
  bool is_list = false;  // calls stand in a list even where there is one only
};
OwnTags own_tags(std::string_view tag);

// The row of that name, or where it is empty the one with the tag, or one made of `own`, which must
// outlive it.
CallStyle row_or_own(std::string_view name, std::string_view tag, const OwnTags& own);

// All rows whose calls stand behind the same tag as those of `style`, itself first.
std::vector<const CallStyle*> styles_like(const CallStyle& style);

struct ThinkingStyle {
  std::string_view open;
  std::string_view close;
  // What the template of such a model contains.
  std::vector<std::string_view> signs;
  // Nobody writes this tag by chance: thoughts may stand anywhere, not only at the beginning.
  bool is_unmistakable = true;
};

const std::vector<ThinkingStyle>& thinking_styles();

// What a template must contain to be of a style: all of the parts. More telling ones stand first.
struct StyleSign {
  std::string_view style;
  std::vector<std::string_view> parts;
};

const std::vector<StyleSign>& style_signs();

}  // namespace hearth::modelfile::reply
