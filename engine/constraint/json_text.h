// The pieces of JSON text that schemas are made of. Between tokens stands nothing, one blank, or a
// line break with up to 20 blanks or tabs: enough for all usual layouts, and no model can fill an
// answer with blanks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/constraint/rules.h"

namespace hearth::engine {

// `text` in quotes, with the shortest escapes.
std::string json_quoted(std::string_view text);

class JsonText {
 public:
  // `rules` must outlive this.
  explicit JsonText(Rules& rules);

  Rules& rules() { return rules_; }
  ExprId blank() const { return blank_; }  // that may stand between tokens
  ExprId string();                         // any
  // Of so many characters (code points).
  ExprId string(int64_t characters_least, int64_t characters_most);
  ExprId integer();  // up to 16 digits
  ExprId number();   // up to 16 digits on each side of the point, an exponent below 100
  ExprId value();    // anything
  ExprId object();   // any
  ExprId array();    // any
  // "name": and the blanks behind it.
  ExprId key(std::string_view name);
  ExprId key(ExprId quoted_name);

 private:
  ExprId character();

  Rules& rules_;
  ExprId blank_;
  std::optional<ExprId> string_, integer_, number_, value_, object_, array_, character_;
};

}  // namespace hearth::engine
