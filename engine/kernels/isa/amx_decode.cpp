// The decode role of the AMX table: many columns on the tile unit, few ones as AVX-512 does them.
// Everything but the two functions of tables.h is in an anonymous namespace, so that no code made
// with this file's compiler flags can be called from elsewhere.
#include <immintrin.h>

#include "engine/kernels/isa/tables.h"

namespace hearth::engine {
namespace {
#define HEARTH_DOTS_ON_TILES
#include "engine/kernels/simd/avx512.inl"

#include "engine/kernels/amx/exact_blocks.inl"
#include "engine/kernels/formats/fp4.inl"
#include "engine/kernels/formats/iq4.inl"
#include "engine/kernels/formats/q4_0.inl"
#include "engine/kernels/formats/q4_k.inl"
#include "engine/kernels/formats/q5.inl"
#include "engine/kernels/formats/q5_k.inl"
#include "engine/kernels/formats/q6_k.inl"
#include "engine/kernels/formats/q8_0.inl"

template <DType type, class Format>
void decode(const LinearArgs& args) noexcept {
  const int64_t count = exact_column_count(args.column_count);
  if (count > 0) {
    LinearArgs on_tiles = args;
    on_tiles.column_count = count;
    exact_blocks<Format>(on_tiles);
  }
  if (count < args.column_count) {
    static const LinearFn vector_decode = find_format(avx512_table, type)->decode;
    LinearArgs rest = args;
    rest.columns = static_cast<const uint8_t*>(args.columns) + count * args.column_stride_bytes;
    rest.output = args.output + count * args.output_stride;
    rest.column_count -= count;
    vector_decode(rest);
  }
}

struct DecodeKernel {
  DType type;
  LinearFn decode;
};

// Formats with scales per 32 values, and the most frequent one with 16 of them to a scale. Minimums
// that are floats cost more than the unit saves.
constexpr DecodeKernel decode_kernels[] = {
    {DType::q8_0, decode<DType::q8_0, Q8_0>},      {DType::q4_0, decode<DType::q4_0, Q4_0>},
    {DType::q5_0, decode<DType::q5_0, Q5_0>},      {DType::q4_k, decode<DType::q4_k, Q4K>},
    {DType::q5_k, decode<DType::q5_k, Q5K>},       {DType::iq4_nl, decode<DType::iq4_nl, Iq4Nl>},
    {DType::iq4_xs, decode<DType::iq4_xs, Iq4Xs>}, {DType::mxfp4, decode<DType::mxfp4, Mxfp4>},
    {DType::q6_k, decode<DType::q6_k, Q6K>},
};

}  // namespace

LinearFn amx_decode(DType type) noexcept {
  for (const DecodeKernel& kernel : decode_kernels) {
    if (kernel.type == type) return kernel.decode;
  }
  return nullptr;
}

int64_t amx_decode_scratch_bytes() noexcept {
  return static_cast<int64_t>(sizeof(ExactScratch));
}

}  // namespace hearth::engine
