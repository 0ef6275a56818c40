// The objects of schema_compiler.h: listed properties in their order, then any others.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "engine/constraint/code_automaton.h"
#include "engine/constraint/regex.h"
#include "engine/constraint/schema_compiler.h"

namespace hearth::engine {
namespace {

constexpr size_t classes_max = 32;
constexpr int64_t counted_states_max = 20'000;

}  // namespace

CodeAutomaton SchemaCompiler::pattern_of(const std::string& pattern, const SchemaJson& schema) {
  try {
    return regex_automaton(pattern, RegexUse::search);
  } catch (const Error& error) {
    throw Error(error.code(),
                fmt::format("schema, {}: {}", document_.path_of(schema), error.what()));
  }
}

// All that holds for the value of a property.
SchemaCompiler::SchemaSet SchemaCompiler::property_set(const SchemaFacets& facets,
                                                       const std::string& name) {
  SchemaSet set;
  for (const SchemaFacets::ObjectPart& part : facets.objects) {
    bool is_known = false;
    if (part.properties != nullptr) {
      const auto place = part.properties->find(name);
      if (place != part.properties->end()) {
        hold(set, *place);
        is_known = true;
      }
    }
    if (part.patterns != nullptr) {
      for (const auto& item : part.patterns->items()) {
        if (!accepts(pattern_of(item.key(), *part.patterns), name)) continue;
        hold(set, item.value());
        is_known = true;
      }
    }
    if (!is_known && part.additional != nullptr) hold(set, *part.additional);
  }
  return set;
}

std::vector<std::string> SchemaCompiler::listed_names(const SchemaFacets& facets) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const SchemaFacets::ObjectPart& part : facets.objects) {
    if (part.properties == nullptr) continue;
    for (const auto& item : part.properties->items()) {
      if (seen.insert(item.key()).second) names.push_back(item.key());
    }
  }
  for (const std::string& name : facets.required) {
    if (seen.insert(name).second) names.push_back(name);
  }
  return names;
}

// Absent: all names.
std::optional<CodeAutomaton> SchemaCompiler::allowed_names(const SchemaFacets& facets) {
  std::optional<CodeAutomaton> allowed;
  for (const SchemaJson* schema : facets.property_names) {
    SchemaSet set;
    hold(set, *schema);
    const Meaning meaning = meaning_of(set);
    const SchemaFacets& f = meaning.facets;
    CodeAutomaton names = all_texts();
    if (meaning.is_never || (f.types & type_string) == 0) {
      names = texts_of({});
    } else if (!meaning.choices.empty()) {
      document_.refuse(document_.path_of(*schema),
                       "\"propertyNames\" with alternatives cannot be bound");
    } else if (f.values) {
      std::vector<std::string> texts;
      for (const SchemaJson* value : *f.values) {
        if (value->is_string() && fit(*value, f) == Fit::yes)
          texts.push_back(value->get<std::string>());
      }
      names = texts_of(texts);
    } else {
      SchemaFacets all = f;
      all.patterns.push_back(all_texts());
      names = string_automaton(all);
    }
    allowed = allowed ? intersection(*allowed, names) : names;
  }
  return allowed;
}

// Who lists the properties of an object and says nothing about others wants no others.
bool SchemaCompiler::is_closed(const SchemaFacets& facets, size_t listed) const {
  if (!facets.says_object || !facets.property_names.empty()) return false;
  if (std::cmp_greater(facets.properties_least, listed)) return false;
  bool lists = false;
  for (const SchemaFacets::ObjectPart& part : facets.objects) {
    if (part.additional != nullptr || part.patterns != nullptr) return false;
    lists = lists || (part.properties != nullptr && !part.properties->empty());
  }
  return lists;
}

void SchemaCompiler::split_classes(std::vector<KeyClass>& classes,
                                   const SchemaFacets::ObjectPart& part) {
  std::vector<KeyClass> matched;
  if (part.patterns != nullptr) {
    for (const auto& item : part.patterns->items()) {
      const CodeAutomaton pattern = pattern_of(item.key(), *part.patterns);
      const CodeAutomaton others = inverted(pattern);
      std::vector<KeyClass> outside;
      std::vector<KeyClass> inside;
      const auto split = [&](const KeyClass& c, std::vector<KeyClass>& rest) {
        const CodeAutomaton names = c.is_all ? all_texts() : c.names;
        KeyClass with{intersection(names, pattern), false, c.values};
        hold(with.values, item.value());
        if (!is_empty(with.names)) inside.push_back(std::move(with));
        KeyClass without{intersection(names, others), false, c.values};
        if (!is_empty(without.names)) rest.push_back(std::move(without));
      };
      std::vector<KeyClass> still;
      for (const KeyClass& c : matched) split(c, still);
      for (const KeyClass& c : classes) split(c, outside);
      matched = std::move(still);
      matched.insert(matched.end(), inside.begin(), inside.end());
      classes = std::move(outside);
      if (classes.size() + matched.size() > classes_max) {
        throw Error(ErrorCode::unsupported,
                    fmt::format("schema, {}: too many patterns that hold together",
                                document_.path_of(*part.patterns)));
      }
    }
  }
  if (part.additional != nullptr) {
    for (KeyClass& c : classes) hold(c.values, *part.additional);
  }
  classes.insert(classes.end(), matched.begin(), matched.end());
}

std::vector<SchemaCompiler::KeyClass> SchemaCompiler::key_classes(
    const SchemaFacets& facets, const std::vector<std::string>& names) {
  if (is_closed(facets, names.size())) return {};
  KeyClass all;
  all.is_all = true;
  if (auto allowed = allowed_names(facets)) all = {std::move(*allowed), false, {}};
  if (!names.empty())
    all = {
        intersection(all.is_all ? all_texts() : all.names, inverted(texts_of(names))), false, {}};
  std::vector<KeyClass> classes{std::move(all)};
  for (const SchemaFacets::ObjectPart& part : facets.objects) split_classes(classes, part);
  std::erase_if(classes, [this](const KeyClass& c) {
    return (!c.is_all && is_empty(c.names)) || is_never(c.values);
  });
  return classes;
}

bool SchemaCompiler::allows_name(const SchemaFacets& facets, const std::string& name) {
  const auto allowed = allowed_names(facets);
  return !allowed || accepts(*allowed, name);
}

ExprId SchemaCompiler::object_of(const SchemaFacets& facets) {
  ObjectPlan plan;
  const std::vector<std::string> names = listed_names(facets);
  int64_t required = 0;
  for (const std::string& name : names) {
    const bool is_required =
        std::find(facets.required.begin(), facets.required.end(), name) != facets.required.end();
    const SchemaSet set = property_set(facets, name);
    const bool is_possible =
        (facets.property_names.empty() || allows_name(facets, name)) && !is_never(set);
    const ExprId value = is_possible ? compile(set) : rules_.never();
    if (rules_.expr(value).kind == Rules::Kind::never) {
      if (is_required) return rules_.never();
      continue;
    }
    plan.members.push_back({name, rules_.sequence({json_.key(name), value}), is_required});
    required += is_required ? 1 : 0;
  }
  for (KeyClass& c : key_classes(facets, names)) {
    const ExprId quote = rules_.bytes("\"");
    const ExprId name =
        c.is_all
            ? json_.string()
            : rules_.atom(rules_.sequence(
                  {quote, rules_.automaton(std::move(c.names), Spelling::json_string), quote}));
    plan.extras.push_back(rules_.sequence({json_.key(name), compile(c.values)}));
  }
  plan.least = facets.properties_least;
  plan.least_schema = facets.properties_least_schema;
  plan.most = facets.properties_most;
  const bool reaches_most =
      plan.most != unbounded && (!plan.extras.empty() || plan.most < std::ssize(plan.members));
  plan.counts = plan.least > required || reaches_most;
  if (plan.counts && std::ssize(plan.members) * std::ssize(plan.members) > counted_states_max)
    throw Error(ErrorCode::unsupported,
                "schema: minProperties or maxProperties with so many properties");
  return rules_.sequence(
      {rules_.bytes("{"), json_.blank(), members_of(plan, 0, 0, true), rules_.bytes("}")});
}

// The members from `at` on, `count` having come before, and the blanks before the end.
ExprId SchemaCompiler::members_of(ObjectPlan& plan, size_t at, int64_t count, bool is_first) {
  std::vector<ExprId> ways;
  std::vector<ExprId> parts;  // that come for certain, or may come without anything depending on it
  const ExprId comma = rules_.sequence({rules_.bytes(","), json_.blank()});
  for (; at < plan.members.size(); ++at) {
    const Property& member = plan.members[at];
    if (is_first || plan.counts) {
      // Whether this one comes decides about what is behind it.
      const ExprId with = rules_.sequence(
          {is_first ? rules_.empty() : comma, member.pair, rest_of(plan, at + 1, count + 1)});
      ways.push_back(with);
      if (member.is_required) return rules_.choice(ways);
      if (!is_first) {
        ways.push_back(rest_of(plan, at + 1, count));
        return rules_.choice(ways);
      }
    } else {
      const ExprId pair = rules_.sequence({comma, member.pair});
      parts.push_back(member.is_required ? pair : rules_.optional(pair));
    }
  }
  parts.push_back(extras_of(plan, count, is_first));
  ways.push_back(rules_.sequence(parts));
  return rules_.choice(ways);
}

ExprId SchemaCompiler::rest_of(ObjectPlan& plan, size_t at, int64_t count) {
  const auto known = plan.rest.find({at, plan.counts ? count : 0});
  if (known != plan.rest.end()) return known->second;
  const RuleId rule = rules_.add_rule("members");
  const ExprId call = rules_.call(rule);
  plan.rest.emplace(std::pair(at, plan.counts ? count : 0), call);
  rules_.define(rule, members_of(plan, at, count, false));
  return call;
}

// Names that are not listed may come more than once, so only one of them counts for the least.
ExprId SchemaCompiler::extras_of(const ObjectPlan& plan, int64_t count, bool is_first) {
  const ExprId end = is_first ? rules_.empty() : json_.blank();
  int64_t least = 0;
  int64_t most = unbounded;
  if (plan.counts) {
    least = std::max<int64_t>(0, plan.least - count);
    if (plan.most != unbounded) most = plan.most - count;
    if (most != unbounded && most < least) return rules_.never();
  }
  if (plan.extras.empty() || most == 0) return least == 0 ? end : rules_.never();
  if (least > 1) {
    document_.refuse(document_.path_of(*plan.least_schema) + "/minProperties",
                     "\"minProperties\" above the number of listed properties cannot be bound");
    least = 1;
  }
  const ExprId pair = rules_.choice(plan.extras);
  const ExprId more = rules_.sequence({rules_.bytes(","), json_.blank(), pair});
  if (!is_first) return rules_.sequence({rules_.repeat(more, least, most), end});
  const ExprId all = rules_.sequence(
      {pair, rules_.repeat(more, 0, most == unbounded ? unbounded : most - 1), json_.blank()});
  return least > 0 ? all : rules_.optional(all);
}

}  // namespace hearth::engine
