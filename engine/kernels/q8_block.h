// The int8 form of an input vector (ColumnKind::q8): one block per 256 values, the last one
// zero-filled. Private to the kernels and their tests. Freestanding.
#pragma once

#include <cstdint>

namespace hearth::engine {

struct alignas(64) Q8Block {
  static constexpr int values = 256;
  int8_t q[256];       // x / scale, in -127..127
  int16_t sums16[16];  // of each 16 of q
  int16_t sums32[8];   // of each 32 of q
  float scale;
  float unused[3];
};
static_assert(sizeof(Q8Block) == 320);

}  // namespace hearth::engine
