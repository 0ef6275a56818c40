#include "engine/tokenizer/pair_table.h"

#include <catch2/catch.hpp>

namespace hearth::engine {

TEST_CASE("pairs are found in their order, the first of equal ones stays", "[tokenizer]") {
  PairTable table(10000);
  for (TokenId left = 0; left < 100; ++left) {
    for (TokenId right = 0; right < 100; ++right)
      table.add(left, right, {left * 100 + right, right});
  }
  table.add(3, 4, {-1, -1});
  for (TokenId left = 0; left < 100; ++left) {
    for (TokenId right = 0; right < 100; ++right)
      REQUIRE(table.find(left, right)->rank == left * 100 + right);
  }
  CHECK_FALSE(table.find(100, 0));
  CHECK_FALSE(table.find(0, 100));
}

}  // namespace hearth::engine
