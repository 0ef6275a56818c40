// Python's operators on values: arithmetic, joining, repetition, membership, slices.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "modelfile/template/jinja/format.h"
#include "modelfile/template/jinja/interpreter.h"
#include "modelfile/template/jinja/unicode.h"

namespace hearth::modelfile::jinja {
namespace {

[[noreturn]] void fail_types(std::string_view op, const Value& left, const Value& right) {
  const std::string_view shown = op == "**" ? "** or pow()" : op;
  fail(fmt::format("unsupported operand type(s) for {}: '{}' and '{}'", shown, type_name(left),
                   type_name(right)));
}

int64_t floor_divide(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? quotient - 1 : quotient;
}

Value integer_power(int64_t base, int64_t exponent) {
  if (exponent < 0) return real(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  int64_t result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result))
      fail("integer result is too large");
    if (exponent > 1 && __builtin_mul_overflow(base, base, &base))
      fail("integer result is too large");
  }
  return integer(result);
}

Value integer_operation(std::string_view op, int64_t a, int64_t b) {
  int64_t result = 0;
  bool overflows = false;
  if (op == "+") overflows = __builtin_add_overflow(a, b, &result);
  if (op == "-") overflows = __builtin_sub_overflow(a, b, &result);
  if (op == "*") overflows = __builtin_mul_overflow(a, b, &result);
  if (op == "**") return integer_power(a, b);
  if (op == "/" || op == "//" || op == "%") {
    if (b == 0) fail(op == "/" ? "division by zero" : "integer division or modulo by zero");
    if (op == "/") return real(static_cast<double>(a) / static_cast<double>(b));
    if (b == -1) return op == "%" ? integer(0) : integer_operation("-", 0, a);
    result = op == "//" ? floor_divide(a, b) : a - floor_divide(a, b) * b;
  }
  if (overflows) fail("integer result is too large");
  return integer(result);
}

Value real_operation(std::string_view op, double a, double b) {
  if (op == "+") return real(a + b);
  if (op == "-") return real(a - b);
  if (op == "*") return real(a * b);
  if (op == "**") return real(std::pow(a, b));
  if (b == 0) fail("float division by zero");
  if (op == "/") return real(a / b);
  if (op == "//") return real(std::floor(a / b));
  return real(a - std::floor(a / b) * b);
}

Value add_strings(const Value& left, const Value& right, Heap& heap) {
  const String& a = **left.as<StringRef>();
  const String& b = **right.as<StringRef>();
  const bool is_markup = a.is_markup || b.is_markup;
  // As Python's Markup does: text beside markup is escaped.
  MarkedText text = is_markup && !a.is_markup ? escape_html(a.text) : a.text;
  text.append(is_markup && !b.is_markup ? escape_html(b.text) : b.text);
  return heap.string(std::move(text), is_markup);
}

Value add_lists(const List& left, const List& right, Heap& heap) {
  std::vector<Value> items = left.items;
  items.insert(items.end(), right.items.begin(), right.items.end());
  return heap.list(std::move(items), left.kind);
}

Value add(const Value& left, const Value& right, Heap& heap) {
  if (left.text() && right.text()) return add_strings(left, right, heap);
  if (left.text())
    fail(fmt::format("can only concatenate str (not \"{}\") to str", type_name(right)));
  const bool left_joins =
      left.list() && (left.list()->kind == ListKind::list || left.list()->kind == ListKind::tuple);
  if (left_joins && right.list() && left.list()->kind == right.list()->kind) {
    return add_lists(*left.list(), *right.list(), heap);
  }
  if (left_joins) {
    fail(fmt::format("can only concatenate {0} (not \"{1}\") to {0}", type_name(left),
                     type_name(right)));
  }
  fail_types("+", left, right);
}

Value repeat(const Value& sequence, int64_t count, Heap& heap) {
  const auto times = static_cast<size_t>(std::clamp<int64_t>(count, 0, int64_t{1} << 30));
  if (const MarkedText* text = sequence.text()) {
    if (text->is_empty()) return sequence;
    heap.budget().check_text_size(text->size() * times);
    heap.budget().step(text->size() * times / 256);
    MarkedText result;
    for (size_t i = 0; i < times; ++i) result.append(*text);
    return heap.string(std::move(result));
  }
  const List& list = *sequence.list();
  if (list.items.size() * times > heap.budget().limits().steps_max ||
      times > heap.budget().limits().steps_max) {
    fail("a list grew past the limit of its size");
  }
  heap.budget().take_bytes(list.items.size() * times * sizeof(Value));
  heap.budget().give_back_bytes(list.items.size() * times * sizeof(Value));
  std::vector<Value> items;
  for (size_t i = 0; i < times && !list.items.empty(); ++i)
    items.insert(items.end(), list.items.begin(), list.items.end());
  return heap.list(std::move(items), list.kind);
}

// Positions a slice takes, as Python counts them.
struct SlicePlan {
  int64_t start;
  int64_t stop;
  int64_t step;
};

int64_t slice_bound(const Value& bound, int64_t size, int64_t low, int64_t high,
                    int64_t otherwise) {
  if (bound.is<None>()) return otherwise;
  if (bound.is<Undefined>()) fail_undefined(bound);
  if (!bound.is<int64_t>() && !bound.is<bool>()) fail("slice indices must be integers or None");
  const int64_t value = to_integer(bound);
  return std::clamp(value < 0 ? std::max(value, -size - 1) + size : value, low, high);
}

SlicePlan plan_slice(const Value& start, const Value& stop, const Value& step, int64_t size) {
  if (step.is<Undefined>()) fail_undefined(step);
  if (!step.is<None>() && !step.is<int64_t>() && !step.is<bool>())
    fail("slice indices must be integers or None");
  constexpr int64_t step_max = int64_t{1} << 40;  // larger ones take one position too
  const int64_t direction = step.is<None>() ? 1 : std::clamp(to_integer(step), -step_max, step_max);
  if (direction == 0) fail("slice step cannot be zero");
  if (direction > 0) {
    return {slice_bound(start, size, 0, size, 0), slice_bound(stop, size, 0, size, size),
            direction};
  }
  return {slice_bound(start, size, -1, size - 1, size - 1),
          slice_bound(stop, size, -1, size - 1, -1), direction};
}

MarkedText slice_text(const MarkedText& text, const SlicePlan& plan) {
  if (plan.step == 1) {
    const size_t from = code_point_offset(text.bytes(), static_cast<size_t>(plan.start));
    const size_t to =
        code_point_offset(text.bytes(), static_cast<size_t>(std::max(plan.start, plan.stop)));
    return text.slice(from, to - from);
  }
  std::vector<std::pair<size_t, size_t>> points;  // offset and size of each code point
  for (size_t offset = 0; offset < text.size();) {
    const auto size =
        static_cast<size_t>(decode_utf8(std::string_view(text.bytes()).substr(offset)).size_bytes);
    points.emplace_back(offset, size);
    offset += size;
  }
  MarkedText result;
  for (int64_t i = plan.start; plan.step > 0 ? i < plan.stop : i > plan.stop; i += plan.step) {
    const auto [offset, size] = points[static_cast<size_t>(i)];
    result.append(std::string_view(text.bytes()).substr(offset, size), text.is_trusted_at(offset));
  }
  return result;
}

}  // namespace

Value binary_operation(std::string_view op, const Value& left, const Value& right, Heap& heap) {
  if (left.is<Undefined>()) fail_undefined(left);
  if (op == "%" && left.text())
    return heap.string(format_percent(*left.text(), right, heap.budget()));
  if (right.is<Undefined>()) fail_undefined(right);
  if (is_number(left) && is_number(right)) {
    const bool is_real = left.is<double>() || right.is<double>();
    if (is_real) return real_operation(op, to_double(left), to_double(right));
    return integer_operation(op, to_integer(left), to_integer(right));
  }
  if (op == "+") return add(left, right, heap);
  const auto is_sequence = [](const Value& value) { return value.text() || value.list(); };
  const auto is_whole = [](const Value& value) { return value.is<int64_t>() || value.is<bool>(); };
  if (op == "*" && is_sequence(left) && is_whole(right))
    return repeat(left, to_integer(right), heap);
  if (op == "*" && is_sequence(right) && is_whole(left))
    return repeat(right, to_integer(left), heap);
  fail_types(op, left, right);
}

bool contains(const Value& container, const Value& item, Heap& heap) {
  if (container.is<Undefined>()) return false;
  if (const MarkedText* text = container.text()) {
    if (!item.text())
      fail(fmt::format("'in <string>' requires string as left operand, not {}", type_name(item)));
    heap.budget().step(text->size() / 64);
    return text->bytes().find(item.text()->bytes()) != std::string::npos;
  }
  if (const Dict* dict = container.dict()) return dict->find(item) != nullptr;
  if (const List* list = container.list()) {
    heap.budget().step(list->items.size());
    return std::any_of(list->items.begin(), list->items.end(),
                       [&](const Value& entry) { return equal(entry, item); });
  }
  fail(fmt::format("argument of type '{}' is not iterable", type_name(container)));
}

Value slice_of(const Value& object, const Value& start, const Value& stop, const Value& step,
               Heap& heap) {
  if (object.is<Undefined>()) fail_undefined(object);
  const bool can_slice =
      object.text() || (object.list() && object.list()->kind != ListKind::generator &&
                        object.list()->kind != ListKind::dict_view);
  if (!can_slice)
    return undefined(fmt::format("'{} object' has no element slice", type_name(object)));
  const SlicePlan plan = plan_slice(start, stop, step, static_cast<int64_t>(*length(object)));
  heap.budget().step(1 + *length(object) / 64);
  if (const MarkedText* text = object.text()) return heap.string(slice_text(*text, plan));
  std::vector<Value> items;
  for (int64_t i = plan.start; plan.step > 0 ? i < plan.stop : i > plan.stop; i += plan.step) {
    items.push_back(object.list()->items[static_cast<size_t>(i)]);
  }
  return heap.list(std::move(items), object.list()->kind);
}

}  // namespace hearth::modelfile::jinja
