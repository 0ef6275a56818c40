#include "engine/tensor/dtype.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/check.h"

namespace hearth::engine {
namespace {

constexpr uint32_t id_end = 64;

// Rows of dtype_table by id.
constexpr std::array<const DTypeInfo*, id_end> make_index() {
  std::array<const DTypeInfo*, id_end> index{};
  for (const DTypeInfo& row : dtype_table) index[static_cast<uint32_t>(row.type)] = &row;
  return index;
}
constexpr std::array<const DTypeInfo*, id_end> index_by_id = make_index();

struct ForeignType {
  uint32_t id;
  std::string_view name;
};

// Ids that ik_llama.cpp added for itself; its row-interleaved variants are the id plus 200.
constexpr ForeignType ik_types[] = {
    {97, "Q8_0_X4"}, {98, "Q8_1_X4"}, {99, "Q8_2_X4"}, {133, "Q6_0"},    {134, "IQ1_BN"},
    {135, "IQ2_BN"}, {137, "IQ2_K"},  {138, "IQ3_K"},  {139, "IQ4_K"},   {140, "IQ5_K"},
    {141, "IQ6_K"},  {144, "IQ4_KS"}, {145, "IQ2_KS"}, {146, "IQ4_KSS"}, {152, "IQ5_KS"},
    {153, "IQ2_KT"}, {154, "IQ3_KT"}, {155, "IQ4_KT"}, {156, "IQ3_KS"},  {157, "IQ2_KL"},
    {158, "IQ1_KT"},
};

std::string_view ik_name(uint32_t id) {
  for (const ForeignType& row : ik_types) {
    if (row.id == id) return row.name;
  }
  return {};
}

}  // namespace

const DTypeInfo* find_dtype(uint32_t gguf_id) {
  return gguf_id < id_end ? index_by_id[gguf_id] : nullptr;
}

std::string describe_foreign_dtype(uint32_t id) {
  if (id == 4 || id == 5) return "Q4_2 or Q4_3, removed from the format in 2023";
  if (id >= 31 && id <= 33)
    return "a row-interleaved Q4_0, removed from the format; use a Q4_0 file";
  if (id == 36)
    return "I2_S of BitNet and ik_llama.cpp, or a row-interleaved IQ4_NL that was removed from the "
           "format";
  if (id == 37 || id == 38)
    return "a row-interleaved IQ4_NL, removed from the format; use an IQ4_NL file";
  if (id >= 43 && id <= 46) return "a type of the TurboQuant fork";
  if (id >= 97 && id < 200) {
    const std::string_view name = ik_name(id);
    return name.empty() ? "a type of the ik_llama.cpp fork"
                        : std::string(name) + " of the ik_llama.cpp fork";
  }
  if (id >= 200 && id < 400) {
    const DTypeInfo* base = find_dtype(id - 200);
    const std::string_view name = base != nullptr ? base->name : ik_name(id - 200);
    const std::string suffix = "a row-interleaved type of the ik_llama.cpp fork";
    return name.empty() ? suffix : std::string(name) + "_r4 or _r8, " + suffix;
  }
  return {};
}

const DTypeInfo& info(DType type) {
  const DTypeInfo* row = find_dtype(static_cast<uint32_t>(type));
  HEARTH_CHECK(row != nullptr);
  return *row;
}

std::optional<DType> dtype_from_name(std::string_view name) {
  const auto same = [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); };
  for (const DTypeInfo& row : dtype_table) {
    if (std::equal(row.name.begin(), row.name.end(), name.begin(), name.end(), same))
      return row.type;
  }
  return std::nullopt;
}

int64_t row_bytes(DType type, int64_t value_count) {
  const DTypeInfo& row = info(type);
  HEARTH_CHECK(value_count >= 0 && value_count % row.block_values == 0);
  return value_count / row.block_values * row.block_bytes;
}

}  // namespace hearth::engine
