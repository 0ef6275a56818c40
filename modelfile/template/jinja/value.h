// Values of the Jinja language: Python's, as far as templates can reach them.
// Strings are shared and freed when the last user lets go. Lists, dicts, namespaces and callables
// belong to the Heap of one rendering and are plain pointers in values: templates can tie them into
// rings, which shared ownership would never free.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "modelfile/template/budget.h"
#include "modelfile/template/marked_text.h"

namespace hearth::modelfile::jinja {

struct List;
struct Dict;
struct Namespace;
struct Loop;
struct Callable;

struct String {
  static constexpr size_t overhead_bytes = 128;  // what a short string costs beside its bytes

  MarkedText text;
  bool is_markup =
      false;  // came out of `safe` or `escape`: `+` then escapes the other side, as in Python
  Budget* budget = nullptr;  // charged for the bytes; none for literals of the template

  String(MarkedText content, bool markup, Budget* charged)
      : text(std::move(content)), is_markup(markup), budget(charged) {}
  ~String() {
    if (budget) budget->give_back_bytes(text.size() + overhead_bytes);
  }
  String(const String&) = delete;
  String& operator=(const String&) = delete;
};
// Shared: strings are immutable and passed around by value all the time.
using StringRef = std::shared_ptr<const String>;

struct Undefined {
  // What to say when it is used, for example "'x' is undefined". Shared because values are copied
  // freely.
  std::shared_ptr<const std::string> reason;
};
struct None {};

struct Value {
  std::variant<Undefined, None, bool, int64_t, double, StringRef, List*, Dict*, Namespace*, Loop*,
               Callable*>
      data;

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&data);
  }
  template <typename T>
  bool is() const {
    return std::holds_alternative<T>(data);
  }
  const MarkedText* text() const {
    const StringRef* string = as<StringRef>();
    return string ? &(*string)->text : nullptr;
  }
  List* list() const { return is<List*>() ? *as<List*>() : nullptr; }
  Dict* dict() const { return is<Dict*>() ? *as<Dict*>() : nullptr; }
};

enum class ListKind { list, tuple, range, generator, dict_view };

struct List {
  ListKind kind = ListKind::list;
  std::vector<Value> items;  // of a generator: what is still to come
};

// Insertion order. Keys are strings nearly always; those are found by hash.
struct Dict {
  std::vector<std::pair<Value, Value>> entries;
  std::unordered_map<std::string, size_t> string_index;

  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
  void set(const Value& key, Value value);
  bool erase(const Value& key);
};

struct Namespace {
  Dict attributes;
};

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  // The argument at `index` or of that name; null when it was not given.
  const Value* find(size_t index, std::string_view name) const;
  const Value* find(std::string_view name) const;
};

// Owns the containers of one rendering.
class Heap {
 public:
  explicit Heap(Budget& budget) : budget_(budget) {}

  Budget& budget() { return budget_; }
  Value string(MarkedText text, bool is_markup = false);
  Value string(std::string_view text, bool is_trusted = true) {
    return string(MarkedText(std::string(text), is_trusted));
  }
  Value list(std::vector<Value> items, ListKind kind = ListKind::list);
  Dict* dict();
  Namespace* name_space();
  template <typename T>
  T* adopt(std::unique_ptr<T> object);

 private:
  Budget& budget_;
  std::deque<List> lists_;
  std::deque<Dict> dicts_;
  std::deque<Namespace> namespaces_;
  std::vector<std::shared_ptr<void>> others_;  // type-erased owners; never shared further
};

template <typename T>
T* Heap::adopt(std::unique_ptr<T> object) {
  budget_.take_bytes(sizeof(T));
  T* raw = object.get();
  others_.push_back(std::move(object));
  return raw;
}

inline Value none() {
  return {None{}};
}
inline Value boolean(bool value) {
  return {value};
}
inline Value integer(int64_t value) {
  return {value};
}
inline Value real(double value) {
  return {value};
}
Value undefined(std::string reason);
Value undefined_attribute(const Value& object, std::string_view name);

// Python's type name: "str", "list", "dict", "NoneType" ...
std::string_view type_name(const Value& value);
bool is_true(const Value& value);
// Equality as Python's ==: 1 == 1.0 == true. Fails only for values that are too large to walk.
bool equal(const Value& a, const Value& b);
// -1, 0, 1; throws when the types cannot be ordered. `operation` is "<", ">" ... for the message.
int compare(const Value& a, const Value& b, std::string_view operation, int depth = 0);
bool is_number(const Value& value);  // int, float or bool
double to_double(const Value& number);
int64_t to_integer(const Value& number);  // floats are cut
// Length as len(); absent for what has none.
std::optional<size_t> length(const Value& value);
// str(): untrusted as a whole when a container holds an untrusted string.
MarkedText to_text(const Value& value, Budget& budget);
MarkedText repr(const Value& value, Budget& budget);
// Python's repr of a float: "1.0", "1e+16".
std::string float_text(double value);
// All items of something that can be iterated (empties a generator); throws for other values.
std::vector<Value> iterate(const Value& value, Heap& heap);
bool is_iterable(const Value& value);

[[noreturn]] void fail_undefined(const Value& value);

}  // namespace hearth::modelfile::jinja
