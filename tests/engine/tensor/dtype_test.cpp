#include "engine/tensor/dtype.h"

#include <catch2/catch.hpp>
#include <set>

#include "engine/tensor/blocks.h"
#include "engine/tensor/codec.h"

using namespace hearth::engine;

TEST_CASE("every row of the type table is found by id and by name") {
  std::set<uint32_t> ids;
  for (const DTypeInfo& row : dtype_table) {
    INFO(row.name);
    CHECK(find_dtype(static_cast<uint32_t>(row.type)) == &row);
    CHECK(&info(row.type) == &row);
    CHECK(dtype_from_name(row.name) == row.type);
    CHECK(codec_of(row.type).type == row.type);
    ids.insert(static_cast<uint32_t>(row.type));
  }
  CHECK(ids.size() == std::size(dtype_table));
  CHECK(dtype_from_name("Q4_K") == DType::q4_k);
  CHECK(!dtype_from_name("q4_"));
  CHECK(!dtype_from_name(""));
}

TEST_CASE("ids that are not ours are unknown, and explained where they are known elsewhere") {
  for (const uint32_t id : {4u, 5u, 31u, 33u, 36u, 38u, 43u, 63u, 64u, 133u, 212u, 4294967295u}) {
    INFO(id);
    CHECK(find_dtype(id) == nullptr);
  }
  CHECK(describe_foreign_dtype(36).find("BitNet") != std::string::npos);
  CHECK(describe_foreign_dtype(133) == "Q6_0 of the ik_llama.cpp fork");
  CHECK(describe_foreign_dtype(212).find("q4_k_r4") == 0);
  CHECK(describe_foreign_dtype(44).find("TurboQuant") != std::string::npos);
  CHECK(describe_foreign_dtype(1000000).empty());
}

TEST_CASE("a row has the size of its blocks") {
  CHECK(row_bytes(DType::f32, 3) == 12);
  CHECK(row_bytes(DType::q4_k, 4096) == 16 * 144);
  CHECK(row_bytes(DType::mxfp4, 64) == 34);
  CHECK(row_bytes(DType::q6_k, 0) == 0);
  CHECK(info(DType::q4_0).block_bytes == sizeof(BlockQ4_0));
  CHECK(info(DType::q6_k).block_bytes == sizeof(BlockQ6K));
}
