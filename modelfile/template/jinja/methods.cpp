// Methods of strings, lists and dicts that templates call. Methods that change lists and dicts are
// refused unless the rendering allows them, as transformers' sandbox does.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/utf8.h"
#include "modelfile/template/jinja/format.h"
#include "modelfile/template/jinja/interpreter.h"
#include "modelfile/template/jinja/strings.h"
#include "modelfile/template/jinja/unicode.h"

namespace hearth::modelfile::jinja {
namespace {

using Method = Value (*)(Interpreter&, const Value& self, const Arguments&);
using MethodTable = std::map<std::string_view, Method>;

const MarkedText& text_argument(const Arguments& arguments, size_t index, std::string_view name) {
  const Value* value = arguments.find(index, name);
  if (!value) fail(fmt::format("missing argument '{}'", name));
  if (value->is<Undefined>()) fail_undefined(*value);
  if (!value->text())
    fail(fmt::format("argument '{}' must be str, not {}", name, type_name(*value)));
  return *value->text();
}

int64_t integer_argument(const Arguments& arguments, size_t index, std::string_view name,
                         int64_t otherwise) {
  const Value* value = arguments.find(index, name);
  if (!value || value->is<None>()) return otherwise;
  if (!value->is<int64_t>() && !value->is<bool>()) {
    fail(fmt::format("argument '{}' must be int, not {}", name, type_name(*value)));
  }
  return to_integer(*value);
}

Value list_of(Interpreter& interpreter, std::vector<MarkedText> texts,
              ListKind kind = ListKind::list) {
  std::vector<Value> items;
  for (MarkedText& text : texts) items.push_back(interpreter.heap().string(std::move(text)));
  return interpreter.heap().list(std::move(items), kind);
}

// ---- strings

template <Side side>
Value string_strip(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Value* characters = arguments.find(0, "chars");
  if (!characters || characters->is<None>())
    return interpreter.heap().string(strip(*self.text(), side));
  return interpreter.heap().string(
      strip(*self.text(), side, text_argument(arguments, 0, "chars").bytes()));
}

template <Side side>
Value string_split(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Value* separator = arguments.find(0, "sep");
  const int64_t count = integer_argument(arguments, 1, "maxsplit", -1);
  interpreter.budget().step(1 + self.text()->size() / 16);
  if (!separator || separator->is<None>())
    return list_of(interpreter, split_words(*self.text(), count, side));
  const MarkedText& text = text_argument(arguments, 0, "sep");
  if (text.is_empty()) fail("empty separator");
  return list_of(interpreter, split(*self.text(), text.bytes(), count, side));
}

template <bool at_start>
bool has_affix(const std::string& text, const std::string& affix) {
  return at_start ? text.starts_with(affix) : text.ends_with(affix);
}

template <bool at_start>
Value string_has_affix(Interpreter&, const Value& self, const Arguments& arguments) {
  const Value* affix = arguments.find(0, at_start ? "prefix" : "suffix");
  if (affix && affix->list() && affix->list()->kind == ListKind::tuple) {
    const auto& options = affix->list()->items;
    return boolean(std::any_of(options.begin(), options.end(), [&](const Value& option) {
      return option.text() && has_affix<at_start>(self.text()->bytes(), option.text()->bytes());
    }));
  }
  return boolean(
      has_affix<at_start>(self.text()->bytes(), text_argument(arguments, 0, "prefix").bytes()));
}

template <bool at_start>
Value string_remove_affix(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const std::string& affix = text_argument(arguments, 0, "prefix").bytes();
  const MarkedText& text = *self.text();
  if (!has_affix<at_start>(text.bytes(), affix)) return self;
  return interpreter.heap().string(
      text.slice(at_start ? affix.size() : 0, text.size() - affix.size()));
}

Value string_replace(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const MarkedText& old_text = text_argument(arguments, 0, "old");
  const MarkedText& new_text = text_argument(arguments, 1, "new");
  const int64_t count = integer_argument(arguments, 2, "count", -1);
  const size_t matches = count_matches(self.text()->bytes(), old_text.bytes());
  interpreter.budget().check_text_size(self.text()->size() + matches * new_text.size());
  return interpreter.heap().string(replace(*self.text(), old_text.bytes(), new_text, count));
}

Value string_join(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Value* items = arguments.find(0, "iterable");
  if (!items) fail("join() takes exactly one argument");
  MarkedText joined;
  size_t index = 0;
  for (const Value& item : iterate(*items, interpreter.heap())) {
    if (!item.text())
      fail(
          fmt::format("sequence item {}: expected str instance, {} found", index, type_name(item)));
    interpreter.budget().check_text_size(joined.size() + self.text()->size() + item.text()->size());
    if (index++ > 0) joined.append(*self.text());
    joined.append(*item.text());
  }
  return interpreter.heap().string(std::move(joined));
}

MarkedText swap_case(const MarkedText& text) {
  return text.mapped([](std::string_view bytes) {
    std::string swapped;
    for (; !bytes.empty();
         bytes.remove_prefix(static_cast<size_t>(decode_utf8(bytes).size_bytes))) {
      const uint32_t value = decode_utf8(bytes).value;
      append_utf8(swapped, is_upper(value) ? to_lower(value) : to_upper(value));
    }
    return swapped;
  });
}

template <MarkedText (*change)(const MarkedText&)>
Value string_map(Interpreter& interpreter, const Value& self, const Arguments&) {
  return interpreter.heap().string(change(*self.text()));
}

Value string_title(Interpreter& interpreter, const Value& self, const Arguments&) {
  return interpreter.heap().string(
      title(*self.text(), [](uint32_t before) { return !is_letter(before); }));
}

template <bool from_right, bool must_exist>
Value string_find(Interpreter&, const Value& self, const Arguments& arguments) {
  const std::string& text = self.text()->bytes();
  const std::string& wanted = text_argument(arguments, 0, "sub").bytes();
  const auto start =
      static_cast<size_t>(std::max<int64_t>(0, integer_argument(arguments, 1, "start", 0)));
  const size_t from = code_point_offset(text, start);
  const size_t at = from_right ? text.rfind(wanted) : text.find(wanted, from);
  const bool is_found = at != std::string::npos && at >= from;
  if (!is_found && must_exist) fail("substring not found");
  return integer(
      is_found ? static_cast<int64_t>(code_point_count(std::string_view(text).substr(0, at))) : -1);
}

Value string_count(Interpreter&, const Value& self, const Arguments& arguments) {
  const std::string& wanted = text_argument(arguments, 0, "sub").bytes();
  if (wanted.empty()) return integer(static_cast<int64_t>(*length(self)) + 1);
  return integer(static_cast<int64_t>(count_matches(self.text()->bytes(), wanted)));
}

Value string_format(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  return interpreter.heap().string(format_braces(*self.text(), arguments, interpreter.budget()));
}

template <bool (*test)(uint32_t)>
Value string_all(Interpreter&, const Value& self, const Arguments&) {
  std::string_view rest = self.text()->bytes();
  if (rest.empty()) return boolean(false);
  while (!rest.empty()) {
    const CodePoint point = decode_utf8(rest);
    if (!test(point.value)) return boolean(false);
    rest.remove_prefix(static_cast<size_t>(point.size_bytes));
  }
  return boolean(true);
}

bool is_letter_or_digit(uint32_t c) {
  return is_letter(c) || is_digit(c);
}

// All cased letters are of this case, and there is one.
template <bool (*wanted)(uint32_t), bool (*other)(uint32_t)>
Value string_has_case(Interpreter&, const Value& self, const Arguments&) {
  bool has_wanted = false;
  for (std::string_view rest = self.text()->bytes(); !rest.empty();) {
    const CodePoint point = decode_utf8(rest);
    if (other(point.value)) return boolean(false);
    has_wanted = has_wanted || wanted(point.value);
    rest.remove_prefix(static_cast<size_t>(point.size_bytes));
  }
  return boolean(has_wanted);
}

Value string_lines(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Value* keeps = arguments.find(0, "keepends");
  return list_of(interpreter, split_lines(*self.text(), keeps && is_true(*keeps)));
}

template <bool from_right>
Value string_partition(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const std::string& separator = text_argument(arguments, 0, "sep").bytes();
  if (separator.empty()) fail("empty separator");
  const MarkedText& text = *self.text();
  const size_t at = from_right ? text.bytes().rfind(separator) : text.bytes().find(separator);
  if (at == std::string::npos) {
    std::vector<MarkedText> parts{from_right ? MarkedText() : text, MarkedText(),
                                  from_right ? text : MarkedText()};
    return list_of(interpreter, std::move(parts), ListKind::tuple);
  }
  return list_of(interpreter,
                 {text.slice(0, at), text.slice(at, separator.size()),
                  text.slice(at + separator.size(), text.size())},
                 ListKind::tuple);
}

enum class Padding { left, right, both, zeros };

template <Padding padding>
Value string_pad(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const auto width = static_cast<size_t>(
      std::clamp<int64_t>(integer_argument(arguments, 0, "width", 0), 0, 1 << 20));
  const size_t size = *length(self);
  if (size >= width) return self;
  const bool has_fill = arguments.find(1, "fillchar") && padding != Padding::zeros;
  const std::string fill = has_fill ? text_argument(arguments, 1, "fillchar").bytes()
                                    : (padding == Padding::zeros ? "0" : " ");
  if (code_point_count(fill) != 1) fail("The fill character must be exactly one character long");
  const size_t missing = width - size;
  const size_t before = padding == Padding::left || padding == Padding::zeros
                            ? missing
                            : (padding == Padding::both ? missing / 2 : 0);
  const bool has_sign = padding == Padding::zeros && (self.text()->bytes().starts_with('-') ||
                                                      self.text()->bytes().starts_with('+'));
  MarkedText result = self.text()->slice(0, has_sign ? 1 : 0);
  for (size_t i = 0; i < before; ++i) result.append(fill, true);
  result.append(self.text()->slice(has_sign ? 1 : 0, self.text()->size()));
  for (size_t i = before; i < missing; ++i) result.append(fill, true);
  return interpreter.heap().string(std::move(result));
}

const MethodTable& string_methods() {
  static const MethodTable table{{"strip", string_strip<Side::both>},
                                 {"lstrip", string_strip<Side::left>},
                                 {"rstrip", string_strip<Side::right>},
                                 {"split", string_split<Side::left>},
                                 {"rsplit", string_split<Side::right>},
                                 {"startswith", string_has_affix<true>},
                                 {"endswith", string_has_affix<false>},
                                 {"removeprefix", string_remove_affix<true>},
                                 {"removesuffix", string_remove_affix<false>},
                                 {"replace", string_replace},
                                 {"join", string_join},
                                 {"upper", string_map<upper>},
                                 {"lower", string_map<lower>},
                                 {"casefold", string_map<lower>},
                                 {"capitalize", string_map<capitalize>},
                                 {"title", string_title},
                                 {"swapcase", string_map<swap_case>},
                                 {"find", string_find<false, false>},
                                 {"rfind", string_find<true, false>},
                                 {"index", string_find<false, true>},
                                 {"rindex", string_find<true, true>},
                                 {"count", string_count},
                                 {"format", string_format},
                                 {"isdigit", string_all<is_digit>},
                                 {"isnumeric", string_all<is_digit>},
                                 {"isdecimal", string_all<is_digit>},
                                 {"isalpha", string_all<is_letter>},
                                 {"isalnum", string_all<is_letter_or_digit>},
                                 {"isspace", string_all<is_space>},
                                 {"isupper", string_has_case<is_upper, is_lower>},
                                 {"islower", string_has_case<is_lower, is_upper>},
                                 {"splitlines", string_lines},
                                 {"partition", string_partition<false>},
                                 {"rpartition", string_partition<true>},
                                 {"ljust", string_pad<Padding::right>},
                                 {"rjust", string_pad<Padding::left>},
                                 {"center", string_pad<Padding::both>},
                                 {"zfill", string_pad<Padding::zeros>}};
  return table;
}

// ---- lists

[[noreturn]] void refuse_change(const Value& self, std::string_view name) {
  fail(fmt::format("access to attribute '{}' of '{}' object is unsafe.", name, type_name(self)));
}

void check_change(Interpreter& interpreter, const Value& self, std::string_view name) {
  if (!interpreter.budget().limits().allows_changes) refuse_change(self, name);
  interpreter.budget().take_bytes(sizeof(Value));
}

Value list_append(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  check_change(interpreter, self, "append");
  const Value* item = arguments.find(0, "object");
  if (!item) fail("append() takes exactly one argument");
  self.list()->items.push_back(*item);
  return none();
}

Value list_extend(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  check_change(interpreter, self, "extend");
  const Value* more = arguments.find(0, "iterable");
  if (!more) fail("extend() takes exactly one argument");
  std::vector<Value> items = iterate(*more, interpreter.heap());
  interpreter.budget().take_bytes(items.size() * sizeof(Value));
  self.list()->items.insert(self.list()->items.end(), items.begin(), items.end());
  return none();
}

size_t checked_index(const std::vector<Value>& items, int64_t index, std::string_view message) {
  const auto size = static_cast<int64_t>(items.size());
  if (index < 0) index += size;
  if (index < 0 || index >= size) fail(std::string(message));
  return static_cast<size_t>(index);
}

Value list_pop(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  check_change(interpreter, self, "pop");
  std::vector<Value>& items = self.list()->items;
  const size_t at =
      checked_index(items, integer_argument(arguments, 0, "index", -1), "pop index out of range");
  interpreter.budget().step(items.size() - at);
  Value popped = items[at];
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(at));
  return popped;
}

Value list_insert(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  check_change(interpreter, self, "insert");
  std::vector<Value>& items = self.list()->items;
  const Value* item = arguments.find(1, "object");
  if (!item) fail("insert expected 2 arguments");
  const auto size = static_cast<int64_t>(items.size());
  const int64_t index = std::clamp(integer_argument(arguments, 0, "index", 0), -size, size);
  interpreter.budget().step(items.size());
  items.insert(items.begin() + (index < 0 ? index + size : index), *item);
  return none();
}

Value list_index(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Value* item = arguments.find(0, "value");
  const std::vector<Value>& items = self.list()->items;
  interpreter.budget().step(items.size());
  for (size_t i = 0; item && i < items.size(); ++i) {
    if (equal(items[i], *item)) return integer(static_cast<int64_t>(i));
  }
  fail("value is not in list");
}

Value list_count(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Value* item = arguments.find(0, "value");
  if (!item) fail("count() takes exactly one argument");
  const std::vector<Value>& items = self.list()->items;
  interpreter.budget().step(items.size());
  return integer(std::count_if(items.begin(), items.end(),
                               [&](const Value& entry) { return equal(entry, *item); }));
}

Value list_copy(Interpreter& interpreter, const Value& self, const Arguments&) {
  return interpreter.heap().list(self.list()->items, self.list()->kind);
}

Value list_reverse(Interpreter& interpreter, const Value& self, const Arguments&) {
  check_change(interpreter, self, "reverse");
  std::reverse(self.list()->items.begin(), self.list()->items.end());
  return none();
}

Value list_clear(Interpreter& interpreter, const Value& self, const Arguments&) {
  check_change(interpreter, self, "clear");
  self.list()->items.clear();
  return none();
}

const MethodTable& list_methods() {
  static const MethodTable table{
      {"append", list_append}, {"extend", list_extend},   {"pop", list_pop},
      {"insert", list_insert}, {"index", list_index},     {"count", list_count},
      {"copy", list_copy},     {"reverse", list_reverse}, {"clear", list_clear}};
  return table;
}

const MethodTable& tuple_methods() {
  static const MethodTable table{{"index", list_index}, {"count", list_count}};
  return table;
}

// ---- dicts

Value dict_get(Interpreter&, const Value& self, const Arguments& arguments) {
  const Value* key = arguments.find(0, "key");
  if (!key) fail("get expected at least 1 argument");
  if (const Value* found = self.dict()->find(*key)) return *found;
  const Value* otherwise = arguments.find(1, "default");
  return otherwise ? *otherwise : none();
}

enum class DictPart { keys, values, items };

template <DictPart part>
Value dict_view(Interpreter& interpreter, const Value& self, const Arguments&) {
  Heap& heap = interpreter.heap();
  std::vector<Value> entries;
  for (const auto& [key, value] : self.dict()->entries) {
    if (part == DictPart::keys) entries.push_back(key);
    if (part == DictPart::values) entries.push_back(value);
    if (part == DictPart::items) entries.push_back(heap.list({key, value}, ListKind::tuple));
  }
  return heap.list(std::move(entries), ListKind::dict_view);
}

Value dict_copy(Interpreter& interpreter, const Value& self, const Arguments&) {
  Dict* copy = interpreter.heap().dict();
  interpreter.budget().take_bytes(self.dict()->entries.size() * sizeof(Value) * 2);
  *copy = *self.dict();
  return {copy};
}

Value dict_pop(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  check_change(interpreter, self, "pop");
  const Value* key = arguments.find(0, "key");
  if (!key) fail("pop expected at least 1 argument");
  const Value* found = self.dict()->find(*key);
  const Value* otherwise = arguments.find(1, "default");
  if (!found && !otherwise)
    fail(fmt::format("KeyError: {}", repr(*key, interpreter.budget()).bytes()));
  if (!found) return *otherwise;
  Value popped = *found;
  interpreter.budget().step(self.dict()->entries.size());
  self.dict()->erase(*key);
  return popped;
}

Value dict_update(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  check_change(interpreter, self, "update");
  const Value* other = arguments.find(0, "other");
  if (other && !other->dict()) fail("update() needs a mapping");
  if (other && other->dict() != self.dict()) {
    interpreter.budget().take_bytes(other->dict()->entries.size() * sizeof(Value) * 2);
    for (const auto& [key, value] : other->dict()->entries) self.dict()->set(key, value);
  }
  for (const auto& [name, value] : arguments.named)
    self.dict()->set(interpreter.heap().string(name), value);
  return none();
}

Value dict_setdefault(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  check_change(interpreter, self, "setdefault");
  const Value* key = arguments.find(0, "key");
  if (!key) fail("setdefault expected at least 1 argument");
  if (const Value* found = self.dict()->find(*key)) return *found;
  const Value* given = arguments.find(1, "default");
  const Value value = given ? *given : none();
  self.dict()->set(*key, value);
  return value;
}

const MethodTable& dict_methods() {
  static const MethodTable table{{"get", dict_get},
                                 {"items", dict_view<DictPart::items>},
                                 {"keys", dict_view<DictPart::keys>},
                                 {"values", dict_view<DictPart::values>},
                                 {"copy", dict_copy},
                                 {"pop", dict_pop},
                                 {"update", dict_update},
                                 {"setdefault", dict_setdefault}};
  return table;
}

Method find_method(const Value& object, std::string_view name) {
  static const MethodTable empty;
  const MethodTable* table = &empty;
  if (object.text()) table = &string_methods();
  if (object.dict()) table = &dict_methods();
  if (const List* list = object.list()) {
    if (list->kind == ListKind::list) table = &list_methods();
    if (list->kind == ListKind::tuple) table = &tuple_methods();
  }
  const auto found = table->find(name);
  return found == table->end() ? nullptr : found->second;
}

}  // namespace

bool has_method(const Value& object, std::string_view name) {
  if (object.is<Loop*>()) return name == "cycle" || name == "changed";
  return find_method(object, name) != nullptr;
}

Value call_method(Interpreter& interpreter, const Value& object, std::string_view name,
                  const Arguments& arguments) {
  interpreter.budget().step();
  if (const auto* loop = object.as<Loop*>()) {
    if (name == "cycle") {
      if (arguments.positional.empty()) fail("no items for cycling given");
      return arguments.positional[(*loop)->index % arguments.positional.size()];
    }
    const Value current = interpreter.heap().list(arguments.positional, ListKind::tuple);
    const bool is_changed = !(*loop)->last_changed || !equal(*(*loop)->last_changed, current);
    (*loop)->last_changed = current;
    return boolean(is_changed);
  }
  return find_method(object, name)(interpreter, object, arguments);
}

}  // namespace hearth::modelfile::jinja
