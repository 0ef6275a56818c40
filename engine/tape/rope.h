// Rotary position embedding as frequencies per pair. Linear scaling, YaRN and frequency factors are
// linear in the position, so that everything is folded into one frequency per pair and one
// magnitude at load.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hearth::engine {

struct RopeTable {
  std::vector<double> frequencies;  // [pairs]; angle = position * frequency
  double magnitude = 1.0;           // multiplies cos and sin

  bool operator==(const RopeTable&) const = default;
};

struct RopeParameters {
  int64_t dimension_count = 0;  // values rotated per head, even
  double freq_base = 10000.0;
  double factor = 1.0;  // context extension; positions are divided by it
  bool yarn = false;
  double original_context = 0;  // yarn
  double beta_fast = 32.0;
  double beta_slow = 1.0;
  double ext_factor = 1.0;
  double attention_factor = 1.0;        // multiplies the magnitude
  double log_multiplier = 0.0;          // yarn
  std::span<const float> freq_factors;  // [pairs] or empty; each divides its pair's frequency
};

RopeTable make_rope_table(const RopeParameters& parameters);

// cos_sin[2 * pair] and [2 * pair + 1], computed in double and rounded once.
void rope_angles(const RopeTable& table, int64_t position, float* cos_sin);

}  // namespace hearth::engine
