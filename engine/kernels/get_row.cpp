// One weight row as floats, through the codecs.
#include "base/check.h"
#include "engine/kernels/isa/tables.h"
#include "engine/tensor/codec.h"

namespace hearth::engine {
namespace {

void decode_row(DType type, const void* row, int64_t width, float* out) noexcept {
  const Codec* codec = find_codec(type);
  HEARTH_CHECK(codec != nullptr);
  codec->decode(static_cast<const std::byte*>(row), out, width);
}

}  // namespace

void get_row_f32(const void* row, int64_t width, float* out) noexcept {
  decode_row(DType::f32, row, width, out);
}
void get_row_f16(const void* row, int64_t width, float* out) noexcept {
  decode_row(DType::f16, row, width, out);
}
void get_row_bf16(const void* row, int64_t width, float* out) noexcept {
  decode_row(DType::bf16, row, width, out);
}
void get_row_q8_0(const void* row, int64_t width, float* out) noexcept {
  decode_row(DType::q8_0, row, width, out);
}
void get_row_q4_0(const void* row, int64_t width, float* out) noexcept {
  decode_row(DType::q4_0, row, width, out);
}
void get_row_q4_k(const void* row, int64_t width, float* out) noexcept {
  decode_row(DType::q4_k, row, width, out);
}
void get_row_q5_k(const void* row, int64_t width, float* out) noexcept {
  decode_row(DType::q5_k, row, width, out);
}
void get_row_q6_k(const void* row, int64_t width, float* out) noexcept {
  decode_row(DType::q6_k, row, width, out);
}

}  // namespace hearth::engine
