// Results are compared in cpu_backend_test and in the tests of whole models; here only how heads
// and tokens are cut.
#include "engine/backend/attention_dispatch.h"

#include <catch2/catch.hpp>

namespace hearth::engine {

TEST_CASE("query rows of a call never exceed what kernels take, and every head is covered") {
  for (const int64_t rows_max : {attention_queries_max, int64_t{512}}) {
    for (int32_t kv_heads : {1, 2, 8}) {
      for (int32_t group = 1; group <= 130; ++group) {
        const AttentionDispatch::Cut cut =
            AttentionDispatch::cut_of(kv_heads * group, kv_heads, rows_max);
        CHECK(cut.group_heads == group);
        CHECK(cut.chunk_tokens >= 1);
        CHECK(cut.chunk_tokens * cut.piece_heads <= rows_max);
        CHECK(cut.piece_heads * cut.piece_count >= group);
        CHECK(cut.piece_heads * (cut.piece_count - 1) < group);
      }
    }
  }
}

TEST_CASE("memory for states grows with the longest sequence only") {
  AttentionMemory memory(2);
  memory.reserve(100, 64);
  const float* first = memory.slot(0);
  memory.reserve(512, 64);
  CHECK(memory.slot(0) == first);
  memory.reserve(5000, 64);
  CHECK(memory.slot(1) - memory.slot(0) >= 10 * attention_queries_max * 66);
}

}  // namespace hearth::engine
