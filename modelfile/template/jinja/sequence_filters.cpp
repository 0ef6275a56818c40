// Filters of lists and dicts.
#include <fmt/format.h>

#include <algorithm>

#include "modelfile/template/jinja/filter_tables.h"
#include "modelfile/template/jinja/strings.h"

namespace hearth::modelfile::jinja {
namespace {

using I = Interpreter&;
using V = const Value&;
using A = const Arguments&;

const Value* given(A arguments, size_t index, std::string_view name) {
  const Value* value = arguments.find(index, name);
  return value && !value->is<None>() ? value : nullptr;
}

bool flag(A arguments, size_t index, std::string_view name) {
  const Value* value = arguments.find(index, name);
  return value && is_true(*value);
}

// "a.b.0" or a number: the attribute of an item, as map, sort and others take it.
Value attribute_of(I interpreter, V item, V path, const Value* otherwise = nullptr) {
  Value current = item;
  if (!path.text()) {
    current = interpreter.item(current, path);
  } else {
    for (const MarkedText& part : split(*path.text(), ".", -1, Side::left)) {
      const std::string& name = part.bytes();
      const bool is_number = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return c >= '0' && c <= '9';
      });
      const Value key = is_number && name.size() < 10 ? integer(std::stoll(name))
                                                      : interpreter.heap().string(part);
      current = interpreter.item(current, key);
      if (otherwise && current.is<Undefined>()) break;
    }
  }
  return otherwise && current.is<Undefined>() ? *otherwise : current;
}

// What two items are compared by: strings without regard to case unless asked otherwise.
Value sort_key(I interpreter, V item, const Value* attribute, bool is_case_sensitive) {
  const Value key = attribute ? attribute_of(interpreter, item, *attribute) : item;
  if (is_case_sensitive || !key.text()) return key;
  return interpreter.heap().string(lower(*key.text()));
}

Value filter_first(I interpreter, V value, A) {
  const std::vector<Value> items = iterate(value, interpreter.heap());
  return items.empty() ? undefined("No first item, sequence was empty.") : items.front();
}

Value filter_last(I interpreter, V value, A) {
  const std::vector<Value> items = iterate(value, interpreter.heap());
  return items.empty() ? undefined("No last item, sequence was empty.") : items.back();
}

Value filter_list(I interpreter, V value, A) {
  return interpreter.heap().list(iterate(value, interpreter.heap()));
}

Value filter_join(I interpreter, V value, A arguments) {
  const Value* separator_value = given(arguments, 0, "d");
  const Value* attribute = given(arguments, 1, "attribute");
  const MarkedText separator =
      separator_value ? interpreter.text_of(*separator_value) : MarkedText();
  MarkedText joined;
  bool is_first = true;
  for (const Value& item : iterate(value, interpreter.heap())) {
    const MarkedText text =
        interpreter.text_of(attribute ? attribute_of(interpreter, item, *attribute) : item);
    interpreter.budget().check_text_size(joined.size() + separator.size() + text.size());
    if (!is_first) joined.append(separator);
    is_first = false;
    joined.append(text);
  }
  return interpreter.heap().string(std::move(joined));
}

Value filter_reverse(I interpreter, V value, A) {
  if (value.text()) return slice_of(value, none(), none(), integer(-1), interpreter.heap());
  std::vector<Value> items = iterate(value, interpreter.heap());
  std::reverse(items.begin(), items.end());
  return interpreter.heap().list(std::move(items), ListKind::generator);
}

// The keys of sort: one, or one per attribute of "a,b" (compared like lists, as Python does).
Value sort_keys(I interpreter, V item, const Value* attributes, bool is_case_sensitive) {
  if (!attributes) return sort_key(interpreter, item, nullptr, is_case_sensitive);
  std::vector<Value> keys;
  if (!attributes->text()) {
    keys.push_back(sort_key(interpreter, item, attributes, is_case_sensitive));
  } else {
    for (MarkedText& name : split(*attributes->text(), ",", -1, Side::left)) {
      const Value attribute = interpreter.heap().string(std::move(name));
      keys.push_back(sort_key(interpreter, item, &attribute, is_case_sensitive));
    }
  }
  return interpreter.heap().list(std::move(keys));
}

Value filter_sort(I interpreter, V value, A arguments) {
  const bool is_reversed = flag(arguments, 0, "reverse");
  const bool is_case_sensitive = flag(arguments, 1, "case_sensitive");
  const Value* attributes = given(arguments, 2, "attribute");
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& item : iterate(value, interpreter.heap())) {
    keyed.emplace_back(sort_keys(interpreter, item, attributes, is_case_sensitive), item);
  }
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    interpreter.budget().step();
    return is_reversed ? compare(b.first, a.first, "<") < 0 : compare(a.first, b.first, "<") < 0;
  });
  std::vector<Value> items;
  for (auto& [key, item] : keyed) items.push_back(std::move(item));
  return interpreter.heap().list(std::move(items));
}

template <int wanted>
Value filter_extreme(I interpreter, V value, A arguments) {
  const bool is_case_sensitive = flag(arguments, 0, "case_sensitive");
  const Value* attribute = given(arguments, 1, "attribute");
  const std::vector<Value> items = iterate(value, interpreter.heap());
  if (items.empty()) return undefined("No aggregated item, sequence was empty.");
  size_t best = 0;
  Value best_key = sort_key(interpreter, items[0], attribute, is_case_sensitive);
  for (size_t i = 1; i < items.size(); ++i) {
    Value key = sort_key(interpreter, items[i], attribute, is_case_sensitive);
    if (compare(key, best_key, wanted < 0 ? "<" : ">") != wanted) continue;
    best = i;
    best_key = std::move(key);
  }
  return items[best];
}

Value filter_unique(I interpreter, V value, A arguments) {
  const bool is_case_sensitive = flag(arguments, 0, "case_sensitive");
  const Value* attribute = given(arguments, 1, "attribute");
  Dict seen;
  std::vector<Value> items;
  for (const Value& item : iterate(value, interpreter.heap())) {
    const Value key = sort_key(interpreter, item, attribute, is_case_sensitive);
    interpreter.budget().step(1 + (key.text() ? 0 : seen.entries.size()));
    if (seen.find(key)) continue;
    seen.set(key, none());
    items.push_back(item);
  }
  return interpreter.heap().list(std::move(items), ListKind::generator);
}

Value filter_sum(I interpreter, V value, A arguments) {
  const Value* attribute = given(arguments, 0, "attribute");
  const Value* start = arguments.find(1, "start");
  Value total = start ? *start : integer(0);
  for (const Value& item : iterate(value, interpreter.heap())) {
    total =
        binary_operation("+", total, attribute ? attribute_of(interpreter, item, *attribute) : item,
                         interpreter.heap());
  }
  return total;
}

Value filter_map(I interpreter, V value, A arguments) {
  if (!is_true(value))
    return interpreter.heap().list({}, ListKind::generator);  // none gives nothing, too
  std::vector<Value> results;
  const Value* attribute = arguments.positional.empty() ? arguments.find("attribute") : nullptr;
  if (!attribute && arguments.positional.empty()) fail("map requires a filter argument");
  const Value* otherwise = arguments.find("default");
  Arguments rest;
  if (!attribute)
    rest = {{arguments.positional.begin() + 1, arguments.positional.end()}, arguments.named};
  for (const Value& item : iterate(value, interpreter.heap())) {
    interpreter.budget().step();
    if (attribute) {
      results.push_back(attribute_of(interpreter, item, *attribute, otherwise));
    } else {
      results.push_back(interpreter.apply_filter(
          interpreter.text_of(arguments.positional[0]).bytes(), item, rest));
    }
  }
  return interpreter.heap().list(std::move(results), ListKind::generator);
}

// select, reject (by the item), selectattr, rejectattr (by an attribute): keeps where the test
// gives `keeps`.
template <bool keeps, bool by_attribute>
Value filter_select(I interpreter, V value, A arguments) {
  constexpr size_t test_at = by_attribute ? 1 : 0;
  if (!is_true(value)) return interpreter.heap().list({}, ListKind::generator);
  if (by_attribute && arguments.positional.empty()) fail("missing parameter for attribute name");
  const bool has_test = arguments.positional.size() > test_at;
  const std::string test =
      has_test ? interpreter.text_of(arguments.positional[test_at]).bytes() : "";
  Arguments rest;
  if (has_test)
    rest = {{arguments.positional.begin() + test_at + 1, arguments.positional.end()},
            arguments.named};
  std::vector<Value> results;
  for (const Value& item : iterate(value, interpreter.heap())) {
    interpreter.budget().step();
    const Value tested =
        by_attribute ? attribute_of(interpreter, item, arguments.positional[0]) : item;
    const bool holds = has_test ? interpreter.apply_test(test, tested, rest) : is_true(tested);
    if (holds == keeps) results.push_back(item);
  }
  return interpreter.heap().list(std::move(results), ListKind::generator);
}

Value filter_items(I interpreter, V value, A) {
  if (value.is<Undefined>()) return interpreter.heap().list({}, ListKind::generator);
  if (!value.dict()) fail("Can only get item pairs from a mapping.");
  Value view = call_method(interpreter, value, "items", {});
  view.list()->kind = ListKind::generator;
  return view;
}

Value filter_dictsort(I interpreter, V value, A arguments) {
  if (value.is<Undefined>()) fail_undefined(value);
  if (!value.dict()) fail(fmt::format("'{}' object has no attribute 'items'", type_name(value)));
  const Value* by = given(arguments, 1, "by");
  const std::string by_name = by ? interpreter.text_of(*by).bytes() : "key";
  if (by_name != "key" && by_name != "value")
    fail("You can only sort by either \"key\" or \"value\"");
  Arguments sorting;
  const Value* is_reversed = arguments.find(2, "reverse");
  sorting.positional = {is_reversed ? *is_reversed : boolean(false),
                        boolean(flag(arguments, 0, "case_sensitive")),
                        integer(by_name == "key" ? 0 : 1)};
  return filter_sort(interpreter, call_method(interpreter, value, "items", {}), sorting);
}

Value filter_batch(I interpreter, V value, A arguments) {
  const Value* size_value = arguments.find(0, "linecount");
  if (!size_value || !is_number(*size_value) || to_integer(*size_value) < 1)
    fail("batch needs a number of items");
  const auto size = static_cast<size_t>(to_integer(*size_value));
  const Value* filler = given(arguments, 1, "fill_with");
  const std::vector<Value> items = iterate(value, interpreter.heap());
  std::vector<Value> batches;
  for (size_t at = 0; at < items.size(); at += size) {
    std::vector<Value> batch(
        items.begin() + static_cast<std::ptrdiff_t>(at),
        items.begin() + static_cast<std::ptrdiff_t>(std::min(at + size, items.size())));
    if (filler && size <= 100'000) batch.resize(size, *filler);
    batches.push_back(interpreter.heap().list(std::move(batch)));
  }
  return interpreter.heap().list(std::move(batches), ListKind::generator);
}

Value filter_groupby(I interpreter, V value, A arguments) {
  const Value* attribute = arguments.find(0, "attribute");
  if (!attribute) fail("groupby needs an attribute");
  const Value* otherwise = arguments.find(1, "default");
  Arguments sorting;
  sorting.named = {{"attribute", *attribute},
                   {"case_sensitive", boolean(flag(arguments, 2, "case_sensitive"))}};
  const Value sorted =
      otherwise ? filter_list(interpreter, value, {}) : filter_sort(interpreter, value, sorting);
  std::vector<std::pair<Value, std::vector<Value>>> groups;
  for (const Value& item : iterate(sorted, interpreter.heap())) {
    const Value key = attribute_of(interpreter, item, *attribute, otherwise);
    if (groups.empty() || !equal(groups.back().first, key)) groups.push_back({key, {}});
    groups.back().second.push_back(item);
  }
  std::vector<Value> results;
  for (auto& [key, items] : groups) {
    results.push_back(
        interpreter.heap().list({key, interpreter.heap().list(std::move(items))}, ListKind::tuple));
  }
  return interpreter.heap().list(std::move(results));
}

Value filter_attr(I interpreter, V value, A arguments) {
  const Value* name = arguments.find(0, "name");
  if (!name || !name->text()) fail("attr needs a name");
  if (value.dict() && !has_method(value, name->text()->bytes()))
    return undefined_attribute(value, name->text()->bytes());
  return interpreter.attribute(value, name->text()->bytes());
}

}  // namespace

const FilterTable& sequence_filters() {
  static const FilterTable table{{"first", filter_first},
                                 {"last", filter_last},
                                 {"list", filter_list},
                                 {"join", filter_join},
                                 {"reverse", filter_reverse},
                                 {"sort", filter_sort},
                                 {"min", filter_extreme<-1>},
                                 {"max", filter_extreme<1>},
                                 {"unique", filter_unique},
                                 {"sum", filter_sum},
                                 {"map", filter_map},
                                 {"select", filter_select<true, false>},
                                 {"reject", filter_select<false, false>},
                                 {"selectattr", filter_select<true, true>},
                                 {"rejectattr", filter_select<false, true>},
                                 {"items", filter_items},
                                 {"dictsort", filter_dictsort},
                                 {"batch", filter_batch},
                                 {"groupby", filter_groupby},
                                 {"attr", filter_attr}};
  return table;
}

}  // namespace hearth::modelfile::jinja
