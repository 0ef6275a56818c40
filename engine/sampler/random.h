// Random numbers without state: the n-th number of a seed is a function of (seed, n).
// Two rounds of the splitmix64 finaliser over seed and counter; good enough to draw tokens, not for
// secrets.
#pragma once

#include <cstdint>

namespace hearth::engine {

// The finaliser of splitmix64: every input bit reaches every output bit.
constexpr uint64_t mix_bits(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

constexpr uint64_t random_bits(uint64_t seed, uint64_t counter) {
  constexpr uint64_t golden = 0x9E3779B97F4A7C15u;
  return mix_bits(mix_bits(seed + golden) + (counter + 1) * golden);
}

class CounterRandom {
 public:
  explicit CounterRandom(uint64_t seed) : seed_(seed) {}

  // Uniform in [0, 1), 53 bits.
  double next() { return static_cast<double>(random_bits(seed_, counter_++) >> 11) * 0x1.0p-53; }

  uint64_t seed() const { return seed_; }
  uint64_t counter() const { return counter_; }

 private:
  uint64_t seed_;
  uint64_t counter_ = 0;
};

}  // namespace hearth::engine
