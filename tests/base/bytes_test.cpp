// Bounds-checked reads: right values, and an Error naming the field wherever bytes run out.
#include "base/bytes.h"

#include <array>
#include <catch2/catch.hpp>
#include <vector>

#include "base/error.h"

using namespace hearth;
using Catch::Matchers::Contains;

namespace {

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

}  // namespace

TEST_CASE("integers are little-endian and advance the offset") {
  const auto bytes = bytes_of({0x01, 0x02, 0x03, 0x04, 0xFF});
  ByteReader reader(bytes, "file");
  CHECK(reader.read<uint32_t>("a") == 0x04030201u);
  CHECK(reader.offset() == 4);
  CHECK(reader.read<uint8_t>("b") == 0xFF);
  CHECK(reader.remaining() == 0);
}

TEST_CASE("a read past the end names source, field and offset") {
  const auto bytes = bytes_of({1, 2, 3});
  ByteReader reader(bytes, "model.gguf");
  reader.read<uint8_t>("first");
  CHECK_THROWS_WITH(reader.read<uint32_t>("tensor count"),
                    Contains("model.gguf") && Contains("tensor count") && Contains("byte 1"));
  CHECK(reader.offset() == 1);
}

TEST_CASE("strings are bounded by what is there and by the limit") {
  auto bytes = bytes_of({3, 0, 0, 0, 0, 0, 0, 0, 'a', 'b', 'c'});
  CHECK(ByteReader(bytes, "f").read_string("s", 10) == "abc");
  CHECK_THROWS_WITH(ByteReader(bytes, "f").read_string("s", 2), Contains("at most 2"));
  bytes[0] = static_cast<std::byte>(200);
  CHECK_THROWS_AS(ByteReader(bytes, "f").read_string("s", 1000), Error);
}

TEST_CASE("a length near 2^64 does not wrap around") {
  const auto bytes = bytes_of({1, 2, 3});
  ByteReader reader(bytes, "f");
  CHECK_THROWS_AS(reader.take(~uint64_t{0}, "huge"), Error);
}
