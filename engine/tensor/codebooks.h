// The code books of the IQ types: lists of points, hand-picked by the author of the format, that
// the indices in a block choose from. An entry holds one value per byte, element 0 in the lowest
// (8 elements in a uint64_t, 4 in a uint32_t): magnitudes for IQ2 and IQ3, whose signs are stored
// in the block, and -1, 0, 1 as int8_t for IQ1.
//
// The tables are constants, expanded by the compiler from bitmaps a tenth of their size, so they
// may be read from any thread and any static initialiser. Freestanding, for kernels.
#pragma once

#include <cstdint>

namespace hearth::engine {

template <typename Entry, int count>
struct Codebook {
  static constexpr int size = count;
  Entry entries[count];
};

extern const Codebook<uint64_t, 256> iq2_xxs_codebook;
extern const Codebook<uint64_t, 512> iq2_xs_codebook;
extern const Codebook<uint64_t, 1024> iq2_s_codebook;
extern const Codebook<uint32_t, 256> iq3_xxs_codebook;
extern const Codebook<uint32_t, 512> iq3_s_codebook;
extern const Codebook<uint64_t, 2048> iq1_codebook;  // of IQ1_S and IQ1_M

}  // namespace hearth::engine
