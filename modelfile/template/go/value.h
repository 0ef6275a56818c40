// Values of Go's text/template, as far as chat templates meet them. Strings are shared; lists and
// maps belong to the Heap of one rendering and are never changed once made, so values can point to
// them freely.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "modelfile/template/budget.h"
#include "modelfile/template/marked_text.h"

namespace hearth::modelfile::go {

struct Map;
struct List;

// A string, charged to the budget while it lives; literals of the template are not charged.
struct Text {
  static constexpr size_t overhead_bytes = 128;  // what a short string costs beside its bytes

  MarkedText marked;
  Budget* budget = nullptr;

  Text(MarkedText text, Budget* charged) : marked(std::move(text)), budget(charged) {}
  ~Text() {
    if (budget) budget->give_back_bytes(marked.size() + overhead_bytes);
  }
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;
};
// Shared: strings are immutable and passed around by value all the time.
using TextRef = std::shared_ptr<const Text>;

struct Missing {};  // a variable that nobody set: prints nothing, is false
struct Nil {};      // prints "<no value>"

// Items [first, first + count) of a list: slicing copies nothing.
struct ListView {
  const List* list;
  size_t first;
  size_t count;
};

struct Value {
  std::variant<Missing, Nil, bool, int64_t, double, TextRef, ListView, const Map*> data;

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&data);
  }
  template <typename T>
  bool is() const {
    return std::holds_alternative<T>(data);
  }
  bool is_absent() const { return is<Missing>() || is<Nil>(); }
  const MarkedText* text() const {
    const TextRef* string = as<TextRef>();
    return string ? &(*string)->marked : nullptr;
  }
  const Map* map() const { return is<const Map*>() ? *as<const Map*>() : nullptr; }
  std::span<const Value> items() const;  // of a list; empty for everything else
};

struct List {
  std::vector<Value> items;
  std::string_view type = "[]interface {}";  // for messages; a literal
  bool prints_json = false;
};

struct Entry {
  std::string key;
  bool is_trusted = false;   // the key
  std::string json_key;      // structures: empty leaves the field out of JSON
  bool omits_empty = false;  // structures: left out of JSON when false, 0, "" or empty
  Value value;
};

enum class MapKind {
  map,        // sorted by key; a missing key gives nil
  structure,  // fields in order; a missing one is a mistake of the template; always true
  root,       // the data of the template: a missing key gives Missing
};

struct Map {
  MapKind kind = MapKind::map;
  std::string_view type = "map[string]interface {}";  // for messages; a literal
  bool prints_json = false;
  std::vector<Entry> entries;

  const Value* find(std::string_view key) const;
};

// Owns the strings' budget and the containers of one rendering.
class Heap {
 public:
  explicit Heap(Budget& budget) : budget_(budget) {}
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  Budget& budget() { return budget_; }
  Value string(MarkedText text);
  Value list(List list);
  Value map(Map map);  // sorts the entries of a plain map by key

 private:
  Budget& budget_;
  std::deque<List> lists_;
  std::deque<Map> maps_;
};

Value literal(std::string_view text);  // trusted, not charged
inline Value boolean(bool value) {
  return {value};
}
inline Value integer(int64_t value) {
  return {value};
}

std::string_view type_name(const Value& value);  // Go's: "string", "int", "[]*api.Message" ...
bool is_true(const Value& value);

enum class Comparison { eq, lt };
// Whether a == b or a < b. Throws for types that Go does not compare.
bool compare(Comparison comparison, const Value& a, const Value& b);

// As {{ value }} prints it; untrusted as a whole when a container holds an untrusted string.
MarkedText print_action(const Value& value, Budget& budget);
// As print and %v print it.
MarkedText print_value(const Value& value, Budget& budget);
// As encoding/json writes it: compact, keys of maps sorted, <, > and & escaped.
MarkedText json_text(const Value& value, Budget& budget);
// Shortest form; with an exponent below `exponent_low` and from `exponent_high` on.
std::string float_text(double value, int exponent_low, int exponent_high);

}  // namespace hearth::modelfile::go
