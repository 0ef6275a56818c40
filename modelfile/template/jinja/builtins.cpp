// Functions every template can call.
#include <fmt/format.h>

#include <ctime>
#include <map>

#include "base/error.h"
#include "modelfile/template/jinja/interpreter.h"
#include "modelfile/template/jinja/raised.h"

namespace hearth::modelfile::jinja {
namespace {

int64_t whole_argument(const Arguments& arguments, size_t index) {
  const Value& value = arguments.positional[index];
  if (value.is<Undefined>()) fail_undefined(value);
  if (!value.is<int64_t>() && !value.is<bool>()) {
    fail(fmt::format("'{}' object cannot be interpreted as an integer", type_name(value)));
  }
  return to_integer(value);
}

Value make_range(Interpreter& interpreter, const Arguments& arguments) {
  constexpr int64_t items_max = 100'000;
  const size_t count = arguments.positional.size();
  if (count < 1 || count > 3) fail(fmt::format("range expected 1 to 3 arguments, got {}", count));
  const int64_t start = count > 1 ? whole_argument(arguments, 0) : 0;
  const int64_t stop = whole_argument(arguments, count > 1 ? 1 : 0);
  const int64_t step = count > 2 ? whole_argument(arguments, 2) : 1;
  if (step == 0) fail("range() arg 3 must not be zero");
  std::vector<Value> items;
  for (int64_t value = start; step > 0 ? value < stop : value > stop;) {
    if (items.size() >= static_cast<size_t>(items_max))
      fail(fmt::format("range too big: at most {} items", items_max));
    items.push_back(integer(value));
    if (__builtin_add_overflow(value, step, &value)) break;
  }
  interpreter.budget().step(items.size());
  return interpreter.heap().list(std::move(items), ListKind::range);
}

void fill(Interpreter& interpreter, Dict& target, const Arguments& arguments) {
  if (!arguments.positional.empty()) {
    const Value& source = arguments.positional[0];
    if (source.dict()) {
      for (const auto& [key, value] : source.dict()->entries) target.set(key, value);
    } else {
      for (const Value& pair : iterate(source, interpreter.heap())) {
        const std::vector<Value> parts = iterate(pair, interpreter.heap());
        if (parts.size() != 2) fail("a dict is made from pairs");
        target.set(parts[0], parts[1]);
      }
    }
  }
  for (const auto& [name, value] : arguments.named)
    target.set(interpreter.heap().string(name), value);
}

Value make_dict(Interpreter& interpreter, const Arguments& arguments) {
  Dict* dict = interpreter.heap().dict();
  fill(interpreter, *dict, arguments);
  return {dict};
}

Value make_namespace(Interpreter& interpreter, const Arguments& arguments) {
  Namespace* result = interpreter.heap().name_space();
  fill(interpreter, result->attributes, arguments);
  return {result};
}

Value raise_exception(Interpreter& interpreter, const Arguments& arguments) {
  const Value* message = arguments.find(0, "message");
  throw RaisedByTemplate(message ? interpreter.text_of(*message).bytes()
                                 : "the template raised an exception");
}

Value strftime_now(Interpreter& interpreter, const Arguments& arguments) {
  const Value* format = arguments.find(0, "format");
  if (!format || !format->text()) fail("strftime_now takes a format");
  if (format->text()->size() > 200) fail("strftime_now takes a shorter format");
  const std::time_t seconds = std::chrono::system_clock::to_time_t(interpreter.now());
  std::tm local{};
  ::localtime_r(&seconds, &local);
  char buffer[4096];
  const size_t size =
      std::strftime(buffer, sizeof(buffer), format->text()->bytes().c_str(), &local);
  return interpreter.heap().string(
      MarkedText(std::string(buffer, size), format->text()->is_all_trusted()));
}

}  // namespace

BuiltinFunction find_builtin(std::string_view name) {
  static const std::map<std::string_view, BuiltinFunction> table{
      {"range", make_range},
      {"dict", make_dict},
      {"namespace", make_namespace},
      {"raise_exception", raise_exception},
      {"strftime_now", strftime_now}};
  const auto found = table.find(name);
  return found == table.end() ? nullptr : found->second;
}

}  // namespace hearth::modelfile::jinja
