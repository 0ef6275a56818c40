// One weight row as floats, through the codecs.
#include "engine/kernels/isa/tables.h"
#include "engine/tensor/codec.h"

namespace hearth::engine {

template <DType type>
void get_row(const void* row, int64_t width, float* out) noexcept {
  codec_of(type).decode(static_cast<const std::byte*>(row), out, width);
}

template void get_row<DType::f32>(const void*, int64_t, float*) noexcept;
template void get_row<DType::f16>(const void*, int64_t, float*) noexcept;
template void get_row<DType::bf16>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q8_0>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q4_0>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q4_1>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q5_0>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q5_1>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q2_k>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q3_k>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q4_k>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q5_k>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q6_k>(const void*, int64_t, float*) noexcept;
template void get_row<DType::iq1_s>(const void*, int64_t, float*) noexcept;
template void get_row<DType::iq1_m>(const void*, int64_t, float*) noexcept;
template void get_row<DType::iq2_xxs>(const void*, int64_t, float*) noexcept;
template void get_row<DType::iq2_xs>(const void*, int64_t, float*) noexcept;
template void get_row<DType::iq2_s>(const void*, int64_t, float*) noexcept;
template void get_row<DType::iq3_xxs>(const void*, int64_t, float*) noexcept;
template void get_row<DType::iq3_s>(const void*, int64_t, float*) noexcept;
template void get_row<DType::iq4_nl>(const void*, int64_t, float*) noexcept;
template void get_row<DType::iq4_xs>(const void*, int64_t, float*) noexcept;
template void get_row<DType::mxfp4>(const void*, int64_t, float*) noexcept;
template void get_row<DType::nvfp4>(const void*, int64_t, float*) noexcept;
template void get_row<DType::tq1_0>(const void*, int64_t, float*) noexcept;
template void get_row<DType::tq2_0>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q2_0>(const void*, int64_t, float*) noexcept;
template void get_row<DType::q1_0>(const void*, int64_t, float*) noexcept;

}  // namespace hearth::engine
