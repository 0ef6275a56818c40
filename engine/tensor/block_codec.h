// One block of each type to and from floats: what the table of codec.cpp is made of. Private to the
// codec; one source file per family defines them.
#pragma once

#include "engine/tensor/blocks.h"
#include "engine/tensor/blocks_few_bits.h"
#include "engine/tensor/blocks_iq.h"

namespace hearth::engine {

constexpr float half_max = 65504.0f;

// `values` has Block::values elements. Any bits may stand in a block; scales that are not finite
// give values that are not. NaN has no defined sign.
void decode_block(const BlockQ4_0& block, float* values);  // codec_legacy.cpp
void decode_block(const BlockQ4_1& block, float* values);
void decode_block(const BlockQ5_0& block, float* values);
void decode_block(const BlockQ5_1& block, float* values);
void decode_block(const BlockQ8_0& block, float* values);
void decode_block(const BlockQ8_1& block, float* values);
void decode_block(const BlockQ8K& block, float* values);
void decode_block(const BlockQ2K& block, float* values);  // codec_k.cpp
void decode_block(const BlockQ3K& block, float* values);
void decode_block(const BlockQ4K& block, float* values);
void decode_block(const BlockQ5K& block, float* values);
void decode_block(const BlockQ6K& block, float* values);
void decode_block(const BlockIq2Xxs& block, float* values);  // codec_iq.cpp
void decode_block(const BlockIq2Xs& block, float* values);
void decode_block(const BlockIq2S& block, float* values);
void decode_block(const BlockIq3Xxs& block, float* values);
void decode_block(const BlockIq3S& block, float* values);
void decode_block(const BlockIq1S& block, float* values);
void decode_block(const BlockIq1M& block, float* values);
void decode_block(const BlockIq4Nl& block, float* values);  // codec_iq4.cpp
void decode_block(const BlockIq4Xs& block, float* values);
void decode_block(const BlockTq1_0& block, float* values);  // codec_few_bits.cpp
void decode_block(const BlockTq2_0& block, float* values);
void decode_block(const BlockQ1_0& block, float* values);
void decode_block(const BlockQ2_0& block, float* values);
void decode_block(const BlockMxfp4& block, float* values);
void decode_block(const BlockNvfp4& block, float* values);

// `values` are finite.
void encode_block(const float* values, BlockQ4_0& block);
void encode_block(const float* values, BlockQ4_1& block);
void encode_block(const float* values, BlockQ5_0& block);
void encode_block(const float* values, BlockQ5_1& block);
void encode_block(const float* values, BlockQ8_0& block);
void encode_block(const float* values, BlockQ2K& block);
void encode_block(const float* values, BlockQ3K& block);
void encode_block(const float* values, BlockQ4K& block);
void encode_block(const float* values, BlockQ5K& block);
void encode_block(const float* values, BlockQ6K& block);
void encode_block(const float* values, BlockIq4Nl& block);
void encode_block(const float* values, BlockIq4Xs& block);
void encode_block(const float* values, BlockTq1_0& block);
void encode_block(const float* values, BlockTq2_0& block);
void encode_block(const float* values, BlockMxfp4& block);

}  // namespace hearth::engine
