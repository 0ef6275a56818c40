#include "modelfile/template/go/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace hearth::modelfile::go {
namespace {

enum class BasicKind { absent, boolean, integer, real, text, other };

BasicKind basic_kind(const Value& value) {
  if (value.is_absent()) return BasicKind::absent;
  if (value.is<bool>()) return BasicKind::boolean;
  if (value.is<int64_t>()) return BasicKind::integer;
  if (value.is<double>()) return BasicKind::real;
  if (value.text()) return BasicKind::text;
  return BasicKind::other;
}

bool is_equal(const Value& a, const Value& b) {
  const BasicKind kind = basic_kind(a);
  if (kind == BasicKind::absent || basic_kind(b) == BasicKind::absent) return kind == basic_kind(b);
  if (kind != basic_kind(b)) fail("incompatible types for comparison");
  switch (kind) {
    case BasicKind::boolean:
      return *a.as<bool>() == *b.as<bool>();
    case BasicKind::integer:
      return *a.as<int64_t>() == *b.as<int64_t>();
    case BasicKind::real:
      return *a.as<double>() == *b.as<double>();
    case BasicKind::text:
      return a.text()->bytes() == b.text()->bytes();
    default:
      fail(fmt::format("non-comparable type {}", type_name(a)));
  }
}

bool is_less(const Value& a, const Value& b) {
  const BasicKind kind = basic_kind(a);
  if (kind == BasicKind::boolean || kind == BasicKind::other || kind == BasicKind::absent)
    fail("invalid type for comparison");
  if (kind != basic_kind(b)) fail("incompatible types for comparison");
  if (kind == BasicKind::integer) return *a.as<int64_t>() < *b.as<int64_t>();
  if (kind == BasicKind::real) return *a.as<double>() < *b.as<double>();
  return a.text()->bytes() < b.text()->bytes();
}

// Writes a value the way %v does. Text alone keeps its marks; inside of lists and maps one
// untrusted string makes all of it untrusted.
class Printer {
 public:
  explicit Printer(Budget& budget) : budget_(budget) {}

  void write(const Value& value) {
    budget_.step();
    budget_.check_text_size(out_.size());
    if (const MarkedText* text = value.text()) {
      out_ += text->bytes();
      is_trusted_ = is_trusted_ && text->is_all_trusted();
    } else if (const auto* view = value.as<ListView>()) {
      view->list->prints_json ? write_json(value) : write_list(value.items());
    } else if (const Map* map = value.map()) {
      map->prints_json ? write_json(value) : write_map(*map);
    } else if (value.is_absent()) {
      out_ += value.is<Nil>() ? "<nil>" : "";
    } else if (const bool* flag = value.as<bool>()) {
      out_ += *flag ? "true" : "false";
    } else if (const int64_t* number = value.as<int64_t>()) {
      out_ += fmt::format("{}", *number);
    } else {
      out_ += float_text(*value.as<double>(), -4, 6);
    }
  }

  MarkedText finish() { return MarkedText(std::move(out_), is_trusted_); }

 private:
  void write_json(const Value& value) {
    const MarkedText text = json_text(value, budget_);
    out_ += text.bytes();
    is_trusted_ = is_trusted_ && text.is_all_trusted();
  }

  void write_list(std::span<const Value> items) {
    out_ += '[';
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += ' ';
      write(items[i]);
    }
    out_ += ']';
  }

  void write_map(const Map& map) {
    const bool is_structure = map.kind == MapKind::structure;
    out_ += is_structure ? "{" : "map[";
    for (size_t i = 0; i < map.entries.size(); ++i) {
      const Entry& entry = map.entries[i];
      if (i > 0) out_ += ' ';
      if (!is_structure) {
        out_ += entry.key + ':';
        is_trusted_ = is_trusted_ && entry.is_trusted;
      }
      write(entry.value);
    }
    out_ += is_structure ? '}' : ']';
  }

  Budget& budget_;
  std::string out_;
  bool is_trusted_ = true;
};

}  // namespace

std::span<const Value> Value::items() const {
  const ListView* view = as<ListView>();
  if (!view) return {};
  return std::span(view->list->items).subspan(view->first, view->count);
}

const Value* Map::find(std::string_view key) const {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const Entry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &found->value;
}

Value Heap::string(MarkedText text) {
  budget_.check_text_size(text.size());
  budget_.take_bytes(text.size() + Text::overhead_bytes);
  return {std::make_shared<const Text>(std::move(text), &budget_)};
}

Value Heap::list(List list) {
  budget_.take_bytes(sizeof(List) + list.items.size() * sizeof(Value));
  const size_t count = list.items.size();
  lists_.push_back(std::move(list));
  return {ListView{&lists_.back(), 0, count}};
}

Value Heap::map(Map map) {
  budget_.take_bytes(sizeof(Map) + map.entries.size() * sizeof(Entry));
  if (map.kind == MapKind::map) {
    std::sort(map.entries.begin(), map.entries.end(),
              [](const Entry& a, const Entry& b) { return a.key < b.key; });
  }
  maps_.push_back(std::move(map));
  return {static_cast<const Map*>(&maps_.back())};
}

Value literal(std::string_view text) {
  return {std::make_shared<const Text>(MarkedText(std::string(text), true), nullptr)};
}

std::string_view type_name(const Value& value) {
  if (const auto* view = value.as<ListView>()) return view->list->type;
  if (const Map* map = value.map()) return map->type;
  static constexpr std::string_view names[] = {"nil", "nil", "bool", "int", "float64", "string"};
  return names[value.data.index()];
}

bool is_true(const Value& value) {
  if (value.is_absent()) return false;
  if (const bool* flag = value.as<bool>()) return *flag;
  if (const int64_t* number = value.as<int64_t>()) return *number != 0;
  if (const double* number = value.as<double>()) return *number != 0;
  if (const MarkedText* text = value.text()) return !text->is_empty();
  if (const auto* view = value.as<ListView>()) return view->count > 0;
  return value.map()->kind == MapKind::structure || !value.map()->entries.empty();
}

bool compare(Comparison comparison, const Value& a, const Value& b) {
  return comparison == Comparison::eq ? is_equal(a, b) : is_less(a, b);
}

MarkedText print_value(const Value& value, Budget& budget) {
  if (const MarkedText* text = value.text()) return *text;
  Printer printer(budget);
  printer.write(value);
  return printer.finish();
}

MarkedText print_action(const Value& value, Budget& budget) {
  if (value.is<Nil>()) return MarkedText("<no value>", true);
  return print_value(value, budget);
}

std::string float_text(double value, int exponent_low, int exponent_high) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Inf" : "+Inf";
  char buffer[400];
  const auto write = [&](std::chars_format format) {
    return std::string(buffer, std::to_chars(buffer, buffer + sizeof(buffer), value, format).ptr);
  };
  const std::string scientific = write(std::chars_format::scientific);
  const int exponent = std::atoi(scientific.c_str() + scientific.find('e') + 1);
  if (value != 0 && (exponent < exponent_low || exponent >= exponent_high)) return scientific;
  return write(std::chars_format::fixed);
}

}  // namespace hearth::modelfile::go
