#include "engine/kv_type.h"

#include <algorithm>

#include "base/check.h"

namespace hearth::engine {
namespace {

// Of kv_block_values values.
constexpr std::array<int64_t, kv_type_names.size()> block_bytes = {128, 64, 34, 18};

}  // namespace

std::string_view kv_type_name(KvType type) {
  return kv_type_names.at(static_cast<size_t>(type));
}

std::optional<KvType> kv_type_from_name(std::string_view name) {
  const auto found = std::find(kv_type_names.begin(), kv_type_names.end(), name);
  if (found == kv_type_names.end()) return std::nullopt;
  return static_cast<KvType>(found - kv_type_names.begin());
}

std::string kv_type_choices() {
  std::string text;
  for (size_t i = 0; i < kv_type_names.size(); ++i) {
    if (i > 0) text += i + 1 < kv_type_names.size() ? ", " : " or ";
    text += kv_type_names[i];
  }
  return text;
}

bool fits_head(KvType type, int64_t head_values) {
  const bool is_quantized = type == KvType::q8_0 || type == KvType::q4_0;
  return !is_quantized || head_values % kv_block_values == 0;
}

int64_t kv_bytes(KvType type, int64_t value_count) {
  HEARTH_CHECK(value_count >= 0);
  // Blocks first: the count comes from a file's header and may be huge.
  const int64_t blocks = value_count / kv_block_values + (value_count % kv_block_values != 0);
  int64_t bytes = 0;
  if (__builtin_mul_overflow(blocks, block_bytes.at(static_cast<size_t>(type)), &bytes))
    return INT64_MAX;
  return bytes;
}

}  // namespace hearth::engine
