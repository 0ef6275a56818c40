// The part of the interpreter that computes expressions.
#include <fmt/format.h>

#include "modelfile/template/jinja/interpreter.h"

namespace hearth::modelfile::jinja {
namespace {

bool is_hashable(const Value& value) {
  return !value.dict() && !(value.list() && value.list()->kind != ListKind::tuple);
}

}  // namespace

Value Interpreter::evaluate(const Expression& expression) {
  budget().enter();
  budget().step();
  Value value = evaluate_inner(expression);
  budget().leave();
  return value;
}

Value Interpreter::evaluate_inner(const Expression& expression) {
  const auto child = [&](size_t index) { return evaluate(*expression.children[index]); };
  switch (expression.kind) {
    case ExpressionKind::constant:
      return expression.value;
    case ExpressionKind::name:
      return lookup(expression.symbol, expression.text);
    case ExpressionKind::list:
      return evaluate_list(expression, ListKind::list);
    case ExpressionKind::tuple:
      return evaluate_list(expression, ListKind::tuple);
    case ExpressionKind::dict:
      return evaluate_dict(expression);
    case ExpressionKind::attribute:
      return attribute(child(0), expression.text);
    case ExpressionKind::item: {
      const Value object = child(0);
      return item(object, child(1));
    }
    case ExpressionKind::slice:
      return evaluate_slice(expression);
    case ExpressionKind::call:
      return evaluate_call(expression);
    case ExpressionKind::filter:
      return evaluate_filter(expression, none());
    case ExpressionKind::test: {
      const Value input = child(0);
      return boolean(apply_test(expression.text, input, evaluate_arguments(expression.arguments)));
    }
    case ExpressionKind::unary:
      return evaluate_unary(expression);
    case ExpressionKind::binary: {
      const Value left = child(0);
      const Value right = child(1);
      line_ = expression.line;
      return binary_operation(expression.text, left, right, heap_);
    }
    case ExpressionKind::logical:
      return evaluate_logical(expression);
    case ExpressionKind::concat:
      return evaluate_concat(expression);
    case ExpressionKind::comparison:
      return evaluate_comparison(expression);
    case ExpressionKind::conditional:
      return evaluate_conditional(expression);
  }
  return none();
}

Value Interpreter::evaluate_list(const Expression& expression, ListKind kind) {
  std::vector<Value> items;
  for (const ExpressionPtr& child : expression.children) items.push_back(evaluate(*child));
  return heap_.list(std::move(items), kind);
}

Value Interpreter::evaluate_dict(const Expression& expression) {
  Dict* dict = heap_.dict();
  for (size_t i = 0; i < expression.children.size(); i += 2) {
    const Value key = evaluate(*expression.children[i]);
    if (!is_hashable(key)) fail(fmt::format("unhashable type: '{}'", type_name(key)));
    dict->set(key, evaluate(*expression.children[i + 1]));
  }
  return {dict};
}

Value Interpreter::evaluate_slice(const Expression& expression) {
  const auto bound = [&](size_t index) {
    return expression.children[index] ? evaluate(*expression.children[index]) : none();
  };
  const Value object = evaluate(*expression.children[0]);
  const Value start = bound(1);
  const Value stop = bound(2);
  return slice_of(object, start, stop, bound(3), heap_);
}

Arguments Interpreter::evaluate_arguments(const CallArguments& arguments) {
  Arguments values;
  for (const ExpressionPtr& argument : arguments.positional)
    values.positional.push_back(evaluate(*argument));
  if (arguments.more_positional) {
    for (Value& value : iterate(evaluate(*arguments.more_positional), heap_)) {
      values.positional.push_back(std::move(value));
    }
  }
  for (const auto& [name, argument] : arguments.named)
    values.named.emplace_back(name, evaluate(*argument));
  if (!arguments.more_named) return values;
  const Value more = evaluate(*arguments.more_named);
  if (!more.dict()) fail("argument after ** must be a mapping");
  for (const auto& [name, value] : more.dict()->entries) {
    if (!name.text()) fail("keywords must be strings");
    values.named.emplace_back(name.text()->bytes(), value);
  }
  return values;
}

Value Interpreter::evaluate_call(const Expression& expression) {
  const Expression& callee = *expression.children[0];
  if (callee.kind != ExpressionKind::attribute) {
    const Value function = evaluate(callee);
    const Arguments arguments = evaluate_arguments(expression.arguments);
    line_ = expression.line;
    return call(function, arguments);
  }
  // Methods are called without making a value of them first.
  const Value object = evaluate(*callee.children[0]);
  const Arguments arguments = evaluate_arguments(expression.arguments);
  line_ = expression.line;
  if (has_method(object, callee.text)) return call_method(*this, object, callee.text, arguments);
  return call(attribute(object, callee.text), arguments);
}

Value Interpreter::evaluate_filter(const Expression& expression, const Value& input) {
  Value value = input;
  // Inside a filter block the innermost filter has no operand of its own: it works on the block's
  // text.
  if (expression.children[0]) {
    const Expression& operand = *expression.children[0];
    value = operand.kind == ExpressionKind::filter ? evaluate_filter(operand, input)
                                                   : evaluate(operand);
  }
  const Arguments arguments = evaluate_arguments(expression.arguments);
  line_ = expression.line;
  return apply_filter(expression.text, value, arguments);
}

Value Interpreter::evaluate_unary(const Expression& expression) {
  const Value operand = evaluate(*expression.children[0]);
  if (expression.text == "not") return boolean(!is_true(operand));
  if (operand.is<Undefined>()) fail_undefined(operand);
  if (!is_number(operand)) {
    fail(fmt::format("bad operand type for unary {}: '{}'", expression.text, type_name(operand)));
  }
  if (expression.text == "+") return operand.is<double>() ? operand : integer(to_integer(operand));
  return binary_operation("-", operand.is<double>() ? real(-0.0) : integer(0), operand, heap_);
}

Value Interpreter::evaluate_logical(const Expression& expression) {
  Value left = evaluate(*expression.children[0]);
  const bool decides = is_true(left) == (expression.text == "or");
  return decides ? left : evaluate(*expression.children[1]);
}

Value Interpreter::evaluate_concat(const Expression& expression) {
  MarkedText text;
  for (const ExpressionPtr& child : expression.children) {
    const MarkedText part = text_of(evaluate(*child));
    budget().check_text_size(text.size() + part.size());
    text.append(part);
  }
  return heap_.string(std::move(text));
}

Value Interpreter::evaluate_comparison(const Expression& expression) {
  Value left = evaluate(*expression.children[0]);
  for (size_t i = 0; i < expression.operators.size(); ++i) {
    const std::string& op = expression.operators[i];
    Value right = evaluate(*expression.children[i + 1]);
    line_ = expression.line;
    bool holds = false;
    if (op == "==") {
      holds = equal(left, right);
    } else if (op == "!=") {
      holds = !equal(left, right);
    } else if (op == "in") {
      holds = contains(right, left, heap_);
    } else if (op == "not in") {
      holds = !contains(right, left, heap_);
    } else {
      const int order = compare(left, right, op);
      holds = (order < 0 && op[0] == '<') || (order > 0 && op[0] == '>') ||
              (order == 0 && op.size() == 2);
    }
    if (!holds) return boolean(false);
    left = std::move(right);
  }
  return boolean(true);
}

Value Interpreter::evaluate_conditional(const Expression& expression) {
  if (is_true(evaluate(*expression.children[0]))) return evaluate(*expression.children[1]);
  if (expression.children[2]) return evaluate(*expression.children[2]);
  return undefined("the inline if-expression evaluated to false and no else section was defined");
}

Value Interpreter::attribute(const Value& object, std::string_view name) {
  if (object.is<Undefined>()) fail_undefined(object);
  if (name.starts_with("__")) {
    fail(fmt::format("access to attribute '{}' of '{}' object is unsafe", name, type_name(object)));
  }
  if (has_method(object, name)) {
    auto callable = std::make_unique<Callable>();
    callable->kind = CallableKind::method;
    callable->name = name;
    callable->self = object;
    return {heap_.adopt(std::move(callable))};
  }
  const Value* found = nullptr;
  if (const Dict* dict = object.dict()) found = dict->find(name);
  if (const auto* name_space = object.as<Namespace*>())
    found = (*name_space)->attributes.find(name);
  if (found) return *found;
  if (const auto* loop = object.as<Loop*>()) return loop_attribute(**loop, name);
  return undefined_attribute(object, name);
}

Value Interpreter::item(const Value& object, const Value& index) {
  if (object.is<Undefined>()) fail_undefined(object);
  if (const Dict* dict = object.dict()) {
    if (const Value* found = dict->find(index)) return *found;
  }
  const bool is_sequence =
      object.text() || (object.list() && object.list()->kind != ListKind::generator &&
                        object.list()->kind != ListKind::dict_view);
  if (is_sequence && (index.is<int64_t>() || index.is<bool>())) {
    const auto size = static_cast<int64_t>(*length(object));
    const int64_t wanted = to_integer(index);
    const int64_t position = wanted < 0 ? wanted + size : wanted;
    if (position >= 0 && position < size) {
      if (const List* list = object.list()) return list->items[static_cast<size_t>(position)];
      return slice_of(object, integer(position), integer(position + 1), none(), heap_);
    }
  }
  if (const MarkedText* name = index.text()) return attribute(object, name->bytes());
  return undefined(fmt::format("'{} object' has no element {}", type_name(object),
                               repr(index, budget()).bytes()));
}

Value Interpreter::loop_attribute(Loop& loop, std::string_view name) {
  const auto index = static_cast<int64_t>(loop.index);
  const auto size = static_cast<int64_t>(loop.items.size());
  if (name == "index") return integer(index + 1);
  if (name == "index0") return integer(index);
  if (name == "revindex") return integer(size - index);
  if (name == "revindex0") return integer(size - index - 1);
  if (name == "first") return boolean(index == 0);
  if (name == "last") return boolean(index + 1 == size);
  if (name == "length") return integer(size);
  if (name == "depth") return integer(loop.depth + 1);
  if (name == "depth0") return integer(loop.depth);
  if (name == "previtem")
    return index == 0 ? undefined("there is no previous item") : loop.items[loop.index - 1];
  if (name == "nextitem")
    return index + 1 == size ? undefined("there is no next item") : loop.items[loop.index + 1];
  return undefined_attribute({&loop}, name);
}

}  // namespace hearth::modelfile::jinja
