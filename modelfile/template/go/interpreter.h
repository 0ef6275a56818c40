// Runs a parsed Go template on its data. One Interpreter = one rendering on one thread; throw it
// away afterwards, also after an error.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "modelfile/template/go/ast.h"
#include "modelfile/template/go/functions.h"

namespace hearth::modelfile::go {

class Interpreter {
 public:
  Interpreter(const Program& program, Heap& heap, std::chrono::system_clock::time_point now)
      : program_(program), heap_(heap), now_(now) {}

  // Appends to `output`. With `until_response` everything behind the first action that uses
  // .Response is left out, so that an answer can go on there.
  void run(const Value& data, bool until_response, MarkedText& output);
  // The line being worked on, for messages.
  int line() const { return line_; }

 private:
  enum class Flow { normal, break_loop, continue_loop };
  struct Variable {
    std::string_view name;
    Value value;
  };

  Flow run_list(const NodeList& nodes, const Value& dot);
  Flow run_node(const Node& node, const Value& dot);
  Flow run_branch(const Node& node, const Value& dot);
  Flow run_loop(const Node& node, const Value& dot);
  Flow run_item(const Node& node, const Value& key, const Value& item);
  void run_call(const Node& node, const Value& dot);
  void write(const Value& value);

  Value evaluate(const Pipeline& pipeline, const Value& dot);
  Value evaluate_pipeline(const Pipeline& pipeline, const Value& dot);
  Value evaluate_command(const Command& command, const Value& dot, const Value* final);
  Value evaluate_function(const Command& command, const Value& dot, const Value* final);
  Value evaluate_short_circuit(const Command& command, const Value& dot, const Value* final);
  Value evaluate_operand(const Operand& operand, const Value& dot);
  Value walk_path(Value value, const std::vector<std::string>& path);
  Value field(const Value& value, const std::string& name);
  Value& variable(std::string_view name);
  void set_variables(const Pipeline& pipeline, const Value& value);

  const Program& program_;
  Heap& heap_;
  std::chrono::system_clock::time_point now_;
  std::vector<Variable> variables_;
  MarkedText* output_ = nullptr;
  int ordinal_max_ = 0;
  int line_ = 1;
};

}  // namespace hearth::modelfile::go
