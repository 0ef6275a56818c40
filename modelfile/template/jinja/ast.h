// The tree of a parsed template. Immutable once parsed; shared by all renderings.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "modelfile/template/jinja/value.h"

namespace hearth::modelfile::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

enum class ExpressionKind {
  constant,     // value
  name,         // text, symbol
  list,         // children
  tuple,        // children
  dict,         // children: key, value, key, value ...
  attribute,    // text; children: object
  item,         // children: object, index
  slice,        // children: object, start, stop, step; an absent one is null
  call,         // children: callee; arguments
  filter,       // text; children: input (null inside a filter block); arguments
  test,         // text; children: input; arguments
  unary,        // text: "-", "+", "not"; children: operand
  binary,       // text: "+", "-", "*", "/", "//", "%", "**"; children: left, right
  logical,      // text: "and", "or"; children: left, right
  concat,       // children: all operands of a ~ b ~ c
  comparison,   // operators; children: first operand and one per operator
  conditional,  // children: condition, value, otherwise (null when absent)
};

struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr more_positional;  // *args
  ExpressionPtr more_named;       // **kwargs
};

// One node. Which fields a kind uses stands beside the kind.
struct Expression {
  ExpressionKind kind;
  int line;
  int height = 1;  // of the tree below, so that deep ones are refused while parsing
  int symbol = -1;
  std::string text;
  Value value;
  std::vector<ExpressionPtr> children;
  std::vector<std::string> operators;
  CallArguments arguments;
};

struct Statement;
using Block = std::vector<std::unique_ptr<Statement>>;

struct Parameter {
  std::string name;
  int symbol;
  ExpressionPtr default_value;  // null when required
};

enum class StatementKind {
  text,          // text
  print,         // expression
  branch,        // branches; `else` is one without condition
  loop,          // target, expression, condition (filter), body, else_body, is_recursive
  assign,        // target, expression
  assign_block,  // target, expression (filters or null), body
  macro,         // text, symbol, parameters, body
  call_block,    // parameters, expression (the call), body
  filter_block,  // expression (filters), body
  with,          // bindings, body
  scope,         // body: generation
  break_loop,
  continue_loop,
};

struct Branch {
  ExpressionPtr condition;
  Block body;
};

struct Statement {
  StatementKind kind;
  int line;
  int symbol = -1;
  bool is_recursive = false;
  std::string text;
  StringRef literal;     // of text statements
  ExpressionPtr target;  // a name, an attribute of a name, or a tuple of names
  ExpressionPtr expression;
  ExpressionPtr condition;
  std::vector<Branch> branches;
  std::vector<Parameter> parameters;
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> bindings;
  Block body;
  Block else_body;
};

// A whole template. Names are numbered, so that looking one up compares numbers.
struct Program {
  Block body;
  std::vector<std::string> symbols;
  int caller_symbol = -1;
  int varargs_symbol = -1;
  int kwargs_symbol = -1;
  int loop_symbol = -1;
  bool uses_varargs = false;  // somewhere: macros then take any number of arguments
  bool uses_kwargs = false;
};

// Throws Error{invalid_argument} with the line and what was expected.
Program parse_template(std::string_view source);

}  // namespace hearth::modelfile::jinja
