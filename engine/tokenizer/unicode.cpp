#include "engine/tokenizer/unicode.h"

#include <algorithm>
#include <span>

namespace hearth::engine {
namespace {

struct ClassRun {
  uint32_t first, last;
  CodePointClass value;
};

// first + i * stride maps to target + i * step.
struct MapRun {
  uint32_t first, last, stride, target, step;
};

#include "engine/tokenizer/unicode_tables.inl"

// The run that holds `c`; null when none does.
template <typename Run>
const Run* find_run(std::span<const Run> runs, uint32_t c) {
  const auto after =
      std::upper_bound(runs.begin(), runs.end(), c,
                       [](uint32_t value, const Run& run) { return value < run.first; });
  if (after == runs.begin()) return nullptr;
  const Run& run = *std::prev(after);
  return c <= run.last ? &run : nullptr;
}

uint32_t map(std::span<const MapRun> runs, uint32_t c) {
  const MapRun* run = find_run(runs, c);
  if (run == nullptr || (c - run->first) % run->stride != 0) return c;
  return run->target + (c - run->first) / run->stride * run->step;
}

}  // namespace

CodePointClass code_point_class(uint32_t c) {
  const ClassRun* run = find_run(std::span<const ClassRun>(class_runs), c);
  return run == nullptr ? CodePointClass::other : run->value;
}

bool is_white_space(uint32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 0x09 && c <= 0x0D);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

uint32_t lower_case(uint32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  return map(lower_runs, c);
}

uint32_t base_character(uint32_t c) {
  if (c < 0x80) return c;
  constexpr uint32_t first_syllable = 0xAC00, last_syllable = 0xD7A3, first_jamo = 0x1100;
  constexpr uint32_t syllables_per_jamo = 21 * 28;
  if (c >= first_syllable && c <= last_syllable)
    return first_jamo + (c - first_syllable) / syllables_per_jamo;
  return map(base_runs, c);
}

bool is_cjk(uint32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

}  // namespace hearth::engine
