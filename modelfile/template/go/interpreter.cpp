#include "modelfile/template/go/interpreter.h"

#include <fmt/format.h>

#include <limits>

namespace hearth::modelfile::go {
namespace {

// Counts depth while it lives.
class Entered {
 public:
  explicit Entered(Budget& budget) : budget_(budget) { budget_.enter(); }
  ~Entered() { budget_.leave(); }
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;

 private:
  Budget& budget_;
};

// Variables declared inside of a block end with it.
template <typename List>
class Restored {
 public:
  explicit Restored(List& list) : list_(list), size_(list.size()) {}
  ~Restored() {
    while (list_.size() > size_) list_.pop_back();
  }
  Restored(const Restored&) = delete;
  Restored& operator=(const Restored&) = delete;

 private:
  List& list_;
  size_t size_;
};

}  // namespace

void Interpreter::run(const Value& data, bool until_response, MarkedText& output) {
  output_ = &output;
  ordinal_max_ = until_response && program_.response_ordinal >= 0 ? program_.response_ordinal
                                                                  : std::numeric_limits<int>::max();
  variables_.clear();
  variables_.push_back({"$", data});
  run_list(program_.body, data);
}

void Interpreter::write(const Value& value) {
  if (const MarkedText* text = value.text()) {
    output_->append(*text);
  } else {
    output_->append(print_action(value, heap_.budget()));
  }
  heap_.budget().check_text_size(output_->size());
}

Interpreter::Flow Interpreter::run_list(const NodeList& nodes, const Value& dot) {
  const Entered entered(heap_.budget());
  for (const Node& node : nodes) {
    if (node.ordinal > ordinal_max_) continue;
    const Flow flow = run_node(node, dot);
    if (flow != Flow::normal) return flow;
  }
  return Flow::normal;
}

Interpreter::Flow Interpreter::run_node(const Node& node, const Value& dot) {
  heap_.budget().step();
  line_ = node.line;
  switch (node.kind) {
    case NodeKind::text:
      write(node.text);
      return Flow::normal;
    case NodeKind::action: {
      const Value value = evaluate(node.pipeline, dot);
      if (node.pipeline.variables.empty()) write(value);
      return Flow::normal;
    }
    case NodeKind::branch:
    case NodeKind::with:
      return run_branch(node, dot);
    case NodeKind::loop:
      return run_loop(node, dot);
    case NodeKind::call:
      run_call(node, dot);
      return Flow::normal;
    case NodeKind::break_loop:
      return Flow::break_loop;
    case NodeKind::continue_loop:
      return Flow::continue_loop;
  }
  return Flow::normal;
}

Interpreter::Flow Interpreter::run_branch(const Node& node, const Value& dot) {
  const Restored restored(variables_);
  const Value value = evaluate(node.pipeline, dot);
  if (!is_true(value)) return run_list(node.else_body, dot);
  return run_list(node.body, node.kind == NodeKind::with ? value : dot);
}

Interpreter::Flow Interpreter::run_item(const Node& node, const Value& key, const Value& item) {
  heap_.budget().step();
  const Restored restored(variables_);
  const std::vector<std::string>& names = node.pipeline.variables;
  const auto set = [&](const std::string& name, const Value& value) {
    if (node.pipeline.is_assignment)
      variable(name) = value;
    else
      variables_.push_back({name, value});
  };
  if (names.size() == 1) set(names[0], item);
  if (names.size() == 2) {
    set(names[0], key);
    set(names[1], item);
  }
  return run_list(node.body, item);
}

Interpreter::Flow Interpreter::run_loop(const Node& node, const Value& dot) {
  const Restored restored(variables_);
  const Value value = evaluate_pipeline(node.pipeline, dot);
  const auto is_ended = [](Flow flow) { return flow == Flow::break_loop; };
  if (!is_true(value)) return run_list(node.else_body, dot);
  if (value.is<ListView>()) {
    const std::span<const Value> items = value.items();
    for (size_t i = 0; i < items.size(); ++i) {
      if (is_ended(run_item(node, integer(static_cast<int64_t>(i)), items[i]))) break;
    }
  } else if (const Map* map = value.map(); map && map->kind != MapKind::structure) {
    for (const Entry& entry : map->entries) {
      const Value key = heap_.string(MarkedText(entry.key, entry.is_trusted));
      if (is_ended(run_item(node, key, entry.value))) break;
    }
  } else if (const int64_t* count = value.as<int64_t>()) {
    for (int64_t i = 0; i < *count; ++i) {
      if (is_ended(run_item(node, integer(i), integer(i)))) break;
    }
  } else {
    fail(fmt::format("range can't iterate over a value of type {}", type_name(value)));
  }
  return Flow::normal;
}

void Interpreter::run_call(const Node& node, const Value& dot) {
  const auto found = program_.definitions.find(node.name);
  if (found == program_.definitions.end())
    fail(fmt::format("template \"{}\" not defined", node.name));
  const Value data = node.pipeline.commands.empty() ? Value{Nil{}} : evaluate(node.pipeline, dot);
  const int ordinal_max = std::exchange(ordinal_max_, std::numeric_limits<int>::max());
  std::vector<Variable> outer = std::exchange(variables_, {});
  variables_.push_back({"$", data});
  run_list(found->second, data);
  variables_ = std::move(outer);
  ordinal_max_ = ordinal_max;
}

Value& Interpreter::variable(std::string_view name) {
  for (size_t i = variables_.size(); i > 0; --i) {
    if (variables_[i - 1].name == name) return variables_[i - 1].value;
  }
  fail(fmt::format("undefined variable {}", name));
}

void Interpreter::set_variables(const Pipeline& pipeline, const Value& value) {
  for (const std::string& name : pipeline.variables) {
    if (pipeline.is_assignment)
      variable(name) = value;
    else
      variables_.push_back({name, value});
  }
}

Value Interpreter::evaluate(const Pipeline& pipeline, const Value& dot) {
  Value value = evaluate_pipeline(pipeline, dot);
  set_variables(pipeline, value);
  return value;
}

Value Interpreter::evaluate_pipeline(const Pipeline& pipeline, const Value& dot) {
  const Entered entered(heap_.budget());
  line_ = pipeline.line;
  Value value{Nil{}};
  for (size_t i = 0; i < pipeline.commands.size(); ++i) {
    value = evaluate_command(pipeline.commands[i], dot, i > 0 ? &value : nullptr);
  }
  return value;
}

Value Interpreter::evaluate_command(const Command& command, const Value& dot, const Value* final) {
  heap_.budget().step();
  const Operand& first = command.operands.front();
  if (first.kind == OperandKind::function) return evaluate_function(command, dot, final);
  if (command.operands.size() > 1 || final) {
    const std::string what = first.path.empty() ? first.text : first.path.back();
    fail(fmt::format("can't give argument to non-function {}", what));
  }
  if (first.kind == OperandKind::nil) fail("nil is not a command");
  return evaluate_operand(first, dot);
}

Value Interpreter::evaluate_function(const Command& command, const Value& dot, const Value* final) {
  const std::string& name = command.operands.front().text;
  if (is_short_circuit(name)) return evaluate_short_circuit(command, dot, final);
  Call call{heap_, now_, {}};
  for (size_t i = 1; i < command.operands.size(); ++i) {
    call.arguments.push_back(evaluate_operand(command.operands[i], dot));
  }
  if (final) call.arguments.push_back(*final);
  return find_function(name)(call);
}

// and, or: the first argument that decides, or the last one.
Value Interpreter::evaluate_short_circuit(const Command& command, const Value& dot,
                                          const Value* final) {
  const bool stops_at = command.operands.front().text == "or";
  if (command.operands.size() == 1 && !final) {
    fail(fmt::format("wrong number of arguments for {}: want at least 1 got 0",
                     command.operands.front().text));
  }
  Value value;
  for (size_t i = 1; i < command.operands.size(); ++i) {
    value = evaluate_operand(command.operands[i], dot);
    if (is_true(value) == stops_at) return value;
  }
  return final ? *final : value;
}

Value Interpreter::evaluate_operand(const Operand& operand, const Value& dot) {
  switch (operand.kind) {
    case OperandKind::dot:
      return dot;
    case OperandKind::nil:
      return {Nil{}};
    case OperandKind::constant:
      return operand.value;
    case OperandKind::field:
      return walk_path(dot, operand.path);
    case OperandKind::variable:
      return walk_path(variable(operand.text), operand.path);
    case OperandKind::pipeline:
      return walk_path(evaluate_pipeline(*operand.pipeline, dot), operand.path);
    case OperandKind::function: {
      Call call{heap_, now_, {}};
      if (is_short_circuit(operand.text))
        fail(fmt::format("wrong number of arguments for {}: want at least 1 got 0", operand.text));
      return find_function(operand.text)(call);
    }
  }
  return {Nil{}};
}

Value Interpreter::walk_path(Value value, const std::vector<std::string>& path) {
  for (const std::string& name : path) value = field(value, name);
  return value;
}

Value Interpreter::field(const Value& value, const std::string& name) {
  if (value.is_absent()) fail(fmt::format("nil pointer evaluating interface {{}}.{}", name));
  const Map* map = value.map();
  const Value* found = map ? map->find(name) : nullptr;
  if (found) return *found;
  if (!map || map->kind == MapKind::structure)
    fail(fmt::format("can't evaluate field {} in type {}", name, type_name(value)));
  return map->kind == MapKind::root ? Value{Missing{}} : Value{Nil{}};
}

}  // namespace hearth::modelfile::go
