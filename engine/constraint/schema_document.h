// A JSON Schema as it was written: its keywords, and what its references mean.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/constraint/schema_facets.h"

namespace hearth::engine {

class SchemaDocument {
 public:
  // Throws Error{invalid_argument} for what is no JSON, or nested more than 200 levels.
  SchemaDocument(std::string_view text, bool is_best_effort, std::vector<std::string>& warnings);

  const SchemaJson& root() const { return root_; }
  // Of an object, a list or a boolean of the document: "#/properties/a".
  std::string path_of(const SchemaJson& schema) const;
  // Objects, lists and booleans by the order in which they were written.
  uint32_t order_of(const SchemaJson& schema) const { return places_.find(&schema)->second.order; }
  // Throws Error{unsupported} with path and reason; with best effort only warns.
  void refuse(const std::string& path, std::string_view what);
  // Refuses the keywords of a schema that cannot be bound. `types` are the kinds of values that the
  // schema still allows: what is said about others does not matter.
  void check_keywords(const SchemaJson& schema, uint32_t types);
  // What a $ref means; null where it leads out of the document and best effort leaves it out.
  const SchemaJson* resolve(const SchemaJson& reference, const std::string& path);

 private:
  struct Place {
    const SchemaJson* parent = nullptr;
    uint32_t index = 0;  // among the parent's
    uint32_t order = 0;
  };

  void find_places();
  const SchemaJson* follow(std::string_view pointer, const std::string& path);

  SchemaJson root_;
  bool is_best_effort_;
  std::vector<std::string>& warnings_;
  std::unordered_map<const SchemaJson*, Place> places_;
  std::map<std::string, const SchemaJson*> anchors_;
};

}  // namespace hearth::engine
