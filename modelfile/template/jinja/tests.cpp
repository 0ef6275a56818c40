// The tests behind `is`.
#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "modelfile/template/jinja/interpreter.h"

namespace hearth::modelfile::jinja {
namespace {

const Value& first_argument(const Arguments& arguments) {
  if (arguments.positional.empty()) fail("a test misses its argument");
  return arguments.positional[0];
}

int64_t whole_number(const Value& value) {
  if (value.is<Undefined>()) fail_undefined(value);
  if (!is_number(value))
    fail(fmt::format("not all arguments converted: '{}' is no number", type_name(value)));
  return to_integer(value);
}

// "lower" and "upper" go by the cased letters.
bool has_case(Interpreter& interpreter, const Value& value, std::string_view method) {
  const Value text = value.text() ? value : interpreter.heap().string(interpreter.text_of(value));
  return is_true(call_method(interpreter, text, method, {}));
}

bool test_divisible(Interpreter&, const Value& value, const Arguments& arguments) {
  const int64_t divisor = whole_number(first_argument(arguments));
  if (divisor == 0) fail("integer division or modulo by zero");
  return divisor == -1 || whole_number(value) % divisor == 0;
}

bool test_same(Interpreter&, const Value& value, const Arguments& arguments) {
  const Value& other = first_argument(arguments);
  return value.data.index() == other.data.index() && equal(value, other) &&
         !(value.list() && value.list() != other.list()) &&
         !(value.dict() && value.dict() != other.dict());
}

bool test_sequence(Interpreter&, const Value& value, const Arguments&) {
  const bool is_view = value.list() && value.list()->kind == ListKind::dict_view;
  return length(value).has_value() && !is_view;
}

bool test_escaped(Interpreter&, const Value& value, const Arguments&) {
  const auto* string = value.as<StringRef>();
  return string && (*string)->is_markup;
}

template <int low, int high>
bool test_order(Interpreter&, const Value& value, const Arguments& arguments) {
  static constexpr std::string_view shown =
      high > 0 ? (low == 0 ? ">=" : ">") : (high == 0 ? "<=" : "<");
  const int order = compare(value, first_argument(arguments), shown);
  return order >= low && order <= high;
}

using I = Interpreter&;
using V = const Value&;
using A = const Arguments&;

const std::map<std::string_view, TestFunction>& table() {
  static const TestFunction is_equal = [](I, V value, A arguments) {
    return equal(value, first_argument(arguments));
  };
  static const TestFunction is_different = [](I, V value, A arguments) {
    return !equal(value, first_argument(arguments));
  };
  static const std::map<std::string_view, TestFunction> tests{
      {"defined", [](I, V value, A) { return !value.is<Undefined>(); }},
      {"undefined", [](I, V value, A) { return value.is<Undefined>(); }},
      {"none", [](I, V value, A) { return value.is<None>(); }},
      {"boolean", [](I, V value, A) { return value.is<bool>(); }},
      {"true", [](I, V value, A) { return value.is<bool>() && is_true(value); }},
      {"false", [](I, V value, A) { return value.is<bool>() && !is_true(value); }},
      {"integer", [](I, V value, A) { return value.is<int64_t>(); }},
      {"float", [](I, V value, A) { return value.is<double>(); }},
      {"number", [](I, V value, A) { return is_number(value); }},
      {"string", [](I, V value, A) { return value.text() != nullptr; }},
      {"mapping", [](I, V value, A) { return value.dict() != nullptr; }},
      {"iterable", [](I, V value, A) { return is_iterable(value); }},
      {"sequence", test_sequence},
      {"callable", [](I, V value, A) { return value.is<Callable*>() || value.is<Loop*>(); }},
      {"odd", [](I, V value, A) { return whole_number(value) % 2 != 0; }},
      {"even", [](I, V value, A) { return whole_number(value) % 2 == 0; }},
      {"divisibleby", test_divisible},
      {"sameas", test_same},
      {"escaped", test_escaped},
      {"in",
       [](I interpreter, V value, A arguments) {
         return contains(first_argument(arguments), value, interpreter.heap());
       }},
      {"lower", [](I interpreter, V value, A) { return has_case(interpreter, value, "islower"); }},
      {"upper", [](I interpreter, V value, A) { return has_case(interpreter, value, "isupper"); }},
      {"filter",
       [](I, V value, A) { return value.text() && find_filter(value.text()->bytes()) != nullptr; }},
      {"test",
       [](I, V value, A) { return value.text() && find_test(value.text()->bytes()) != nullptr; }},
      {"==", is_equal},
      {"eq", is_equal},
      {"equalto", is_equal},
      {"!=", is_different},
      {"ne", is_different},
      {">", test_order<1, 1>},
      {"gt", test_order<1, 1>},
      {"greaterthan", test_order<1, 1>},
      {"<", test_order<-1, -1>},
      {"lt", test_order<-1, -1>},
      {"lessthan", test_order<-1, -1>},
      {">=", test_order<0, 1>},
      {"ge", test_order<0, 1>},
      {"<=", test_order<-1, 0>},
      {"le", test_order<-1, 0>}};
  return tests;
}

}  // namespace

TestFunction find_test(std::string_view name) {
  const auto found = table().find(name);
  return found == table().end() ? nullptr : found->second;
}

}  // namespace hearth::modelfile::jinja
