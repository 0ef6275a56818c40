// Every tensor type a GGUF file can name: one row per type, the values of the enumeration are the
// ids of the file format, so that the header of any file can be read and its tensors sized.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hearth::engine {

enum class DType : uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q8_1 = 9,
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  q8_k = 15,
  iq2_xxs = 16,
  iq2_xs = 17,
  iq3_xxs = 18,
  iq1_s = 19,
  iq4_nl = 20,
  iq3_s = 21,
  iq2_s = 22,
  iq4_xs = 23,
  i8 = 24,
  i16 = 25,
  i32 = 26,
  i64 = 27,
  f64 = 28,
  iq1_m = 29,
  bf16 = 30,
  tq1_0 = 34,
  tq2_0 = 35,
  mxfp4 = 39,
  nvfp4 = 40,
  q1_0 = 41,
  q2_0 = 42,
};

// A row of dims[0] elements is a whole number of blocks; a block stands for `block_values`
// elements.
struct DTypeInfo {
  DType type;
  std::string_view name;  // lower case, as in "q4_k"
  int32_t block_values;
  int32_t block_bytes;
};

inline constexpr DTypeInfo dtype_table[] = {
    {DType::f32, "f32", 1, 4},
    {DType::f16, "f16", 1, 2},
    {DType::q4_0, "q4_0", 32, 18},
    {DType::q4_1, "q4_1", 32, 20},
    {DType::q5_0, "q5_0", 32, 22},
    {DType::q5_1, "q5_1", 32, 24},
    {DType::q8_0, "q8_0", 32, 34},
    {DType::q8_1, "q8_1", 32, 36},
    {DType::q2_k, "q2_k", 256, 84},
    {DType::q3_k, "q3_k", 256, 110},
    {DType::q4_k, "q4_k", 256, 144},
    {DType::q5_k, "q5_k", 256, 176},
    {DType::q6_k, "q6_k", 256, 210},
    {DType::q8_k, "q8_k", 256, 292},
    {DType::iq2_xxs, "iq2_xxs", 256, 66},
    {DType::iq2_xs, "iq2_xs", 256, 74},
    {DType::iq3_xxs, "iq3_xxs", 256, 98},
    {DType::iq1_s, "iq1_s", 256, 50},
    {DType::iq4_nl, "iq4_nl", 32, 18},
    {DType::iq3_s, "iq3_s", 256, 110},
    {DType::iq2_s, "iq2_s", 256, 82},
    {DType::iq4_xs, "iq4_xs", 256, 136},
    {DType::i8, "i8", 1, 1},
    {DType::i16, "i16", 1, 2},
    {DType::i32, "i32", 1, 4},
    {DType::i64, "i64", 1, 8},
    {DType::f64, "f64", 1, 8},
    {DType::iq1_m, "iq1_m", 256, 56},
    {DType::bf16, "bf16", 1, 2},
    {DType::tq1_0, "tq1_0", 256, 54},
    {DType::tq2_0, "tq2_0", 256, 66},
    {DType::mxfp4, "mxfp4", 32, 17},
    {DType::nvfp4, "nvfp4", 64, 36},
    {DType::q1_0, "q1_0", 128, 18},
    {DType::q2_0, "q2_0", 64, 18},
};

// Row of an id read from a file; nullptr when the id is not one of ours.
const DTypeInfo* find_dtype(uint32_t gguf_id);
// What is known about an id that find_dtype does not know: "Q6_0 of the ik_llama.cpp fork",
// "removed from the format in 2024". Empty when nothing is.
std::string describe_foreign_dtype(uint32_t gguf_id);
const DTypeInfo& info(DType type);
// Inverse of info(type).name; upper case is accepted too.
std::optional<DType> dtype_from_name(std::string_view name);
// Size of `value_count` elements, which must be a whole number of blocks.
int64_t row_bytes(DType type, int64_t value_count);

}  // namespace hearth::engine
