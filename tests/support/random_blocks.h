// For kernel tests and benchmarks: blocks of random bits, so that every code of a type comes up,
// with scales of a sensible size. Needs no encoder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>

#include "engine/tensor/dtype.h"

// Where a type has its half-precision scales; -1: none there.
struct HalfPlaces {
  hearth::engine::DType type;
  int first = 0;
  int second = -1;
};

inline HalfPlaces half_places(hearth::engine::DType type) {
  using hearth::engine::DType;
  constexpr HalfPlaces unusual[] = {
      {DType::q4_1, 0, 2},    {DType::q5_1, 0, 2},    {DType::q4_k, 0, 2},
      {DType::q5_k, 0, 2},    {DType::q2_k, 80, 82},  {DType::q3_k, 108, -1},
      {DType::q6_k, 208, -1}, {DType::tq1_0, 52, -1}, {DType::tq2_0, 64, -1},
      {DType::iq1_m, -1, -1}, {DType::mxfp4, -1, -1}, {DType::nvfp4, -1, -1},
  };
  for (const HalfPlaces& row : unusual) {
    if (row.type == type) return row;
  }
  return {type};
}

// Of a quantised type; `bytes` is a whole number of blocks. Scales are 2^-8 to 2^-3, of any sign.
inline void fill_random_blocks(hearth::engine::DType type, std::span<std::byte> bytes,
                               std::mt19937& random) {
  using hearth::engine::DType;
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  const HalfPlaces places = half_places(type);
  const auto block_bytes = static_cast<size_t>(hearth::engine::info(type).block_bytes);
  for (size_t at = 0; at < bytes.size(); at += block_bytes) {
    for (const int place : {places.first, places.second}) {
      if (place < 0) continue;
      const auto half = static_cast<uint16_t>((random() & 0x83ff) | (7 + random() % 5) << 10);
      std::memcpy(bytes.data() + at + place, &half, sizeof(half));
    }
    if (type == DType::mxfp4) bytes[at] = static_cast<std::byte>(118 + random() % 8);
    // The nibble with the sign and the upper bits of the exponent.
    if (type == DType::iq1_m) bytes[at + 55] = (bytes[at + 55] & std::byte{0x8f}) | std::byte{0x20};
  }
}
