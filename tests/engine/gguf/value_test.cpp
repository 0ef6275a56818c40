#include "engine/gguf/value.h"

#include <catch2/catch.hpp>
#include <cstring>

using namespace hearth::engine;

namespace {

template <typename T>
GgufValue scalar(GgufType type, const T& value) {
  return GgufValue(type, type, 1, std::as_bytes(std::span<const T, 1>(&value, 1)));
}

}  // namespace

TEST_CASE("integers of any width read as int64") {
  const uint16_t small = 65535;
  const int8_t negative = -1;
  const uint64_t large = uint64_t{1} << 63;
  CHECK(scalar(GgufType::u16, small).as_int() == 65535);
  CHECK(scalar(GgufType::i8, negative).as_int() == -1);
  CHECK(scalar(GgufType::i8, negative).as_float() == -1.0);
  CHECK(!scalar(GgufType::u64, large).as_int());
  CHECK(!scalar(GgufType::i8, negative).as_bool());
  CHECK(scalar(GgufType::u16, small).as_ints() == std::vector<int64_t>{65535});
}

TEST_CASE("a value of another kind is absent, never misread") {
  const float number = 1.0f;
  const auto value = scalar(GgufType::f32, number);
  CHECK(value.as_float() == 1.0);
  CHECK(!value.as_int());
  CHECK(!value.as_bool());
  CHECK(!value.as_string());
  CHECK(!value.as_strings());
  CHECK(!GgufValue().as_int());
  CHECK(GgufValue().as_ints()->empty());
}

TEST_CASE("arrays read as arrays only") {
  const uint8_t flags[] = {0, 1, 1};
  const GgufValue value(GgufType::array, GgufType::boolean, 3, std::as_bytes(std::span(flags)));
  CHECK(value.as_bools() == std::vector<bool>{false, true, true});
  CHECK(value.as_ints() == std::vector<int64_t>{0, 1, 1});
  CHECK(!value.as_floats());
  CHECK(!value.as_int());
  CHECK(value.type_name() == "array of bool (3)");
  CHECK(size_bytes(GgufType::string) == std::nullopt);
  CHECK(size_bytes(static_cast<GgufType>(77)) == std::nullopt);
  CHECK(to_string(static_cast<GgufType>(77)) == "unknown");
}
