#include "engine/kv_type.h"

#include <catch2/catch.hpp>
#include <cstdint>

using namespace hearth::engine;

TEST_CASE("cache types have the names of the format") {
  for (const std::string_view name : kv_type_names) {
    REQUIRE(kv_type_from_name(name).has_value());
    CHECK(kv_type_name(*kv_type_from_name(name)) == name);
  }
  CHECK(kv_type_from_name("q8_0") == KvType::q8_0);
  CHECK_FALSE(kv_type_from_name("q9").has_value());
  CHECK_FALSE(kv_type_from_name("").has_value());
  CHECK(kv_type_choices() == "f32, f16, q8_0 or q4_0");
}

TEST_CASE("bytes of cache types are what the kernels take") {
  const KernelTable& kernels = *find_kernels("scalar");
  for (const std::string_view name : kv_type_names) {
    const KvType type = *kv_type_from_name(name);
    INFO(name);
    CHECK(kernels.kv_head_bytes({type, 64, 96}) == kv_bytes(type, page_tokens * 160));
  }
  CHECK(kv_bytes(KvType::q4_0, 33) == 36);
  CHECK(kv_bytes(KvType::f32, INT64_MAX) == INT64_MAX);
}

TEST_CASE("quantised cache types need whole blocks in a head") {
  CHECK(fits_head(KvType::q8_0, 128));
  CHECK_FALSE(fits_head(KvType::q8_0, 80));
  CHECK_FALSE(fits_head(KvType::q4_0, 16));
  CHECK(fits_head(KvType::f16, 80));
}
