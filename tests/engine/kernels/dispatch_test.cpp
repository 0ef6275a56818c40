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
  CHECK(find_kernels("sse9", true) == nullptr);
}

TEST_CASE("dispatch: every table has a precise one, which is its own", "[kernels]") {
  const KernelTables all = available_kernels();
  for (int32_t i = 0; i < all.count; ++i) {
    const KernelTable* precise = find_kernels(all.tables[i]->name, true);
    REQUIRE(precise != nullptr);
    CHECK(precise != all.tables[i]);
    CHECK(precise == all.tables[i]->precise);
    CHECK(find_kernels(precise->name) == precise);
    CHECK(find_kernels(precise->name, true) == precise);
    CHECK(find_kernels(all.tables[i]->name, false) == all.tables[i]);
    for (int32_t f = 0; f < precise->format_count; ++f)
      CHECK(precise->formats[f].column == ColumnKind::f32);
  }
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
