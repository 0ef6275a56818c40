// f32 column -> Q8Block's (docs/numerics.md, "Columns").
#pragma once

inline int64_t column_bytes(ColumnKind kind, int64_t width) noexcept {
  if (kind == ColumnKind::f32) return width * static_cast<int64_t>(sizeof(float));
  return (width + Q8Block::values - 1) / Q8Block::values * static_cast<int64_t>(sizeof(Q8Block));
}

// Sums of each 16 and each 32 of block.q. Integers: any order is the same.
inline void sum_quants(Q8Block& block) {
  // A dot product with ones sums each 4 bytes; eight 16-value groups fill the dwords of two
  // vectors.
  int32_t by4[64];
  const I32x16 ones = splat_i32(0x01010101);
  for (int i = 0; i < 4; ++i)
    store_i32(by4 + 16 * i, dot_unsigned(zero_i32(), ones, load_i32(block.q + 64 * i)));
  for (int i = 0; i < 16; ++i) {
    block.sums16[i] =
        static_cast<int16_t>(by4[4 * i] + by4[4 * i + 1] + by4[4 * i + 2] + by4[4 * i + 3]);
  }
  for (int i = 0; i < 8; ++i)
    block.sums32[i] = static_cast<int16_t>(block.sums16[2 * i] + block.sums16[2 * i + 1]);
}

inline void quantize_block(const float* x, int64_t count, Q8Block& block) {
  F32x16 values[16];
  F32x16 largest = zero_f32();
  for (int i = 0; i < 16; ++i) {
    const int64_t left = count - 16 * i;
    values[i] = left >= 16 ? load(x + 16 * i)
                : left > 0 ? load_first(x + 16 * i, left)
                           : zero_f32();
    largest = max(abs(values[i]), largest);
  }
  const float magnitude = max_lane(largest);
  // So small a block counts as zero: 127 / magnitude would overflow.
  const bool is_zero = magnitude < 0x1p-100f;
  const F32x16 factor = splat(is_zero ? 0.0f : 127.0f / magnitude);
  for (int i = 0; i < 16; ++i) store_bytes(block.q + 16 * i, to_int(mul(values[i], factor)));
  block.scale = is_zero ? 0.0f : magnitude / 127.0f;
  sum_quants(block);
  block.unused[0] = block.unused[1] = block.unused[2] = 0.0f;
}

inline void quantize(const float* x, int64_t width, void* column) {
  Q8Block* block = static_cast<Q8Block*>(column);
  for (int64_t begin = 0; begin < width; begin += Q8Block::values, ++block) {
    const int64_t left = width - begin;
    quantize_block(x + begin, left < Q8Block::values ? left : Q8Block::values, *block);
  }
}

inline void prepare_column(ColumnKind kind, const float* x, int64_t width, void* column) noexcept {
  if (kind == ColumnKind::f32) {
    __builtin_memcpy(column, x, static_cast<size_t>(width) * sizeof(float));
  } else {
    quantize(x, width, column);
  }
}
