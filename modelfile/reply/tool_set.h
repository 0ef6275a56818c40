// The tools that were offered: which of them a model means, and what type an argument has that was
// written as text.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "modelfile/chat.h"

namespace hearth::modelfile::reply {

// The types a value may have, looked for in alternatives as well; empty: the schema does not say.
std::set<std::string> value_types(const Json& schema);

class ToolSet {
 public:
  // Entries without a name are left out.
  explicit ToolSet(const std::vector<Tool>& tools);

  bool is_empty() const { return tools_.empty(); }
  // The offered tool that is meant: by its name, or by what some families make of names
  // ("functions.add:0", "get_weather" for "get-weather"). Absent: none.
  std::optional<std::string> resolve(std::string_view written) const;

  // The value of an argument that was written as text, by its type in the tool's schema: without
  // one it is a string.
  Json coerce(std::string_view tool, std::string_view key, std::string text) const;
  // The name of the argument at a place, for calls without names; absent: there is none.
  std::optional<std::string> parameter_at(std::string_view tool, size_t index) const;
  // Whether an object has everything the tool requires.
  bool has_required(std::string_view tool, const Json& arguments) const;

 private:
  const Json* parameters_of(std::string_view tool) const;

  struct Entry {
    std::string name;
    Json parameters;
  };
  std::vector<Entry> tools_;
};

}  // namespace hearth::modelfile::reply
