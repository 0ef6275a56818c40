#include "engine/kv_type.h"

#include "base/check.h"
#include "base/names.h"

namespace hearth::engine {
namespace {

// Of kv_block_values values.
constexpr std::array<int64_t, kv_type_names.size()> block_bytes = {128, 64, 34, 18};

}  // namespace

std::string_view kv_type_name(KvType type) {
  return kv_type_names.at(static_cast<size_t>(type));
}

std::optional<KvType> kv_type_from_name(std::string_view name) {
  return enumerator_named<KvType>(name, kv_type_names);
}

std::string kv_type_choices() {
  return choice_of(kv_type_names);
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
