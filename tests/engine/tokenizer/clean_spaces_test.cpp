#include "engine/tokenizer/clean_spaces.h"

#include <catch2/catch.hpp>

namespace hearth::engine {
namespace {

std::string cleaned(std::string text) {
  clean_spaces(text);
  return text;
}

}  // namespace

TEST_CASE("spaces before punctuation and contractions go", "[tokenizer]") {
  CHECK(cleaned("so , what ? no ! yes . ; :") == "so, what? no! yes. ; :");
  CHECK(cleaned("it 's I 'm we 're they 've he 'll") == "it's I'm we're they've he 'll");
  CHECK(cleaned("rock ' n") == "rock'n");
  CHECK(cleaned("a ' ' b") == "a'' b");
  CHECK(cleaned("two  .") == "two .");
  CHECK(cleaned(" .") == ".");
  CHECK(cleaned("'") == "'");
  CHECK(cleaned("").empty());
}

}  // namespace hearth::engine
