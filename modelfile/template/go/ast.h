// The tree of a parsed Go template. Immutable once parsed; shared by all renderings.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "modelfile/template/go/value.h"

namespace hearth::modelfile::go {

struct Pipeline;

enum class OperandKind {
  dot,       // .
  nil,       // nil
  constant,  // value
  field,     // .A.B: path
  variable,  // $x.A: text, path
  function,  // text
  pipeline,  // ( ... ).A: pipeline, path
};

struct Operand {
  OperandKind kind;
  std::string text;  // name of the variable with its $, or of the function
  std::vector<std::string> path;
  Value value;
  std::unique_ptr<Pipeline> pipeline;
};

// An operand and what it is called with.
struct Command {
  std::vector<Operand> operands;  // at least one
};

// a | b x, perhaps with variables in front: $x := ..., $x = ..., $i, $x := ...
struct Pipeline {
  int line = 0;
  std::vector<std::string> variables;
  bool is_assignment = false;  // `=`: the variables exist
  std::vector<Command> commands;
};

enum class NodeKind {
  text,    // text
  action,  // pipeline
  branch,  // if: pipeline, body, else_body
  with,    // the same
  loop,    // range: the same
  call,    // template: name; pipeline (may be empty)
  break_loop,
  continue_loop,
};

struct Node;
using NodeList = std::vector<Node>;

struct Node {
  NodeKind kind;
  int line = 0;
  int ordinal = 0;  // counts all nodes in the order of the text
  Value text;
  std::string name;
  Pipeline pipeline;
  NodeList body;
  NodeList else_body;
};

struct Program {
  NodeList body;
  std::map<std::string, NodeList> definitions;
  std::set<std::string> identifiers;  // names of fields and variables anywhere, lower case
  int response_ordinal = -1;          // of the first action that uses .Response; -1: none

  bool uses(const std::string& identifier) const { return identifiers.count(identifier) > 0; }
};

// Throws Error{invalid_argument} with the line and what was expected. A template that uses neither
// .Messages nor .Response gets {{ .Response }} at its end.
Program parse_template(std::string_view source);

}  // namespace hearth::modelfile::go
