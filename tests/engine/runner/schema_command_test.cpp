#include "engine/runner/schema_command.h"

#include <catch2/catch.hpp>

#include "base/error.h"

namespace hearth::engine {
namespace {

TEST_CASE("schema command: accepted is 0, not accepted 1, a wrong question an error") {
  SchemaCommand command;
  command.regex = "a+b";
  command.text = "aab";
  CHECK(run_schema(command) == 0);
  command.text = "aa";
  CHECK(run_schema(command) == 1);
  command.regex = "(";
  CHECK_THROWS_AS(run_schema(command), Error);
  command.regex = "a";
  command.grammar = "also.gbnf";
  CHECK_THROWS_AS(run_schema(command), Error);
}

}  // namespace
}  // namespace hearth::engine
