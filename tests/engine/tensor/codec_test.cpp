// Every type against the oracle: blocks decode to its floats, and encoding loses no more than its
// reference does.
#include "engine/tensor/codec.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "engine/tensor/blocks_few_bits.h"
#include "engine/tensor/blocks_iq.h"
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

// To the last bit; only the sign of a zero is free.
bool is_equal(float mine, float expected) {
  return std::memcmp(&mine, &expected, sizeof(float)) == 0 || (mine == 0.0f && expected == 0.0f);
}

struct OracleType {
  DType type;
  nlohmann::json entry;
};

bool is_written(DType type) {
  return codec_of(type).encode != nullptr;
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
      for (size_t i = 0; i < mine.size(); ++i) wrong += is_equal(mine[i], expected[i]) ? 0 : 1;
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

TEST_CASE("what a type can hold exactly comes back exactly") {
  // Levels first to last in steps of one, all times a factor that lets scales and their units be
  // numbers of few bits. Types with a list have their own levels.
  struct Row {
    DType type;
    int first;
    int last;
    float factor;
    std::vector<int> levels = {};
  };
  const std::vector<int> iq4(std::begin(iq4_levels), std::end(iq4_levels));
  const std::vector<int> e2m1(std::begin(e2m1_doubled), std::end(e2m1_doubled));
  const std::vector<Row> rows = {
      {DType::f32, -8, 7, 1.0f},        {DType::f16, -8, 7, 1.0f},
      {DType::bf16, -8, 7, 1.0f},       {DType::q4_0, -8, 7, 0.25f},
      {DType::q4_1, 3, 18, 0.5f},       {DType::q5_0, -16, 15, 0.25f},
      {DType::q5_1, -40, -9, 0.5f},     {DType::q8_0, 96, 127, 2.0f},
      {DType::q2_k, 0, 3, 15.0f},       {DType::q3_k, -4, 3, 2.0f},
      {DType::q4_k, 0, 15, 63.0f},      {DType::q5_k, 0, 31, 63.0f},
      {DType::q6_k, -8, 7, 0.5f},       {DType::tq1_0, -1, 1, 0.5f},
      {DType::tq2_0, -1, 1, 0.5f},      {DType::iq4_nl, 0, 0, 0.5f, iq4},
      {DType::iq4_xs, 0, 0, 0.5f, iq4}, {DType::mxfp4, 0, 0, 0.5f, e2m1},
  };
  std::set<DType> tested;
  for (const Row& row : rows) {
    INFO(info(row.type).name);
    std::vector<float> values(256);
    for (size_t i = 0; i < values.size(); ++i) {
      const int step = static_cast<int>(i * 7);
      const int level = row.levels.empty() ? row.first + step % (row.last - row.first + 1)
                                           : row.levels[i % row.levels.size()];
      values[i] = static_cast<float>(level) * row.factor;
    }
    CHECK(decoded(row.type, encoded(row.type, values)) == values);
    tested.insert(row.type);
  }
  for (const DTypeInfo& row : dtype_table) CHECK(tested.contains(row.type) == is_written(row.type));
}

TEST_CASE("known blocks of the types that are only read") {
  // Bytes that are not zero, by their place in the block, and some of the values they mean.
  struct Row {
    DType type;
    std::vector<std::pair<size_t, int>> bytes;
    std::vector<std::pair<size_t, float>> values;
  };
  const std::vector<Row> rows = {
      {DType::i8, {{0, 0xfe}}, {{0, -2.0f}}},
      {DType::i16, {{1, 0x80}}, {{0, -32768.0f}}},
      {DType::i32, {{2, 1}}, {{0, 65536.0f}}},
      {DType::i64, {{5, 1}}, {{0, 0x1p40f}}},
      {DType::f64, {{7, 0xbf}, {6, 0xf8}}, {{0, -1.5f}}},
      // d = 1; byte j is 2.
      {DType::q8_1, {{1, 0x3c}, {4, 2}, {35, 0xff}}, {{0, 2.0f}, {1, 0.0f}, {31, -1.0f}}},
      {DType::q8_k, {{3, 0x3f}, {2, 0x80}, {4, 2}, {259, 0x80}}, {{0, 2.0f}, {255, -128.0f}}},
      // Bits set are d = 1, the others -1.
      {DType::q1_0, {{1, 0x3c}, {2, 2}, {17, 0x80}}, {{0, -1.0f}, {1, 1.0f}, {127, 1.0f}}},
      {DType::q2_0, {{1, 0x3c}, {2, 0x0c}, {17, 0x80}}, {{0, -1.0f}, {1, 2.0f}, {63, 1.0f}}},
      // Scales of one (0x38) and 448 (0x7e); codes 5 (3), 10 (-1) and 7 (6).
      {DType::nvfp4,
       {{0, 0x38}, {3, 0x7e}, {4, 0xa5}, {35, 0x70}},
       {{0, 3.0f}, {8, -1.0f}, {1, 0.0f}, {63, 2688.0f}}},
      // The first point of the IQ2 and IQ3 books is the smallest, which times a half or quarter of
      // the smallest scale is one; of the IQ1 book it is -1 everywhere.
      {DType::iq2_xxs,
       {{1, 0x3c}, {6, 1}, {9, 0x10}},
       {{0, -3.0f}, {1, 3.0f}, {7, -3.0f}, {32, 1.0f}}},
      {DType::iq2_xs,
       {{1, 0x3c}, {3, 4}, {66, 0x30}},
       {{0, 1.0f}, {1, -1.0f}, {2, 1.0f}, {16, 7.0f}}},
      {DType::iq2_s,
       {{1, 0x3c}, {34, 2}, {81, 0x30}},
       {{0, 1.0f}, {1, -1.0f}, {7, 1.0f}, {255, 7.0f}}},
      {DType::iq3_xxs,
       {{1, 0x3c}, {66, 16}, {69, 0x10}},
       {{0, 3.0f}, {4, -3.0f}, {7, -3.0f}, {32, 1.0f}}},
      {DType::iq3_s, {{1, 0x3c}, {74, 2}, {106, 0x20}}, {{0, 1.0f}, {1, -1.0f}, {32, 5.0f}}},
      {DType::iq1_s, {{1, 0x3c}, {35, 0xa0}}, {{0, -5.625f}, {32, -0.875f}}},
      {DType::iq1_m,
       {{32, 8}, {48, 1}, {53, 0xc0}, {55, 0x30}},
       {{0, -3.375f}, {8, -2.625f}, {16, -0.875f}, {255, -0.875f}}},
  };
  std::set<DType> tested;
  for (const Row& row : rows) {
    std::vector<std::byte> block(static_cast<size_t>(info(row.type).block_bytes));
    for (const auto& [place, byte] : row.bytes) block.at(place) = static_cast<std::byte>(byte);
    const std::vector<float> values = decoded(row.type, block);
    for (const auto& [place, value] : row.values) {
      INFO(info(row.type).name << " value " << place);
      CHECK(values.at(place) == value);
    }
    tested.insert(row.type);
  }
  for (const DTypeInfo& row : dtype_table) CHECK(tested.contains(row.type) != is_written(row.type));
}

TEST_CASE("blocks of random bits decode to something, whatever their scales are") {
  std::mt19937 random(7);
  for (const DTypeInfo& row : dtype_table) {
    const size_t size = static_cast<size_t>(row.block_bytes) * 64;
    std::vector<std::byte> blocks(size);
    for (std::byte& byte : blocks) byte = static_cast<std::byte>(random() & 255);
    const std::vector<float> values = decoded(row.type, blocks);
    const auto finite = std::count_if(values.begin(), values.end(),
                                      [](float value) { return std::isfinite(value); });
    INFO(row.name);
    CHECK(finite > static_cast<int64_t>(values.size()) / 2);
    // All bits set: scales that are no numbers.
    std::fill(blocks.begin(), blocks.end(), std::byte{0xff});
    CHECK(decoded(row.type, blocks).size() == values.size());
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
