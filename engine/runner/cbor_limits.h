// Looks over CBOR before the library builds values from it, so that no peer can make us recurse or
// allocate without bound.
#pragma once

#include <cstddef>
#include <span>

namespace hearth::engine {

inline constexpr int cbor_depth_max = 8;
inline constexpr size_t cbor_values_max = 262'144;

// Throws Error{corrupt_data} unless `bytes` are exactly one CBOR item within the limits, without
// tags, indefinite lengths, half floats and simple values other than false, true and null. Needs no
// memory, takes linear time.
void check_cbor(std::span<const std::byte> bytes);

}  // namespace hearth::engine
