#include "modelfile/template/jinja/interpreter.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace hearth::modelfile::jinja {

Interpreter::Interpreter(const Program& program, Heap& heap,
                         std::chrono::system_clock::time_point now)
    : program_(program), heap_(heap), now_(now) {}

MarkedText Interpreter::run(const Dict& context) {
  Scope* root = push_scope(nullptr);
  root->is_captured = true;
  for (size_t symbol = 0; symbol < program_.symbols.size(); ++symbol) {
    const std::string& name = program_.symbols[symbol];
    if (const Value* value = context.find(name)) {
      root->variables.emplace_back(static_cast<int>(symbol), *value);
    } else if (const BuiltinFunction function = find_builtin(name)) {
      auto callable = std::make_unique<Callable>();
      callable->kind = CallableKind::builtin;
      callable->name = name;
      callable->function = function;
      root->variables.emplace_back(static_cast<int>(symbol),
                                   Value{heap_.adopt(std::move(callable))});
    }
  }
  // What the template sets goes to a scope of its own: context first, then the template's own
  // names.
  push_scope(root)->is_captured = true;
  return capture(program_.body);
}

Scope* Interpreter::push_scope(Scope* parent) {
  budget().step();
  if (free_scopes_.empty()) {
    budget().take_bytes(sizeof(Scope));
    free_scopes_.push_back(&scopes_.emplace_back());
  }
  Scope* scope = free_scopes_.back();
  free_scopes_.pop_back();
  scope->parent = parent;
  return scope_ = scope;
}

void Interpreter::pop_scope(Scope* restored) {
  if (!scope_->is_captured) {
    scope_->variables.clear();
    free_scopes_.push_back(scope_);
  }
  scope_ = restored;
}

void Interpreter::set_variable(int symbol, Value value) {
  for (auto& [known, current] : scope_->variables) {
    if (known != symbol) continue;
    current = std::move(value);
    return;
  }
  scope_->variables.emplace_back(symbol, std::move(value));
}

Value Interpreter::lookup(int symbol, const std::string& name) {
  for (const Scope* scope = scope_; scope; scope = scope->parent) {
    for (const auto& [known, value] : scope->variables) {
      if (known == symbol) return value;
    }
  }
  return undefined(fmt::format("'{}' is undefined", name));
}

void Interpreter::write(const MarkedText& text) {
  budget().check_text_size(output_->size() + text.size());
  budget().step(1 + text.size() / 256);
  output_->append(text);
}

MarkedText Interpreter::capture(const Block& block) {
  MarkedText captured;
  MarkedText* outer = std::exchange(output_, &captured);
  run_block(block);
  output_ = outer;
  return captured;
}

Interpreter::Flow Interpreter::run_block(const Block& block) {
  for (const auto& statement : block) {
    const Flow flow = run_statement(*statement);
    if (flow != Flow::normal) return flow;
  }
  return Flow::normal;
}

Interpreter::Flow Interpreter::run_statement(const Statement& statement) {
  budget().enter();
  budget().step();
  line_ = statement.line;
  Flow flow = Flow::normal;
  Scope* const outer = scope_;
  switch (statement.kind) {
    case StatementKind::text:
      write(statement.literal->text);
      break;
    case StatementKind::print:
      write(text_of(evaluate(*statement.expression)));
      break;
    case StatementKind::branch:
      flow = run_branch(statement);
      break;
    case StatementKind::loop:
      run_loop(statement);
      break;
    case StatementKind::assign:
      assign(*statement.target, evaluate(*statement.expression));
      break;
    case StatementKind::assign_block:
      run_assign_block(statement);
      break;
    case StatementKind::macro:
      set_variable(statement.symbol, make_closure(statement, statement.text));
      break;
    case StatementKind::call_block:
      run_call_block(statement);
      break;
    case StatementKind::filter_block:
      push_scope(outer);
      write(text_of(evaluate_filter(*statement.expression, heap_.string(capture(statement.body)))));
      pop_scope(outer);
      break;
    case StatementKind::with:
      flow = run_with(statement);
      break;
    case StatementKind::scope:
      push_scope(outer);
      flow = run_block(statement.body);
      pop_scope(outer);
      break;
    case StatementKind::break_loop:
      flow = Flow::break_loop;
      break;
    case StatementKind::continue_loop:
      flow = Flow::continue_loop;
      break;
  }
  budget().leave();
  return flow;
}

Interpreter::Flow Interpreter::run_branch(const Statement& statement) {
  for (const Branch& branch : statement.branches) {
    if (!branch.condition || is_true(evaluate(*branch.condition))) return run_block(branch.body);
  }
  return Flow::normal;
}

void Interpreter::run_loop(const Statement& statement) {
  run_loop_over(statement, evaluate(*statement.expression), scope_, 0);
}

bool Interpreter::is_accepted(const Statement& statement, const Value& item) {
  if (!statement.condition) return true;
  Scope* const outer = scope_;
  push_scope(outer);
  assign(*statement.target, item);
  const bool accepted = is_true(evaluate(*statement.condition));
  pop_scope(outer);
  return accepted;
}

void Interpreter::run_loop_over(const Statement& statement, const Value& iterable, Scope* parent,
                                int depth) {
  Scope* const outer = scope_;
  scope_ = parent;
  auto owned = std::make_unique<Loop>();
  owned->definition = &statement;
  owned->parent = parent;
  owned->depth = depth;
  for (Value& item : iterate(iterable, heap_)) {
    if (is_accepted(statement, item)) owned->items.push_back(std::move(item));
  }
  budget().take_bytes(owned->items.size() * sizeof(Value));
  Loop* loop = heap_.adopt(std::move(owned));
  if (loop->items.empty()) {
    push_scope(parent);
    run_block(statement.else_body);
    pop_scope(parent);
  }
  for (loop->index = 0; loop->index < loop->items.size(); ++loop->index) {
    push_scope(parent);
    set_variable(program_.loop_symbol, {loop});
    assign(*statement.target, loop->items[loop->index]);
    const Flow flow = run_block(statement.body);
    pop_scope(parent);
    if (flow == Flow::break_loop) break;
  }
  // A template may have kept `loop`: it goes on to stand at the last item.
  if (loop->index > 0 && loop->index == loop->items.size()) --loop->index;
  scope_ = outer;
}

void Interpreter::run_assign_block(const Statement& statement) {
  Scope* const outer = scope_;
  push_scope(outer);
  Value value = heap_.string(capture(statement.body));
  pop_scope(outer);
  if (statement.expression) value = evaluate_filter(*statement.expression, value);
  assign(*statement.target, value);
}

Interpreter::Flow Interpreter::run_with(const Statement& statement) {
  Scope* const outer = scope_;
  std::vector<Value> values;
  for (const auto& [target, expression] : statement.bindings)
    values.push_back(evaluate(*expression));
  push_scope(outer);
  for (size_t i = 0; i < values.size(); ++i) assign(*statement.bindings[i].first, values[i]);
  const Flow flow = run_block(statement.body);
  pop_scope(outer);
  return flow;
}

Value Interpreter::make_closure(const Statement& statement, std::string name) {
  // Everything outwards stays alive: the macro may be called when these blocks have ended.
  for (Scope* scope = scope_; scope && !scope->is_captured; scope = scope->parent)
    scope->is_captured = true;
  auto callable = std::make_unique<Callable>();
  callable->kind = CallableKind::macro;
  callable->name = std::move(name);
  callable->definition = &statement;
  callable->closure = scope_;
  return {heap_.adopt(std::move(callable))};
}

void Interpreter::run_call_block(const Statement& statement) {
  const Expression& expression = *statement.expression;
  const Value callee = evaluate(*expression.children[0]);
  Arguments arguments = evaluate_arguments(expression.arguments);
  arguments.named.emplace_back("caller", make_closure(statement, "caller"));
  write(text_of(call(callee, arguments)));
}

void Interpreter::assign(const Expression& target, const Value& value) {
  if (target.kind == ExpressionKind::name) return set_variable(target.symbol, value);
  if (target.kind == ExpressionKind::attribute) {
    const Value object = evaluate(*target.children[0]);
    if (!object.is<Namespace*>()) fail("cannot assign attribute on non-namespace object");
    Dict& attributes = (*object.as<Namespace*>())->attributes;
    budget().take_bytes(sizeof(Value));
    return attributes.set(heap_.string(target.text), value);
  }
  const std::vector<Value> values = iterate(value, heap_);
  if (values.size() < target.children.size()) {
    fail(fmt::format("not enough values to unpack (expected {}, got {})", target.children.size(),
                     values.size()));
  }
  if (values.size() > target.children.size()) {
    fail(fmt::format("too many values to unpack (expected {})", target.children.size()));
  }
  for (size_t i = 0; i < values.size(); ++i) assign(*target.children[i], values[i]);
}

Value Interpreter::call_macro(const Callable& macro, const Arguments& arguments) {
  const Statement& definition = *macro.definition;
  Scope* const outer = scope_;
  push_scope(macro.closure);
  std::vector<Value> more_positional;
  for (size_t i = definition.parameters.size(); i < arguments.positional.size(); ++i) {
    more_positional.push_back(arguments.positional[i]);
  }
  if (!more_positional.empty() && !program_.uses_varargs) {
    fail(fmt::format("macro '{}' takes not more than {} argument(s)", macro.name,
                     definition.parameters.size()));
  }
  Dict* more_named = heap_.dict();
  for (const auto& [name, value] : arguments.named) {
    const bool is_parameter = std::any_of(
        definition.parameters.begin(), definition.parameters.end(),
        [&wanted = name](const Parameter& parameter) { return parameter.name == wanted; });
    if (is_parameter || name == "caller") continue;
    if (!program_.uses_kwargs)
      fail(fmt::format("macro '{}' takes no keyword argument '{}'", macro.name, name));
    more_named->set(heap_.string(name), value);
  }
  for (size_t i = 0; i < definition.parameters.size(); ++i) {
    const Parameter& parameter = definition.parameters[i];
    const Value* given = arguments.find(i, parameter.name);
    if (given) {
      set_variable(parameter.symbol, *given);
    } else if (parameter.default_value) {
      set_variable(parameter.symbol, evaluate(*parameter.default_value));
    } else {
      set_variable(parameter.symbol,
                   undefined(fmt::format("parameter '{}' was not provided", parameter.name)));
    }
  }
  set_variable(program_.varargs_symbol, heap_.list(std::move(more_positional), ListKind::tuple));
  set_variable(program_.kwargs_symbol, {more_named});
  if (definition.kind == StatementKind::macro) {
    const Value* caller = arguments.find("caller");
    set_variable(program_.caller_symbol, caller ? *caller : undefined("No caller defined"));
  }
  Value result = heap_.string(capture(definition.body));
  pop_scope(outer);
  return result;
}

Value Interpreter::call_loop(const Callable& callable, const Arguments& arguments) {
  const Loop& loop = **callable.self.as<Loop*>();
  const Value* iterable = arguments.find(0, "iterable");
  if (!loop.definition->is_recursive || !iterable) {
    fail("the loop must have the 'recursive' marker to be called recursively");
  }
  MarkedText captured;
  MarkedText* outer = std::exchange(output_, &captured);
  run_loop_over(*loop.definition, *iterable, loop.parent, loop.depth + 1);
  output_ = outer;
  return heap_.string(std::move(captured));
}

Value Interpreter::call(const Value& callee, const Arguments& arguments) {
  budget().enter();
  if (callee.is<Undefined>()) fail_undefined(callee);
  Value result = none();
  if (callee.is<Loop*>()) {
    Callable recursion{CallableKind::loop, "loop", nullptr, nullptr, nullptr, callee};
    result = call_loop(recursion, arguments);
  } else if (!callee.is<Callable*>()) {
    fail(fmt::format("'{}' object is not callable", type_name(callee)));
  } else {
    const Callable& callable = **callee.as<Callable*>();
    switch (callable.kind) {
      case CallableKind::macro:
        result = call_macro(callable, arguments);
        break;
      case CallableKind::builtin:
        result = callable.function(*this, arguments);
        break;
      case CallableKind::method:
        result = call_method(*this, callable.self, callable.name, arguments);
        break;
      case CallableKind::loop:
        result = call_loop(callable, arguments);
        break;
    }
  }
  budget().leave();
  return result;
}

Value Interpreter::apply_filter(std::string_view name, const Value& input,
                                const Arguments& arguments) {
  const FilterFunction filter = find_filter(name);
  if (!filter) fail(fmt::format("No filter named '{}'.", name));
  budget().step();
  return filter(*this, input, arguments);
}

bool Interpreter::apply_test(std::string_view name, const Value& input,
                             const Arguments& arguments) {
  const TestFunction test = find_test(name);
  if (!test) fail(fmt::format("No test named '{}'.", name));
  budget().step();
  return test(*this, input, arguments);
}

}  // namespace hearth::modelfile::jinja
