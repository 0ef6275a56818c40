// Every type against the oracle: blocks decode to its floats, and encoding loses no more than its
// reference does.
#include "engine/tensor/codec.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "tests/support/shared.h"

using namespace hearth;
using namespace hearth::engine;

namespace {

std::vector<float> read_floats(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

std::vector<float> decoded(DType type, std::span<const std::byte> blocks) {
  const DTypeInfo& row = info(type);
  std::vector<float> values(blocks.size() / static_cast<size_t>(row.block_bytes) *
                            static_cast<size_t>(row.block_values));
  decode(type, blocks, values);
  return values;
}

std::vector<std::byte> encoded(DType type, std::span<const float> values) {
  std::vector<std::byte> blocks(
      static_cast<size_t>(row_bytes(type, static_cast<int64_t>(values.size()))));
  encode(type, values, blocks);
  return blocks;
}

double rms_difference(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i]) - b[i], 2);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

// Types with one scale per block decode to the last bit; where two products are subtracted, one
// unit in the last place of the larger is allowed, as the oracle says.
bool is_close(DType type, float mine, float expected) {
  if (std::memcmp(&mine, &expected, sizeof(float)) == 0) return true;
  if (info(type).block_values < 256 && type != DType::q4_1 && type != DType::q5_1)
    return mine == 0.0f && expected == 0.0f;
  return std::fabs(mine - expected) <= 2e-7f * std::fabs(expected) + 1e-30f;
}

struct OracleType {
  DType type;
  nlohmann::json entry;
};

bool is_written(DType type) {
  return find_codec(type)->encode != nullptr;
}

// The types of the oracle's index, and its folder; empty without the shared data.
std::vector<OracleType> oracle_types(std::filesystem::path& folder) {
  const auto path = testing::shared_path("oracle/quants");
  std::vector<OracleType> types;
  if (!path) {
    WARN("skipped: shared data is absent");
    return types;
  }
  folder = *path;
  const auto index = nlohmann::json::parse(read_file(folder / "index.json"));
  for (const auto& [name, entry] : index["types"].items()) {
    const auto type = dtype_from_name(name);
    REQUIRE(type);
    CHECK(static_cast<uint32_t>(*type) == entry["id"].get<uint32_t>());
    CHECK(info(*type).block_bytes == entry["bytes_per_block"].get<int>());
    CHECK(info(*type).block_values == entry["weights_per_block"].get<int>());
    types.push_back({*type, entry});
  }
  CHECK(types.size() >= 24);
  return types;
}

}  // namespace

TEST_CASE("blocks decode to the floats of the oracle") {
  std::filesystem::path folder;
  for (const auto& [type, entry] : oracle_types(folder)) {
    for (const char* set : {"source", "edges", "random"}) {
      INFO(info(type).name << " " << set);
      const std::string blocks = read_file(folder / entry[set]["bin"].get<std::string>());
      const std::vector<float> expected =
          read_floats(folder / entry[set]["f32"].get<std::string>());
      const std::vector<float> mine = decoded(type, std::as_bytes(std::span(blocks)));
      REQUIRE(mine.size() == expected.size());
      int64_t wrong = 0;
      for (size_t i = 0; i < mine.size(); ++i)
        wrong += is_close(type, mine[i], expected[i]) ? 0 : 1;
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("encoding loses at most 2 % more than the oracle's reference") {
  std::filesystem::path folder;
  for (const auto& [type, entry] : oracle_types(folder)) {
    if (!is_written(type)) continue;
    INFO(info(type).name);
    const std::vector<float> source = read_floats(folder / "source.f32");
    const double rms = rms_difference(decoded(type, encoded(type, source)), source);
    CAPTURE(rms, entry["rmse"].get<double>());
    CHECK(rms <= 1.02 * entry["rmse"].get<double>());
  }
}

TEST_CASE("encoding of awkward rows loses about as little as the oracle's reference, row by row") {
  std::filesystem::path folder;
  for (const auto& [type, entry] : oracle_types(folder)) {
    if (!is_written(type)) continue;
    const std::vector<float> source = read_floats(folder / "edges.f32");
    const std::vector<float> reference =
        read_floats(folder / entry["edges"]["f32"].get<std::string>());
    const std::vector<float> mine = decoded(type, encoded(type, source));
    for (size_t row = 0; row < source.size() / 256; ++row) {
      INFO(info(type).name << " row " << row);
      const auto part = [row](const std::vector<float>& values) {
        return std::span(values).subspan(row * 256, 256);
      };
      double largest = 0;
      for (const float value : part(source))
        largest = std::max(largest, std::fabs(static_cast<double>(value)));
      const double rms = rms_difference(part(mine), part(source));
      const double reference_rms = rms_difference(part(reference), part(source));
      CAPTURE(rms, reference_rms, largest);
      CHECK(std::isfinite(rms));
      CHECK(rms <= 1.1 * reference_rms + 1e-3 * largest);
    }
  }
}

TEST_CASE("what can be encoded exactly comes back exactly") {
  std::vector<float> values(256);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 16) - 8.0f;
  for (const DTypeInfo& row : dtype_table) {
    if (!is_written(row.type) || row.type == DType::q4_k || row.type == DType::q5_k ||
        row.type == DType::q8_0)
      continue;
    INFO(row.name);
    CHECK(decoded(row.type, encoded(row.type, values)) == values);
  }
}

TEST_CASE("a codec refuses what it cannot do") {
  std::vector<std::byte> blocks(66);
  std::vector<float> values(256, 1.0f);
  CHECK_THROWS_WITH(encode(DType::iq2_xxs, values, blocks),
                    Catch::Contains("iq2_xxs can only be read") && Catch::Contains("q4_k"));
  values[77] = std::numeric_limits<float>::quiet_NaN();
  blocks.resize(144);
  CHECK_THROWS_WITH(encode(DType::q4_k, values, blocks),
                    Catch::Contains("value 77") && Catch::Contains("finite"));
}

TEST_CASE("values at the ends of float's range encode to finite blocks") {
  for (const DTypeInfo& row : dtype_table) {
    if (!is_written(row.type) || row.block_values == 1) continue;
    for (const float size : {std::numeric_limits<float>::max(), 1e30f, 1e-30f, 1e-40f}) {
      INFO(row.name << " " << size);
      std::vector<float> values(256, size);
      for (size_t i = 0; i < values.size(); i += 3) values[i] = -size;
      for (const float value : decoded(row.type, encoded(row.type, values))) {
        CHECK(std::isfinite(value));
      }
    }
  }
}
