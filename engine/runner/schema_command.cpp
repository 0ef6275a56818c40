#include "engine/runner/schema_command.h"

#include <fmt/format.h>

#include <iostream>
#include <iterator>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "engine/constraint.h"

namespace hearth::engine {
namespace {

GrammarSource source_of(const SchemaCommand& command) {
  const int given = (command.schema.empty() ? 0 : 1) + (command.grammar.empty() ? 0 : 1) +
                    (command.regex.empty() ? 0 : 1);
  if (given != 1) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{} grammars: give one of --schema, --grammar and --regex", given));
  }
  if (!command.schema.empty())
    return {GrammarKind::json_schema, read_file(command.schema), command.is_best_effort};
  if (!command.grammar.empty()) return {GrammarKind::gbnf, read_file(command.grammar), false};
  return {GrammarKind::regex, command.regex, false};
}

}  // namespace

int run_schema(const SchemaCommand& command) {
  std::vector<std::string> warnings;
  const auto grammar = compile_grammar(source_of(command), &warnings);
  for (const std::string& warning : warnings) fmt::print(stderr, "left out: {}\n", warning);
  std::string text = command.text;
  if (text == "-") text.assign(std::istreambuf_iterator<char>(std::cin), {});
  const std::string why = mismatch(*grammar, text);
  if (why.empty()) return 0;
  fmt::print(stderr, "hearth-runner: not accepted: {}\n", why);
  return 1;
}

}  // namespace hearth::engine
