#include "engine/backend/huge_memory.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <utility>

#include "base/error.h"

namespace hearth::engine {

TEST_CASE("memory of large pages is aligned, zeroed, and moves") {
  constexpr int64_t size = (int64_t{5} << 20) + 1;
  HugeMemory memory(size, "a test");
  CHECK(reinterpret_cast<uintptr_t>(memory.data()) % (uintptr_t{2} << 20) == 0);
  CHECK(memory.data()[size - 1] == std::byte{0});
  memory.data()[size - 1] = std::byte{1};
  const std::byte* data = memory.data();
  HugeMemory other = std::move(memory);
  CHECK(other.data() == data);
  CHECK(memory.data() == nullptr);
  memory = std::move(other);
  CHECK(memory.data()[size - 1] == std::byte{1});
}

TEST_CASE("no memory is asked for where none is wanted, and too much is refused") {
  CHECK(HugeMemory(0, "a test").data() == nullptr);
  CHECK_THROWS_WITH(HugeMemory(int64_t{1} << 50, "a test"),
                    Catch::Contains("no memory for a test: 1125899906842624 bytes"));
}

}  // namespace hearth::engine
