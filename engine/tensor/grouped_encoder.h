// Encoding of blocks of 256 whose groups have integer scales (and mins) below half-precision ones:
// the K types and IQ4_XS. Private to the codec.
#pragma once

#include <array>
#include <cstdint>

#include "engine/tensor/scale_search.h"

namespace hearth::engine {

constexpr int grouped_values = 256;
constexpr int group_count_max = 16;

// The integers a type stores per group: scales from scale_low to scale_high, mins (with an offset)
// from 0 to scale_high. After the search, neighbours up to `scale_reach` and `min_reach` away from
// the rounded pair are tried.
struct GroupedRow {
  SearchRow search;
  int group_values;
  int scale_low;
  int scale_high;
  int scale_reach;
  int min_reach;
};

// value = d * scales[group] * level(code) - dmin * mins[group].
struct GroupedBlock {
  uint16_t d = 0;
  uint16_t dmin = 0;
  std::array<int8_t, group_count_max> scales{};
  std::array<int8_t, group_count_max> mins{};
  std::array<uint8_t, grouped_values> codes{};
};

// `values` are 256, finite.
GroupedBlock encode_groups(const GroupedRow& row, const float* values);

}  // namespace hearth::engine
