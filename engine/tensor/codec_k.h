// The types with blocks of 256 and scales per sub-block: Q4_K, Q5_K, Q6_K. Private to the codec.
#pragma once

#include "engine/tensor/blocks.h"

namespace hearth::engine {

// `values` has 256 elements, all finite when encoding.
void decode_block(const BlockQ4K& block, float* values);
void decode_block(const BlockQ5K& block, float* values);
void decode_block(const BlockQ6K& block, float* values);
void encode_block(const float* values, BlockQ4K& block);
void encode_block(const float* values, BlockQ5K& block);
void encode_block(const float* values, BlockQ6K& block);

}  // namespace hearth::engine
