// Names of error codes go out over the wire and come back.
#include "base/error.h"

#include <catch2/catch.hpp>

using namespace hearth;

TEST_CASE("error codes and names are inverse") {
  for (int i = 0; i <= static_cast<int>(ErrorCode::internal); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    CHECK(error_code_from(to_string(code)) == code);
  }
  CHECK(to_string(ErrorCode::out_of_memory) == "out_of_memory");
}

TEST_CASE("an unknown error name is internal") {
  CHECK(error_code_from("no_such_code") == ErrorCode::internal);
}
