// Writes a grammar of calls: GBNF for what a style writes around names and arguments, schemas for
// the arguments, tags apart because they are control tokens in some vocabularies.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "modelfile/reply_parser.h"

namespace hearth::modelfile::reply {

class GrammarText {
 public:
  // `tags` are texts that may be control tokens wherever they stand in a literal.
  explicit GrammarText(std::vector<std::string> tags);

  // All of these give expressions. Exactly this text:
  std::string literal(std::string_view text);
  // JSON under a schema; `root` is the schema whose definitions it refers to.
  std::string json(Json schema, const Json& root);
  // Any text in which `end` does not begin; `end` begins with a character it has only once.
  std::string text_before(std::string_view end);
  // The same as `expression`, under a name.
  std::string add(std::string expression);

  // With `root` as the whole answer.
  CallGrammar finish(const std::string& root) &&;

 private:
  std::string add_part(CallGrammar::Part::Kind kind, std::string text);

  std::vector<std::string> tags_;   // longer ones first
  std::vector<std::string> rules_;  // expressions; the n-th is called rN
  std::vector<CallGrammar::Part> parts_;
};

}  // namespace hearth::modelfile::reply
