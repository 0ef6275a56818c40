// Turns schemas into rules. What is compiled is never one schema but a set of them that hold
// together (allOf, references, the branches that were chosen of anyOf), so that merging is
// gathering, and recursion is a rule of a set that is known already.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/constraint/json_text.h"
#include "engine/constraint/rules.h"
#include "engine/constraint/schema_document.h"
#include "engine/constraint/schema_facets.h"

namespace hearth::engine {

class SchemaCompiler {
 public:
  SchemaCompiler(Rules& rules, SchemaDocument& document)
      : rules_(rules), document_(document), json_(rules) {}

  void compile_root();

 private:
  enum class Mark : uint8_t {
    holds,          // the schema
    any_of_chosen,  // a branch of its anyOf is in the set too
    one_of_chosen,
  };
  using Member = std::pair<const SchemaJson*, Mark>;
  using SchemaSet = std::set<Member>;

  // A choice that a set leaves open.
  struct Choice {
    const SchemaJson* schema = nullptr;  // whose anyOf or oneOf
    const SchemaJson* branches = nullptr;
    Mark mark = Mark::holds;
  };
  // What a set says.
  struct Meaning {
    bool is_never = false;
    SchemaFacets facets;
    std::vector<Choice> choices;
  };
  // Names of properties that are not listed, and what holds for their values.
  struct KeyClass {
    CodeAutomaton names;
    bool is_all = false;  // every name: `names` is not looked at
    SchemaSet values;
  };
  struct Property {
    std::string name;
    ExprId pair;  // "name": value
    bool is_required;
  };
  // The properties of an object while its rule is made.
  struct ObjectPlan {
    std::vector<Property> members;
    std::vector<ExprId> extras;  // pairs of names that are not listed
    bool counts = false;         // properties must be counted
    int64_t least = 0, most = unbounded;
    const SchemaJson* least_schema = nullptr;
    std::map<std::pair<size_t, int64_t>, ExprId> rest;  // calls, by member and count before it
  };

  void hold(SchemaSet& set, const SchemaJson& schema);
  Meaning meaning_of(const SchemaSet& set);
  void gather(const SchemaJson& schema, const SchemaSet& set, Meaning& meaning,
              std::set<const SchemaJson*>& seen, std::vector<const SchemaJson*>& schemas);
  void add_choice(const SchemaJson& schema, const char* keyword, Mark mark, const SchemaSet& set,
                  Meaning& meaning);

  ExprId compile(const SchemaSet& set);
  ExprId body_of(const SchemaSet& set);
  ExprId choice_of(const SchemaSet& set, const Choice& choice);
  ExprId value_of(const Meaning& meaning);
  ExprId typed(const SchemaFacets& facets);
  std::string path_of(const Choice& choice) const { return document_.path_of(*choice.branches); }
  ExprId values_of(const SchemaFacets& facets);
  ExprId literal(const SchemaJson& value);
  ExprId string_of(const SchemaFacets& facets);
  ExprId number_of(const SchemaFacets& facets, bool is_integer);
  ExprId array_of(const SchemaFacets& facets);
  ExprId list(const std::vector<ExprId>& first, ExprId rest, int64_t least, int64_t most);
  ExprId object_of(const SchemaFacets& facets);

  SchemaSet property_set(const SchemaFacets& facets, const std::string& name);
  std::vector<std::string> listed_names(const SchemaFacets& facets);
  std::vector<KeyClass> key_classes(const SchemaFacets& facets,
                                    const std::vector<std::string>& names);
  void split_classes(std::vector<KeyClass>& classes, const SchemaFacets::ObjectPart& part);
  CodeAutomaton pattern_of(const std::string& pattern, const SchemaJson& schema);
  bool is_closed(const SchemaFacets& facets, size_t listed) const;
  bool allows_name(const SchemaFacets& facets, const std::string& name);
  std::optional<CodeAutomaton> allowed_names(const SchemaFacets& facets);
  ExprId members_of(ObjectPlan& plan, size_t at, int64_t count, bool is_first);
  ExprId rest_of(ObjectPlan& plan, size_t at, int64_t count);
  ExprId extras_of(const ObjectPlan& plan, int64_t count, bool is_first);

  bool are_disjoint(const SchemaSet& a, const SchemaSet& b, int32_t depth);
  bool are_objects_disjoint(const SchemaFacets& a, const SchemaFacets& b, int32_t depth);
  bool is_never(const SchemaSet& set) { return meaning_of(set).is_never; }

  Rules& rules_;
  SchemaDocument& document_;
  JsonText json_;
  std::map<SchemaSet, ExprId> known_;
  std::deque<std::pair<SchemaSet, RuleId>> waiting_;  // sets whose rules have no body yet
  int32_t depth_ = 0;
  int64_t work_ = 0;
};

}  // namespace hearth::engine
