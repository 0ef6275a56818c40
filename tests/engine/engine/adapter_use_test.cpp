// Which adapter a request gets, and what it may not ask for.
#include "engine/engine/adapter_use.h"

#include <catch2/catch.hpp>
#include <limits>

#include "base/error.h"

namespace hearth::engine {

TEST_CASE("adapter use: unsaid means the first one where there is one, 0 means none") {
  CHECK(adapter_use(-1, 1, 0).number == -1);
  CHECK(adapter_use(-1, 1, 2).number == 0);
  CHECK(adapter_use(0, 1, 2).number == -1);
  CHECK(adapter_use(2, 0.5F, 2).number == 1);
  CHECK(adapter_use(2, 0.5F, 2).scale == 0.5F);
}

TEST_CASE("adapter use: one that is not loaded and a scale that is no number are refused") {
  CHECK_THROWS_AS(adapter_use(3, 1, 2), Error);
  CHECK_THROWS_AS(adapter_use(1, 1, 0), Error);
  CHECK_THROWS_AS(adapter_use(-2, 1, 2), Error);
  CHECK_THROWS_AS(adapter_use(1, std::numeric_limits<float>::infinity(), 1), Error);
}

}  // namespace hearth::engine
