// JSON that a schema allows, as rules of GBNF. For calls of tools only: what is said about types,
// properties, items and choices is kept to, everything else is any value.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "modelfile/chat.h"

namespace hearth::modelfile::reply {

// A text as a literal of GBNF.
std::string grammar_literal(std::string_view text);

class SchemaRules {
 public:
  // An expression for one value.
  std::string value(const Json& schema) { return value(schema, 0); }
  // The same, for the arguments of a tool: always an object.
  std::string arguments(const Json& schema);

  // A new rule. Its name.
  std::string add(std::string expression);
  // All rules, those of JSON itself included.
  std::string text() const;

 private:
  std::string value(const Json& schema, int depth);
  std::string typed(const Json& schema, std::string_view type, int depth);
  std::string object(const Json& schema, int depth);
  std::string choice(const Json& schemas, int depth);

  std::vector<std::string> rules_;  // expressions; the n-th is called rN
};

}  // namespace hearth::modelfile::reply
