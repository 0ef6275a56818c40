#include "engine/constraint/schema_facets.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/utf8.h"
#include "engine/constraint/code_automaton.h"
#include "engine/constraint/regex.h"
#include "engine/constraint/string_formats.h"

namespace hearth::engine {
namespace {

[[noreturn]] void fail(const std::string& path, std::string_view expected) {
  throw Error(ErrorCode::invalid_argument, fmt::format("schema, {}: expected {}", path, expected));
}

struct TypeName {
  std::string_view name;
  uint32_t types;
};
constexpr TypeName type_names[] = {
    {"null", type_null},       {"boolean", type_boolean},
    {"integer", type_integer}, {"number", type_integer | type_fraction},
    {"string", type_string},   {"array", type_array},
    {"object", type_object},
};

int64_t count_of(const SchemaJson& value, const std::string& path) {
  constexpr double most = 1e9;
  if (!value.is_number() || value.get<double>() < 0 ||
      value.get<double>() != std::floor(value.get<double>()))
    fail(path, "a number of at least 0 without a fraction");
  return static_cast<int64_t>(std::min(value.get<double>(), most));
}

Decimal decimal_of(const SchemaJson& value, const std::string& path) {
  if (!value.is_number()) fail(path, "a number");
  const auto decimal = parse_decimal(value.dump());
  if (!decimal) fail(path, "a number of at most 40 digits");
  return *decimal;
}

class FacetReader {
 public:
  FacetReader(SchemaFacets& facets, const SchemaJson& schema, const SchemaContext& context)
      : facets_(facets), schema_(schema), context_(context) {}

  void read() {
    if (const auto* type = find("type")) read_type(*type);
    if (const auto* value = find("nullable"); value != nullptr && *value == true && find("type"))
      allow_null();
    read_values();
    read_strings();
    read_numbers();
    read_arrays();
    read_objects();
  }

 private:
  const SchemaJson* find(const char* keyword) const {
    const auto place = schema_.find(keyword);
    return place == schema_.end() ? nullptr : &*place;
  }
  std::string path(std::string_view keyword) const {
    return fmt::format("{}/{}", context_.path(), keyword);
  }

  uint32_t type_named(const SchemaJson& name) const {
    for (const TypeName& type : type_names) {
      if (name == type.name) return type.types;
    }
    fail(path("type"), "null, boolean, integer, number, string, array or object");
  }

  void read_type(const SchemaJson& type) {
    own_types_ = 0;
    if (type.is_array()) {
      for (const SchemaJson& name : type) own_types_ |= type_named(name);
    } else {
      own_types_ = type_named(type);
    }
    before_ = facets_.types;
    facets_.types &= own_types_;
    if (own_types_ == type_object) facets_.says_object = true;
  }
  // As OpenAPI has it.
  void allow_null() { facets_.types |= before_ & type_null; }

  void restrict_values(std::vector<const SchemaJson*> values) {
    if (!facets_.values) {
      facets_.values = std::move(values);
      return;
    }
    std::erase_if(*facets_.values, [&](const SchemaJson* known) {
      return std::none_of(values.begin(), values.end(),
                          [&](const SchemaJson* value) { return are_equal(*known, *value); });
    });
  }

  void read_values() {
    if (const auto* values = find("enum")) {
      if (!values->is_array()) fail(path("enum"), "a list of values");
      std::vector<const SchemaJson*> list;
      for (const SchemaJson& value : *values) list.push_back(&value);
      restrict_values(std::move(list));
    }
    if (const auto* value = find("const")) restrict_values({value});
  }

  void read_least(const char* keyword, int64_t& least) {
    if (const auto* value = find(keyword)) least = std::max(least, count_of(*value, path(keyword)));
  }
  void read_most(const char* keyword, int64_t& most) {
    const auto* value = find(keyword);
    if (value == nullptr) return;
    const int64_t count = count_of(*value, path(keyword));
    most = most == unbounded ? count : std::min(most, count);
  }

  void read_strings() {
    read_least("minLength", facets_.length_least);
    read_most("maxLength", facets_.length_most);
    if ((facets_.types & type_string) == 0) return;
    if (const auto* pattern = find("pattern")) {
      if (!pattern->is_string()) fail(path("pattern"), "a regular expression");
      add_pattern(path("pattern"), [&] {
        return regex_automaton(pattern->get_ref<const std::string&>(), RegexUse::search);
      });
    }
    if (const auto* format = find("format")) {
      if (!format->is_string()) fail(path("format"), "the name of a format");
      const auto& name = format->get_ref<const std::string&>();
      if (is_annotation_format(name)) return;
      auto automaton = string_format(name);
      if (!automaton)
        return context_.refuse(path("format"), fmt::format("the format \"{}\" is not known", name));
      facets_.patterns.push_back(std::move(*automaton));
    }
  }

  template <typename Make>
  void add_pattern(const std::string& where, const Make& make) {
    try {
      facets_.patterns.push_back(make());
    } catch (const Error& error) {
      if (error.code() == ErrorCode::unsupported) return context_.refuse(where, error.what());
      throw Error(error.code(), fmt::format("schema, {}: {}", where, error.what()));
    }
  }

  void read_bound(const char* keyword, const char* exclusive, bool is_lower) {
    const auto* value = find(keyword);
    const auto* other = find(exclusive);
    // Draft 4 said true where the bound itself is left out.
    const bool is_exclusive = other != nullptr && other->is_boolean() && other->get<bool>();
    if (value != nullptr) tighten({decimal_of(*value, path(keyword)), is_exclusive}, is_lower);
    if (other != nullptr && !other->is_boolean())
      tighten({decimal_of(*other, path(exclusive)), true}, is_lower);
  }

  void tighten(NumberBounds::Bound bound, bool is_lower) {
    std::optional<NumberBounds::Bound>& known =
        is_lower ? facets_.numbers.lower : facets_.numbers.upper;
    if (known) {
      const int order = compare(bound.value, known->value) * (is_lower ? 1 : -1);
      if (order < 0 || (order == 0 && known->is_exclusive)) return;
    }
    known = std::move(bound);
  }

  void read_numbers() {
    read_bound("minimum", "exclusiveMinimum", true);
    read_bound("maximum", "exclusiveMaximum", false);
    const auto* multiple = find("multipleOf");
    if (multiple == nullptr) return;
    Decimal decimal = decimal_of(*multiple, path("multipleOf"));
    if (decimal.is_negative || decimal.is_zero()) fail(path("multipleOf"), "a number above 0");
    if ((facets_.types & (type_integer | type_fraction)) == 0) return;
    try {  // whether it can be bound
      NumberBounds bounds;
      bounds.multiples_of = {decimal};
      number_spellings(bounds);
    } catch (const Error& error) {
      return context_.refuse(path("multipleOf"), error.what());
    }
    facets_.numbers.multiples_of.push_back(std::move(decimal));
  }

  void read_arrays() {
    read_least("minItems", facets_.items_least);
    read_most("maxItems", facets_.items_most);
    if ((facets_.types & type_array) == 0) return;
    SchemaFacets::ArrayPart part{find("prefixItems"), find("items")};
    // Before draft 2020-12 a list of `items` was what prefixItems are now.
    if (part.items != nullptr && part.items->is_array())
      part = {part.items, find("additionalItems")};
    // A single schema where a list belongs is meant for every item; llama.cpp reads it so, too.
    if (part.prefix != nullptr && part.prefix->is_object()) {
      facets_.arrays.push_back({nullptr, part.prefix});
      part.prefix = nullptr;
    }
    if (part.prefix != nullptr && !part.prefix->is_array())
      fail(path("prefixItems"), "a list of schemas");
    if (part.prefix != nullptr || part.items != nullptr) facets_.arrays.push_back(part);
    const auto* unique = find("uniqueItems");
    if (unique != nullptr && *unique == true) facets_.unique_items = &schema_;
  }

  void read_objects() {
    const int64_t before = facets_.properties_least;
    read_least("minProperties", facets_.properties_least);
    if (facets_.properties_least > before) facets_.properties_least_schema = &schema_;
    read_most("maxProperties", facets_.properties_most);
    if (const auto* required = find("required"); required != nullptr && !required->is_boolean()) {
      if (!required->is_array()) fail(path("required"), "a list of names");
      for (const SchemaJson& name : *required) {
        if (!name.is_string()) fail(path("required"), "a list of names");
        const auto& text = name.get_ref<const std::string&>();
        auto& list = facets_.required;
        if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
      }
    }
    const SchemaFacets::ObjectPart part{find("properties"), find("patternProperties"),
                                        find("additionalProperties")};
    for (const auto* map : {part.properties, part.patterns}) {
      if (map != nullptr && !map->is_object())
        fail(path(map == part.properties ? "properties" : "patternProperties"), "schemas by name");
    }
    if (part.properties || part.patterns || part.additional) facets_.objects.push_back(part);
    if (const auto* names = find("propertyNames")) facets_.property_names.push_back(names);
  }

  SchemaFacets& facets_;
  const SchemaJson& schema_;
  const SchemaContext& context_;
  uint32_t own_types_ = type_any;
  uint32_t before_ = type_any;
};

Fit fit_string(const std::string& text, const SchemaFacets& facets) {
  int64_t length = 0;
  for (const char c : text) length += (static_cast<uint8_t>(c) & 0xC0) != 0x80;
  if (length < facets.length_least) return Fit::no;
  if (facets.length_most != unbounded && length > facets.length_most) return Fit::no;
  const bool has_all =
      std::all_of(facets.patterns.begin(), facets.patterns.end(),
                  [&](const CodeAutomaton& pattern) { return accepts(pattern, text); });
  return has_all ? Fit::yes : Fit::no;
}

bool has_object_facets(const SchemaFacets& f) {
  return !f.objects.empty() || !f.required.empty() || f.properties_least > 0 ||
         f.properties_most != unbounded || !f.property_names.empty();
}

bool has_array_facets(const SchemaFacets& f) {
  return !f.arrays.empty() || f.items_least > 0 || f.items_most != unbounded ||
         f.unique_items != nullptr;
}

}  // namespace

void add_facets(SchemaFacets& facets, const SchemaJson& schema, const SchemaContext& context) {
  FacetReader(facets, schema, context).read();
}

uint32_t type_of(const SchemaJson& value) {
  if (value.is_null()) return type_null;
  if (value.is_boolean()) return type_boolean;
  if (value.is_string()) return type_string;
  if (value.is_array()) return type_array;
  if (value.is_object()) return type_object;
  const auto decimal = parse_decimal(value.dump());
  return decimal && decimal->fraction.empty() ? type_integer : type_fraction;
}

Fit fit(const SchemaJson& value, const SchemaFacets& facets) {
  const uint32_t type = type_of(value);
  if ((facets.types & type) == 0) return Fit::no;
  if (type == type_string) return fit_string(value.get_ref<const std::string&>(), facets);
  if ((type & (type_integer | type_fraction)) != 0) {
    const auto decimal = parse_decimal(value.dump());
    if (!decimal) return Fit::maybe;
    return fits(*decimal, facets.numbers) ? Fit::yes : Fit::no;
  }
  if (type == type_array && has_array_facets(facets)) return Fit::maybe;
  if (type == type_object && has_object_facets(facets)) return Fit::maybe;
  return Fit::yes;
}

CodeAutomaton string_automaton(const SchemaFacets& facets) {
  CodeAutomaton all = facets.patterns.front();
  for (size_t i = 1; i < facets.patterns.size(); ++i) all = intersection(all, facets.patterns[i]);
  if (facets.length_least > 0 || facets.length_most != unbounded)
    all = intersection(all, texts_of_length(facets.length_least, facets.length_most));
  return all;
}

bool are_strings_disjoint(const SchemaFacets& a, const SchemaFacets& b) {
  SchemaFacets both;
  both.patterns = a.patterns;
  both.patterns.insert(both.patterns.end(), b.patterns.begin(), b.patterns.end());
  both.length_least = std::max(a.length_least, b.length_least);
  both.length_most = a.length_most == unbounded || b.length_most == unbounded
                         ? std::max(a.length_most, b.length_most)
                         : std::min(a.length_most, b.length_most);
  if (both.length_most != unbounded && both.length_least > both.length_most) return true;
  return !both.patterns.empty() && is_empty(string_automaton(both));
}

bool are_numbers_disjoint(const NumberBounds& a, const NumberBounds& b) {
  const auto is_below = [](const NumberBounds& low, const NumberBounds& high) {
    if (!low.upper || !high.lower) return false;
    const int order = compare(low.upper->value, high.lower->value);
    return order < 0 || (order == 0 && (low.upper->is_exclusive || high.lower->is_exclusive));
  };
  return is_below(a, b) || is_below(b, a);
}

bool are_equal(const SchemaJson& a, const SchemaJson& b) {
  if (a.is_number() && b.is_number()) return a == b;
  if (a.type() != b.type() || a.size() != b.size()) return false;
  if (a.is_array()) return std::equal(a.begin(), a.end(), b.begin(), are_equal);
  if (!a.is_object()) return a == b;
  return std::all_of(a.items().begin(), a.items().end(), [&b](const auto& item) {
    const auto place = b.find(item.key());
    return place != b.end() && are_equal(item.value(), *place);
  });
}

std::string escaped_pointer(std::string_view name) {
  std::string escaped;
  for (const char c : name) {
    if (c == '~') {
      escaped += "~0";
    } else if (c == '/') {
      escaped += "~1";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace hearth::engine
