// Runs a parsed template on a context. One Interpreter = one rendering on one thread; throw it away
// afterwards, also after an error.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "modelfile/template/jinja/ast.h"
#include "modelfile/template/jinja/value.h"

namespace hearth::modelfile::jinja {

// Variables of one block. Scopes that a macro was defined in stay until the rendering ends, since
// the macro may be called later; the others are used again.
struct Scope {
  Scope* parent = nullptr;
  std::vector<std::pair<int, Value>> variables;
  bool is_captured = false;
};

class Interpreter;
using BuiltinFunction = Value (*)(Interpreter&, const Arguments&);

enum class CallableKind { macro, builtin, method, loop };

struct Callable {
  CallableKind kind;
  std::string name;
  const Statement* definition = nullptr;  // macro, or the call block that a `caller` runs
  Scope* closure = nullptr;
  BuiltinFunction function = nullptr;
  Value self;  // method: the object
};

// The `loop` variable.
struct Loop {
  const Statement* definition;
  Scope* parent;
  std::vector<Value> items;
  size_t index = 0;
  int depth = 0;
  std::optional<Value> last_changed;
};

class Interpreter {
 public:
  Interpreter(const Program& program, Heap& heap, std::chrono::system_clock::time_point now);

  // `context` holds the variables by name.
  MarkedText run(const Dict& context);
  // The line being worked on, for messages.
  int line() const { return line_; }

  Heap& heap() { return heap_; }
  Budget& budget() { return heap_.budget(); }
  std::chrono::system_clock::time_point now() const { return now_; }

  Value call(const Value& callee, const Arguments& arguments);
  Value attribute(const Value& object, std::string_view name);
  Value item(const Value& object, const Value& index);
  Value apply_filter(std::string_view name, const Value& input, const Arguments& arguments);
  bool apply_test(std::string_view name, const Value& input, const Arguments& arguments);
  MarkedText text_of(const Value& value) { return to_text(value, budget()); }

 private:
  enum class Flow { normal, break_loop, continue_loop };

  // statements (interpreter.cpp)
  Flow run_block(const Block& block);
  Flow run_statement(const Statement& statement);
  Flow run_branch(const Statement& statement);
  void run_loop(const Statement& statement);
  void run_loop_over(const Statement& statement, const Value& iterable, Scope* parent, int depth);
  bool is_accepted(const Statement& statement, const Value& item);
  void run_assign_block(const Statement& statement);
  void run_call_block(const Statement& statement);
  Flow run_with(const Statement& statement);
  MarkedText capture(const Block& block);
  void write(const MarkedText& text);
  void assign(const Expression& target, const Value& value);
  void set_variable(int symbol, Value value);
  Value lookup(int symbol, const std::string& name);
  Scope* push_scope(Scope* parent);
  void pop_scope(Scope* restored);
  Value make_closure(const Statement& statement, std::string name);

  // expressions (expressions.cpp)
  Value evaluate(const Expression& expression);
  Value evaluate_inner(const Expression& expression);
  Value evaluate_list(const Expression& expression, ListKind kind);
  Value evaluate_dict(const Expression& expression);
  Value evaluate_slice(const Expression& expression);
  Value evaluate_call(const Expression& expression);
  Value evaluate_filter(const Expression& expression, const Value& input);
  Value evaluate_unary(const Expression& expression);
  Value evaluate_logical(const Expression& expression);
  Value evaluate_concat(const Expression& expression);
  Value evaluate_comparison(const Expression& expression);
  Value evaluate_conditional(const Expression& expression);
  Arguments evaluate_arguments(const CallArguments& arguments);
  Value loop_attribute(Loop& loop, std::string_view name);
  Value call_macro(const Callable& macro, const Arguments& arguments);
  Value call_loop(const Callable& callable, const Arguments& arguments);

  const Program& program_;
  Heap& heap_;
  std::chrono::system_clock::time_point now_;
  std::deque<Scope> scopes_;
  std::vector<Scope*> free_scopes_;
  Scope* scope_ = nullptr;
  MarkedText* output_ = nullptr;
  int line_ = 1;
};

// operators.cpp
Value binary_operation(std::string_view op, const Value& left, const Value& right, Heap& heap);
bool contains(const Value& container, const Value& item, Heap& heap);
Value slice_of(const Value& object, const Value& start, const Value& stop, const Value& step,
               Heap& heap);

// builtins.cpp
BuiltinFunction find_builtin(std::string_view name);

// methods.cpp: absent when values of that type have no such method.
bool has_method(const Value& object, std::string_view name);
Value call_method(Interpreter& interpreter, const Value& object, std::string_view name,
                  const Arguments& arguments);

// filters.cpp, tests.cpp
using FilterFunction = Value (*)(Interpreter&, const Value& input, const Arguments&);
using TestFunction = bool (*)(Interpreter&, const Value& input, const Arguments&);
FilterFunction find_filter(std::string_view name);
TestFunction find_test(std::string_view name);

}  // namespace hearth::modelfile::jinja
