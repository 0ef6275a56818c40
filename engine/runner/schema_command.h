// `hearth-runner schema`: whether a grammar accepts a text.
#pragma once

#include <filesystem>
#include <string>

namespace hearth::engine {

struct SchemaCommand {
  // One of the three.
  std::filesystem::path schema;
  std::filesystem::path grammar;
  std::string regex;
  std::string text;  // "-": standard input
  bool is_best_effort = false;
};

// The exit code: 0 where the text is accepted, else 1 and one line on standard error that says why.
// Throws as compile_grammar, and Error{invalid_argument} unless exactly one grammar was given.
int run_schema(const SchemaCommand& command);

}  // namespace hearth::engine
