// What one or several JSON Schemas that hold together say about a value, sorted by the kind of
// value.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/constraint/decimal.h"
#include "engine/constraint/rules.h"

namespace hearth::engine {

using SchemaJson = nlohmann::ordered_json;

// Kinds of values as bits. A number without a fraction is an integer, any other one is not.
enum SchemaType : uint32_t {
  type_null = 1,
  type_boolean = 2,
  type_integer = 4,
  type_fraction = 8,
  type_string = 16,
  type_array = 32,
  type_object = 64,
  type_any = 127,
};

struct SchemaFacets {
  // Schemas of a part are owned by the document; null: not given.
  struct ObjectPart {
    const SchemaJson* properties = nullptr;
    const SchemaJson* patterns = nullptr;
    const SchemaJson* additional = nullptr;
  };
  struct ArrayPart {
    const SchemaJson* prefix = nullptr;  // an array of schemas
    const SchemaJson* items = nullptr;
  };

  uint32_t types = type_any;
  bool says_object = false;                              // a `type` names objects alone
  std::optional<std::vector<const SchemaJson*>> values;  // of enum and const
  std::vector<CodeAutomaton> patterns;
  int64_t length_least = 0, length_most = unbounded;
  NumberBounds numbers;
  std::vector<ArrayPart> arrays;
  int64_t items_least = 0, items_most = unbounded;
  const SchemaJson* unique_items = nullptr;  // the schema that asks for them
  std::vector<ObjectPart> objects;
  std::vector<std::string> required;
  int64_t properties_least = 0, properties_most = unbounded;
  const SchemaJson* properties_least_schema = nullptr;  // that says so
  std::vector<const SchemaJson*> property_names;
};

// A value that must be decided: `maybe` where it takes a validator.
enum class Fit : uint8_t { no, yes, maybe };

// Where in the document a schema stands, and what to do with what cannot be bound.
struct SchemaContext {
  std::function<std::string()> path;  // "#/properties/a"
  // Throws, or only warns where best effort is asked for.
  std::function<void(const std::string& path, std::string_view what)> refuse;
};

// Adds what the keywords of `schema` say that need no other schema. Throws Error{invalid_argument}
// for a keyword whose value has the wrong form.
void add_facets(SchemaFacets& facets, const SchemaJson& schema, const SchemaContext& context);
// Whether a value of enum or const has all the other facets.
Fit fit(const SchemaJson& value, const SchemaFacets& facets);
uint32_t type_of(const SchemaJson& value);
// Only that no string has both; false where it is not known.
bool are_strings_disjoint(const SchemaFacets& a, const SchemaFacets& b);
bool are_numbers_disjoint(const NumberBounds& a, const NumberBounds& b);
// Of the patterns and lengths, when there are patterns.
CodeAutomaton string_automaton(const SchemaFacets& facets);

// Equal as JSON Schema sees it: 1 and 1.0 are, and the order of properties does not count.
bool are_equal(const SchemaJson& a, const SchemaJson& b);
std::string escaped_pointer(std::string_view name);

}  // namespace hearth::engine
