#include "engine/constraint/schema_compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "engine/constraint/code_automaton.h"

namespace hearth::engine {
namespace {

constexpr int32_t depth_max = 40;      // deeper sets wait for their turn
constexpr int64_t work_max = 150'000;  // schemas looked at, each time
constexpr int32_t disjoint_depth_max = 4;
constexpr size_t branches_max = 500;

}  // namespace

void SchemaCompiler::hold(SchemaSet& set, const SchemaJson& schema) {
  if (!schema.is_object() && !schema.is_boolean()) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("schema: expected a schema (an object, true or false), found {}",
                            schema.dump().substr(0, 40)));
  }
  if (schema.is_boolean() && schema.get<bool>()) return;
  set.emplace(&schema, Mark::holds);
}

void SchemaCompiler::compile_root() {
  const RuleId root = rules_.add_rule("root");
  rules_.set_root(root);
  SchemaSet set;
  hold(set, document_.root());
  rules_.define(root, compile(set));
  while (!waiting_.empty()) {
    const auto [waiting, rule] = std::move(waiting_.front());
    waiting_.pop_front();
    rules_.define(rule, body_of(waiting));
  }
}

// References and allOf are followed, so that what is left are keywords about the value itself.
void SchemaCompiler::gather(const SchemaJson& schema, const SchemaSet& set, Meaning& meaning,
                            std::set<const SchemaJson*>& seen,
                            std::vector<const SchemaJson*>& schemas) {
  if (!seen.insert(&schema).second) return;
  if (schema.is_boolean()) {
    meaning.is_never = meaning.is_never || !schema.get<bool>();
    return;
  }
  if (!schema.is_object()) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("schema, {}: expected a schema", document_.path_of(schema)));
  }
  schemas.push_back(&schema);
  const std::string path = document_.path_of(schema);
  if (const auto reference = schema.find("$ref"); reference != schema.end()) {
    const SchemaJson* target = document_.resolve(*reference, path + "/$ref");
    if (target != nullptr) gather(*target, set, meaning, seen, schemas);
  }
  if (const auto all = schema.find("allOf"); all != schema.end()) {
    if (!all->is_array() || all->empty()) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("schema, {}/allOf: expected a list of schemas", path));
    }
    for (const SchemaJson& part : *all) gather(part, set, meaning, seen, schemas);
  }
  add_choice(schema, "anyOf", Mark::any_of_chosen, set, meaning);
  add_choice(schema, "oneOf", Mark::one_of_chosen, set, meaning);
}

void SchemaCompiler::add_choice(const SchemaJson& schema, const char* keyword, Mark mark,
                                const SchemaSet& set, Meaning& meaning) {
  const auto branches = schema.find(keyword);
  if (branches == schema.end() || set.contains({&schema, mark})) return;
  if (!branches->is_array() || branches->empty() || branches->size() > branches_max) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("schema, {}/{}: expected a list of 1 to {} schemas",
                            document_.path_of(schema), keyword, branches_max));
  }
  meaning.choices.push_back({&schema, &*branches, mark});
}

SchemaCompiler::Meaning SchemaCompiler::meaning_of(const SchemaSet& set) {
  Meaning meaning;
  std::set<const SchemaJson*> seen;
  std::vector<const SchemaJson*> schemas;
  // In the order of the document: properties come in it.
  std::vector<const SchemaJson*> members;
  for (const auto& [schema, mark] : set) {
    if (mark == Mark::holds) members.push_back(schema);
  }
  std::sort(members.begin(), members.end(), [this](const SchemaJson* a, const SchemaJson* b) {
    return document_.order_of(*a) < document_.order_of(*b);
  });
  for (const SchemaJson* schema : members) gather(*schema, set, meaning, seen, schemas);
  work_ += std::ssize(schemas);
  if (++work_ > work_max) {
    throw Error(ErrorCode::unsupported,
                "the schema combines too many alternatives: use fewer anyOf, oneOf and allOf");
  }
  const auto refuse = [this](const std::string& path, std::string_view what) {
    document_.refuse(path, what);
  };
  for (const SchemaJson* schema : schemas)
    add_facets(meaning.facets, *schema, {[&] { return document_.path_of(*schema); }, refuse});
  for (const SchemaJson* schema : schemas) document_.check_keywords(*schema, meaning.facets.types);
  if (meaning.facets.types == 0) meaning.is_never = true;
  return meaning;
}

ExprId SchemaCompiler::compile(const SchemaSet& set) {
  if (set.empty()) return json_.value();
  const auto known = known_.find(set);
  if (known != known_.end()) return known->second;
  const RuleId rule = rules_.add_rule("schema");
  const ExprId call = rules_.call(rule);
  known_.emplace(set, call);
  if (depth_ >= depth_max) {
    waiting_.emplace_back(set, rule);
    return call;
  }
  ++depth_;
  const ExprId body = body_of(set);
  --depth_;
  rules_.define(rule, body);
  // A terminal needs no rule around it.
  const Rules::Kind kind = rules_.expr(body).kind;
  const bool is_leaf = kind == Rules::Kind::atom || kind == Rules::Kind::automaton ||
                       kind == Rules::Kind::bytes || kind == Rules::Kind::never;
  if (is_leaf) known_[set] = body;
  return is_leaf ? body : call;
}

ExprId SchemaCompiler::body_of(const SchemaSet& set) {
  const Meaning meaning = meaning_of(set);
  if (meaning.is_never) return rules_.never();
  if (!meaning.choices.empty()) return choice_of(set, meaning.choices.front());
  return value_of(meaning);
}

ExprId SchemaCompiler::choice_of(const SchemaSet& set, const Choice& choice) {
  std::vector<SchemaSet> branches;
  for (size_t i = 0; i < choice.branches->size(); ++i) {
    SchemaSet branch = set;
    branch.emplace(choice.schema, choice.mark);
    hold(branch, (*choice.branches)[i]);
    if (!is_never(branch)) branches.push_back(std::move(branch));
  }
  for (size_t i = 0; choice.mark == Mark::one_of_chosen && i < branches.size(); ++i) {
    for (size_t j = i + 1; j < branches.size(); ++j) {
      if (are_disjoint(branches[i], branches[j], 0)) continue;
      document_.refuse(path_of(choice),
                       "oneOf is bound only where its alternatives exclude each other, by type, "
                       "by const or enum of a required property, or by range: use anyOf");
      i = j = branches.size();
    }
  }
  std::vector<ExprId> parts;
  for (const SchemaSet& branch : branches) parts.push_back(compile(branch));
  return rules_.choice(parts);
}

ExprId SchemaCompiler::value_of(const Meaning& meaning) {
  return meaning.facets.values ? values_of(meaning.facets) : typed(meaning.facets);
}

ExprId SchemaCompiler::values_of(const SchemaFacets& facets) {
  std::vector<ExprId> parts;
  for (const SchemaJson* value : *facets.values) {
    const Fit fits = fit(*value, facets);
    if (fits == Fit::maybe) {
      throw Error(ErrorCode::unsupported,
                  fmt::format("schema: {} in enum or const beside keywords about such values",
                              value->dump().substr(0, 40)));
    }
    if (fits == Fit::yes) parts.push_back(literal(*value));
  }
  return rules_.choice(parts);
}

ExprId SchemaCompiler::literal(const SchemaJson& value) {
  if (value.is_string()) return rules_.bytes(json_quoted(value.get_ref<const std::string&>()));
  if (value.is_array()) {
    std::vector<ExprId> items;
    for (const SchemaJson& item : value) items.push_back(literal(item));
    const auto count = std::ssize(items);
    return list(items, rules_.never(), count, count);
  }
  if (value.is_object()) {
    std::vector<ExprId> parts{rules_.bytes("{"), json_.blank()};
    for (const auto& item : value.items()) {
      if (parts.size() > 2) parts.insert(parts.end(), {rules_.bytes(","), json_.blank()});
      parts.push_back(json_.key(item.key()));
      parts.push_back(literal(item.value()));
    }
    if (!value.empty()) parts.push_back(json_.blank());
    parts.push_back(rules_.bytes("}"));
    return rules_.sequence(parts);
  }
  const std::string text = value.dump();
  const auto decimal = value.is_number() ? parse_decimal(text) : std::nullopt;
  if (!decimal || !decimal->fraction.empty()) return rules_.bytes(text);
  // 1 and 1.0 are the same number.
  return rules_.choice(
      {rules_.bytes((decimal->is_negative ? "-" : "") + decimal->whole), rules_.bytes(text)});
}

ExprId SchemaCompiler::typed(const SchemaFacets& facets) {
  std::vector<ExprId> parts;
  const uint32_t types = facets.types;
  if ((types & type_null) != 0) parts.push_back(rules_.bytes("null"));
  if ((types & type_boolean) != 0) {
    parts.push_back(rules_.bytes("true"));
    parts.push_back(rules_.bytes("false"));
  }
  if ((types & type_fraction) != 0) {
    parts.push_back(number_of(facets, false));
  } else if ((types & type_integer) != 0) {
    parts.push_back(number_of(facets, true));
  }
  if ((types & type_string) != 0) parts.push_back(string_of(facets));
  if ((types & type_array) != 0) parts.push_back(array_of(facets));
  if ((types & type_object) != 0) parts.push_back(object_of(facets));
  return rules_.choice(parts);
}

ExprId SchemaCompiler::number_of(const SchemaFacets& facets, bool is_integer) {
  NumberBounds bounds = facets.numbers;
  bounds.is_integer = bounds.is_integer || is_integer;
  if (bounds.is_free()) return bounds.is_integer ? json_.integer() : json_.number();
  CodeAutomaton spellings = number_spellings(bounds);
  if (is_empty(spellings)) return rules_.never();
  return rules_.automaton(std::move(spellings), Spelling::plain);
}

ExprId SchemaCompiler::string_of(const SchemaFacets& facets) {
  if (facets.length_most != unbounded && facets.length_least > facets.length_most)
    return rules_.never();
  if (facets.patterns.empty()) {
    if (std::max(facets.length_least, facets.length_most) > 10'000'000)
      throw Error(ErrorCode::unsupported, "schema: a length of a string above ten million");
    return json_.string(facets.length_least, facets.length_most);
  }
  CodeAutomaton automaton = string_automaton(facets);
  if (is_empty(automaton)) return rules_.never();
  const ExprId quote = rules_.bytes("\"");
  return rules_.atom(rules_.sequence(
      {quote, rules_.automaton(std::move(automaton), Spelling::json_string), quote}));
}

// The items of `first` by their place, then any number of `rest`.
ExprId SchemaCompiler::list(const std::vector<ExprId>& first, ExprId rest, int64_t least,
                            int64_t most) {
  const ExprId comma = rules_.sequence({rules_.bytes(","), json_.blank()});
  const auto placed = std::ssize(first);
  const bool has_rest = rules_.expr(rest).kind != Rules::Kind::never;
  const int64_t end = has_rest ? most : (most == unbounded ? placed : std::min(most, placed));
  if (end != unbounded && least > end) return rules_.never();
  // From the back: everything behind the least number of items may be missing.
  ExprId tail = rules_.empty();
  if (end == unbounded || end > placed) {
    const int64_t begin = std::max<int64_t>(placed, 1);  // the first one has no comma
    tail = rules_.repeat(rules_.sequence({comma, rest}), std::max<int64_t>(0, least - begin),
                         end == unbounded ? unbounded : end - begin);
    if (placed == 0) {
      tail = rules_.sequence({rest, tail});
      if (least == 0) tail = rules_.optional(tail);
    }
  }
  for (int64_t i = std::min(placed, end == unbounded ? placed : end) - 1; i >= 0; --i) {
    const ExprId item = first[static_cast<size_t>(i)];
    const ExprId part = rules_.sequence({i > 0 ? comma : rules_.empty(), item, tail});
    const RuleId rule = rules_.add_rule("items");
    rules_.define(rule, i < least ? part : rules_.optional(part));
    tail = rules_.call(rule);
  }
  // Blanks before the closing bracket of an empty list are those behind the opening one.
  return rules_.sequence(
      {rules_.bytes("["), json_.blank(), tail, rules_.optional(json_.blank()), rules_.bytes("]")});
}

ExprId SchemaCompiler::array_of(const SchemaFacets& facets) {
  if (facets.unique_items != nullptr && facets.items_most != 0 && facets.items_most != 1) {
    document_.refuse(document_.path_of(*facets.unique_items) + "/uniqueItems",
                     "\"uniqueItems\" cannot be bound by a grammar");
  }
  size_t placed = 0;
  for (const SchemaFacets::ArrayPart& part : facets.arrays)
    placed = std::max(placed, part.prefix != nullptr ? part.prefix->size() : 0);
  const auto set_at = [&](size_t index) {
    SchemaSet set;
    for (const SchemaFacets::ArrayPart& part : facets.arrays) {
      if (part.prefix != nullptr && index < part.prefix->size()) {
        hold(set, (*part.prefix)[index]);
      } else if (part.items != nullptr) {
        hold(set, *part.items);
      }
    }
    return set;
  };
  int64_t most = facets.items_most;
  std::vector<ExprId> first;
  for (size_t i = 0; i < placed && (most == unbounded || std::cmp_less(i, most)); ++i) {
    const SchemaSet set = set_at(i);
    const ExprId item = is_never(set) ? rules_.never() : compile(set);
    if (rules_.expr(item).kind == Rules::Kind::never) {
      most = static_cast<int64_t>(i);
      break;
    }
    first.push_back(item);
  }
  const SchemaSet rest = set_at(placed);
  const bool ends = most != unbounded && most <= std::ssize(first);
  return list(first, ends || is_never(rest) ? rules_.never() : compile(rest), facets.items_least,
              most);
}

// Whether no value can have both. Where that is not known: false.
bool SchemaCompiler::are_disjoint(const SchemaSet& a, const SchemaSet& b, int32_t depth) {
  if (depth > disjoint_depth_max) return false;
  const Meaning left = meaning_of(a);
  const Meaning right = meaning_of(b);
  if (left.is_never || right.is_never) return true;
  // A choice excludes what all its branches exclude.
  for (const auto& [meaning, own, other] :
       {std::tuple(&left, &a, &b), std::tuple(&right, &b, &a)}) {
    if (meaning->choices.empty()) continue;
    const Choice& choice = meaning->choices.front();
    for (size_t i = 0; i < choice.branches->size(); ++i) {
      SchemaSet branch = *own;
      branch.emplace(choice.schema, choice.mark);
      hold(branch, (*choice.branches)[i]);
      if (!are_disjoint(branch, *other, depth + 1)) return false;
    }
    return true;
  }
  const SchemaFacets& l = left.facets;
  const SchemaFacets& r = right.facets;
  const auto excludes = [](const SchemaFacets& values, const SchemaFacets& facets) {
    return std::all_of(values.values->begin(), values.values->end(), [&](const SchemaJson* value) {
      if (fit(*value, facets) == Fit::no) return true;
      return facets.values &&
             std::none_of(facets.values->begin(), facets.values->end(),
                          [&](const SchemaJson* v) { return are_equal(*v, *value); });
    });
  };
  if (l.values) return excludes(l, r);
  if (r.values) return excludes(r, l);
  const uint32_t common = l.types & r.types;
  if ((common & (type_null | type_boolean | type_array)) != 0) return false;
  if ((common & (type_integer | type_fraction)) != 0 && !are_numbers_disjoint(l.numbers, r.numbers))
    return false;
  if ((common & type_string) != 0 && !are_strings_disjoint(l, r)) return false;
  return (common & type_object) == 0 || are_objects_disjoint(l, r, depth);
}

// By a property that one of them needs and whose values the other one never has.
bool SchemaCompiler::are_objects_disjoint(const SchemaFacets& a, const SchemaFacets& b,
                                          int32_t depth) {
  for (const auto& [needs, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    for (const std::string& name : needs->required) {
      const SchemaSet left = property_set(*needs, name);
      const SchemaSet right = property_set(*other, name);
      if (is_never(right)) return true;
      const bool both =
          std::find(other->required.begin(), other->required.end(), name) != other->required.end();
      // Where the other one may leave it out it has no value to be told by.
      if (both && are_disjoint(left, right, depth + 1)) return true;
    }
  }
  return false;
}

}  // namespace hearth::engine
