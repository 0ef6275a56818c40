// Which kernel tables a processor gets, and by which names.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

#include "engine/kernels/kernels.h"

using namespace hearth::engine;

TEST_CASE("dispatch: tables by name, the best one for no name", "[kernels]") {
  const KernelTables all = available_kernels();
  REQUIRE(all.count > 0);
  CHECK(std::string(all.tables[0]->name) == "scalar");
  for (int32_t i = 0; i < all.count; ++i) CHECK(find_kernels(all.tables[i]->name) == all.tables[i]);
  CHECK(find_kernels("") == all.tables[all.count - 1]);
  CHECK(find_kernels("sse9") == nullptr);
}

// tests/CMakeLists.txt runs this on processors of several ages, with the names that each must have.
TEST_CASE("dispatch: the tables that a processor is said to have", "[kernels]") {
  const char* expected = std::getenv("HEARTH_TABLES_EXPECTED");
  if (expected == nullptr) return;
  const KernelTables all = available_kernels();
  std::string names;
  for (int32_t i = 0; i < all.count; ++i) {
    if (i > 0) names += " ";
    names += all.tables[i]->name;
  }
  CHECK(names == expected);
}
