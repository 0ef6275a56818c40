// F32, F16 and BF16 weights: read as they are, 16 at a time.
#pragma once

struct F32Weights {
  using Element = float;
  static F32x16 read(const float* p) { return load(p); }
  static F32x16 read_first(const float* p, int64_t count) { return load_first(p, count); }
};
struct F16Weights {
  using Element = uint16_t;
  static F32x16 read(const uint16_t* p) { return load_halves(p); }
  static F32x16 read_first(const uint16_t* p, int64_t count) { return load_halves_first(p, count); }
};
struct BF16Weights {
  using Element = uint16_t;
  static F32x16 read(const uint16_t* p) { return load_bfloats(p); }
  static F32x16 read_first(const uint16_t* p, int64_t count) {
    return load_bfloats_first(p, count);
  }
};
