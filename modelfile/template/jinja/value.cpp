#include "modelfile/template/jinja/value.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/utf8.h"
#include "modelfile/template/jinja/unicode.h"

namespace hearth::modelfile::jinja {
namespace {

constexpr int nesting_max = 200;

void check_nesting(int depth) {
  if (depth > nesting_max) fail("a value is nested too deeply");
}

// Lists that share parts can be small in memory and endless to walk, so the walk is bounded.
class Equality {
 public:
  bool values(const Value& a, const Value& b, int depth);

 private:
  bool lists(const List& a, const List& b, int depth);
  bool dicts(const Dict& a, const Dict& b, int depth);

  size_t steps_left_ = 100'000;
};

bool Equality::values(const Value& a, const Value& b, int depth) {
  check_nesting(depth);
  if (steps_left_-- == 0) fail("values are too large to compare");
  if (is_number(a) && is_number(b)) {
    if (!a.is<double>() && !b.is<double>()) return to_integer(a) == to_integer(b);
    return to_double(a) == to_double(b);
  }
  if (a.data.index() != b.data.index()) return false;
  if (a.is<Undefined>() || a.is<None>()) return true;
  if (const MarkedText* text = a.text()) return text->bytes() == b.text()->bytes();
  if (const List* list = a.list()) return list == b.list() || lists(*list, *b.list(), depth);
  if (const Dict* dict = a.dict()) return dict == b.dict() || dicts(*dict, *b.dict(), depth);
  if (const auto* object = a.as<Namespace*>()) return *object == *b.as<Namespace*>();
  if (const auto* object = a.as<Loop*>()) return *object == *b.as<Loop*>();
  return *a.as<Callable*>() == *b.as<Callable*>();
}

bool Equality::lists(const List& a, const List& b, int depth) {
  if ((a.kind == ListKind::tuple) != (b.kind == ListKind::tuple) ||
      a.items.size() != b.items.size())
    return false;
  for (size_t i = 0; i < a.items.size(); ++i) {
    if (!values(a.items[i], b.items[i], depth + 1)) return false;
  }
  return true;
}

bool Equality::dicts(const Dict& a, const Dict& b, int depth) {
  if (a.entries.size() != b.entries.size()) return false;
  for (const auto& [key, value] : a.entries) {
    const Value* other = b.find(key);
    if (!other || !values(value, *other, depth + 1)) return false;
  }
  return true;
}

int three_way(double a, double b) {
  return a < b ? -1 : (a > b ? 1 : 0);
}

// Quotes and escapes of Python's repr of a string.
void append_string_repr(std::string& out, std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const bool has_double = text.find('"') != std::string_view::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  out += quote;
  for (char c : text) {
    if (c == quote || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += quote;
}

// Writes reprs into one string; a single untrusted string inside makes all of it untrusted.
class ReprWriter {
 public:
  explicit ReprWriter(Budget& budget) : budget_(budget) {}

  void write(const Value& value, int depth) {
    check_nesting(depth);
    budget_.step();
    budget_.check_text_size(out_.size());
    if (const MarkedText* text = value.text()) {
      append_string_repr(out_, text->bytes());
      is_trusted_ = is_trusted_ && text->is_all_trusted();
    } else if (const List* list = value.list()) {
      write_list(*list, depth);
    } else if (const Dict* dict = value.dict()) {
      write_dict(*dict, depth);
    } else if (value.is<Namespace*>()) {
      out_ += "<Namespace ";
      write_dict((*value.as<Namespace*>())->attributes, depth);
      out_ += '>';
    } else {
      write_scalar(value);
    }
  }

  MarkedText finish() { return MarkedText(std::move(out_), is_trusted_); }

 private:
  void write_scalar(const Value& value) {
    if (value.is<None>()) out_ += "None";
    if (const bool* flag = value.as<bool>()) out_ += *flag ? "True" : "False";
    if (const int64_t* number = value.as<int64_t>()) out_ += fmt::format("{}", *number);
    if (const double* number = value.as<double>()) out_ += float_text(*number);
    if (value.is<Undefined>()) out_ += "Undefined";
    if (value.is<Loop*>() || value.is<Callable*>()) out_ += fmt::format("<{}>", type_name(value));
  }

  void write_list(const List& list, int depth) {
    if (list.kind == ListKind::generator) {
      out_ += "<generator object>";
      return;
    }
    if (list.kind == ListKind::range) return write_range(list);
    const bool is_tuple = list.kind == ListKind::tuple;
    if (list.kind == ListKind::dict_view) out_ += "dict_items(";
    out_ += is_tuple ? '(' : '[';
    for (size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) out_ += ", ";
      write(list.items[i], depth + 1);
    }
    if (is_tuple && list.items.size() == 1) out_ += ',';
    out_ += is_tuple ? ')' : ']';
    if (list.kind == ListKind::dict_view) out_ += ')';
  }

  void write_range(const List& list) {
    if (list.items.empty()) {
      out_ += "range(0, 0)";
      return;
    }
    const int64_t first = to_integer(list.items.front());
    const int64_t step = list.items.size() > 1 ? to_integer(list.items[1]) - first : 1;
    out_ += fmt::format("range({}, {}", first, to_integer(list.items.back()) + step);
    out_ += step == 1 ? ")" : fmt::format(", {})", step);
  }

  void write_dict(const Dict& dict, int depth) {
    out_ += '{';
    bool is_first = true;
    for (const auto& [key, value] : dict.entries) {
      if (!is_first) out_ += ", ";
      is_first = false;
      write(key, depth + 1);
      out_ += ": ";
      write(value, depth + 1);
    }
    out_ += '}';
  }

  Budget& budget_;
  std::string out_;
  bool is_trusted_ = true;
};

}  // namespace

void fail_undefined(const Value& value) {
  fail(*value.as<Undefined>()->reason);
}

const Value* Dict::find(std::string_view key) const {
  const auto found = string_index.find(std::string(key));
  return found == string_index.end() ? nullptr : &entries[found->second].second;
}

const Value* Dict::find(const Value& key) const {
  if (const MarkedText* text = key.text()) return find(text->bytes());
  for (const auto& [candidate, value] : entries) {
    if (!candidate.is<StringRef>() && equal(candidate, key)) return &value;
  }
  return nullptr;
}

void Dict::set(const Value& key, Value value) {
  if (const Value* present = find(key)) {
    *const_cast<Value*>(present) = std::move(value);
    return;
  }
  if (const MarkedText* text = key.text()) string_index.emplace(text->bytes(), entries.size());
  entries.emplace_back(key, std::move(value));
}

bool Dict::erase(const Value& key) {
  const Value* present = find(key);
  if (!present) return false;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (&entries[i].second == present) {
      entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(i));
      break;
    }
  }
  string_index.clear();
  for (size_t i = 0; i < entries.size(); ++i) {
    if (const MarkedText* text = entries[i].first.text()) string_index.emplace(text->bytes(), i);
  }
  return true;
}

const Value* Arguments::find(size_t index, std::string_view name) const {
  return index < positional.size() ? &positional[index] : find(name);
}

const Value* Arguments::find(std::string_view name) const {
  for (const auto& [key, value] : named) {
    if (key == name) return &value;
  }
  return nullptr;
}

Value Heap::string(MarkedText text, bool is_markup) {
  budget_.check_text_size(text.size());
  budget_.take_bytes(text.size() + String::overhead_bytes);
  return {std::make_shared<const String>(std::move(text), is_markup, &budget_)};
}

Value Heap::list(std::vector<Value> items, ListKind kind) {
  budget_.take_bytes(sizeof(List) + items.size() * sizeof(Value));
  lists_.push_back({kind, std::move(items)});
  return {&lists_.back()};
}

Dict* Heap::dict() {
  budget_.take_bytes(sizeof(Dict));
  return &dicts_.emplace_back();
}

Namespace* Heap::name_space() {
  budget_.take_bytes(sizeof(Namespace));
  return &namespaces_.emplace_back();
}

Value undefined(std::string reason) {
  return {Undefined{std::make_shared<const std::string>(std::move(reason))}};
}

Value undefined_attribute(const Value& object, std::string_view name) {
  return undefined(fmt::format("'{} object' has no attribute '{}'", type_name(object), name));
}

std::string_view type_name(const Value& value) {
  static constexpr std::string_view names[] = {"Undefined", "NoneType",    "bool",    "int",
                                               "float",     "str",         "list",    "dict",
                                               "Namespace", "LoopContext", "function"};
  if (const List* list = value.list()) {
    static constexpr std::string_view list_names[] = {"list", "tuple", "range", "generator",
                                                      "dict_items"};
    return list_names[static_cast<size_t>(list->kind)];
  }
  return names[value.data.index()];
}

bool is_true(const Value& value) {
  if (value.is<Undefined>() || value.is<None>()) return false;
  if (const bool* flag = value.as<bool>()) return *flag;
  if (is_number(value)) return to_double(value) != 0;
  if (const MarkedText* text = value.text()) return !text->is_empty();
  if (const List* list = value.list())
    return list->kind == ListKind::generator || !list->items.empty();
  if (const Dict* dict = value.dict()) return !dict->entries.empty();
  return true;
}

bool is_number(const Value& value) {
  return value.is<bool>() || value.is<int64_t>() || value.is<double>();
}

double to_double(const Value& number) {
  if (const bool* flag = number.as<bool>()) return *flag ? 1 : 0;
  if (const int64_t* whole = number.as<int64_t>()) return static_cast<double>(*whole);
  return *number.as<double>();
}

int64_t to_integer(const Value& number) {
  if (const bool* flag = number.as<bool>()) return *flag ? 1 : 0;
  if (const int64_t* whole = number.as<int64_t>()) return *whole;
  const double value = *number.as<double>();
  if (!(std::abs(value) < 9.2e18)) fail("cannot convert float to integer: out of range");
  return static_cast<int64_t>(value);
}

bool equal(const Value& a, const Value& b) {
  return Equality().values(a, b, 0);
}

int compare(const Value& a, const Value& b, std::string_view operation, int depth) {
  check_nesting(depth);
  if (a.is<Undefined>()) fail_undefined(a);
  if (b.is<Undefined>()) fail_undefined(b);
  if (is_number(a) && is_number(b)) {
    if (!a.is<double>() && !b.is<double>()) {
      const int64_t left = to_integer(a);
      const int64_t right = to_integer(b);
      return left < right ? -1 : (left > right ? 1 : 0);
    }
    return three_way(to_double(a), to_double(b));
  }
  if (a.text() && b.text()) {
    const int order = a.text()->bytes().compare(b.text()->bytes());
    return order < 0 ? -1 : (order > 0 ? 1 : 0);
  }
  const bool are_lists = a.list() && b.list() && a.list()->kind == b.list()->kind;
  if (!are_lists) {
    fail(fmt::format("'{}' not supported between instances of '{}' and '{}'", operation,
                     type_name(a), type_name(b)));
  }
  const auto& left = a.list()->items;
  const auto& right = b.list()->items;
  for (size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    if (!equal(left[i], right[i])) return compare(left[i], right[i], operation, depth + 1);
  }
  return left.size() < right.size() ? -1 : (left.size() > right.size() ? 1 : 0);
}

std::optional<size_t> length(const Value& value) {
  if (value.is<Undefined>()) return 0;
  if (const MarkedText* text = value.text()) return code_point_count(text->bytes());
  if (const List* list = value.list()) {
    if (list->kind == ListKind::generator) return std::nullopt;
    return list->items.size();
  }
  if (const Dict* dict = value.dict()) return dict->entries.size();
  return std::nullopt;
}

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  const auto end =
      std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific).ptr;
  const std::string scientific(buffer, end);
  const int exponent = std::atoi(scientific.c_str() + scientific.find('e') + 1);
  if (exponent < -4 || exponent >= 16) return scientific;
  const auto fixed_end =
      std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::fixed).ptr;
  std::string fixed(buffer, fixed_end);
  if (fixed.find('.') == std::string::npos) fixed += ".0";
  return fixed;
}

MarkedText repr(const Value& value, Budget& budget) {
  ReprWriter writer(budget);
  writer.write(value, 0);
  return writer.finish();
}

MarkedText to_text(const Value& value, Budget& budget) {
  if (const MarkedText* text = value.text()) return *text;
  if (value.is<Undefined>()) return {};
  return repr(value, budget);
}

bool is_iterable(const Value& value) {
  return value.is<Undefined>() || value.text() || value.list() || value.dict();
}

std::vector<Value> iterate(const Value& value, Heap& heap) {
  std::vector<Value> items;
  if (value.is<Undefined>()) return items;
  if (List* list = value.list()) {
    heap.budget().step(list->items.size());
    if (list->kind == ListKind::generator) return std::exchange(list->items, {});
    return list->items;
  }
  if (const Dict* dict = value.dict()) {
    for (const auto& [key, entry] : dict->entries) items.push_back(key);
    return items;
  }
  if (const MarkedText* text = value.text()) {
    heap.budget().step(text->size());
    for (size_t offset = 0; offset < text->size();) {
      const auto size = static_cast<size_t>(
          decode_utf8(std::string_view(text->bytes()).substr(offset)).size_bytes);
      items.push_back(heap.string(text->slice(offset, size)));
      offset += size;
    }
    return items;
  }
  fail(fmt::format("'{}' object is not iterable", type_name(value)));
}

}  // namespace hearth::modelfile::jinja
