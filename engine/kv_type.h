// The types a KV cache may keep its keys and values in, by name.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/kernels/kernels.h"

namespace hearth::engine {

// In the order of KvType.
inline constexpr std::array<std::string_view, 4> kv_type_names = {"f32", "f16", "q8_0", "q4_0"};

std::string_view kv_type_name(KvType type);
std::optional<KvType> kv_type_from_name(std::string_view name);
// "f32, f16, q8_0 or q4_0", for messages and help.
std::string kv_type_choices();

// Whether keys or values of a head of this many values can be kept so.
bool fits_head(KvType type, int64_t head_values);
// Bytes of this many keys or values, scales included, rounded up.
int64_t kv_bytes(KvType type, int64_t value_count);

}  // namespace hearth::engine
