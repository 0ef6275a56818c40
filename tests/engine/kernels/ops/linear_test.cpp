// Every kernel table of this machine against the definition: same bits for every format, width,
// number of columns and cut into rows; and the definition against the decoded weights.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "engine/kernels/kernels.h"
#include "engine/tape/column_stride.h"
#include "tests/engine/kernels/definition.h"
#include "tests/support/kernel_tables.h"
#include "tests/support/random_blocks.h"

using namespace hearth::engine;

namespace {

struct Problem {
  DType type;
  int64_t width;
  int64_t rows;
  std::vector<std::byte> weight;
  std::vector<float> decoded;
  std::vector<std::vector<float>> columns;
  mutable std::vector<float> precise = {};  // precise_outputs, once somebody asked for them
};

Problem make_problem(DType type, int64_t width, int64_t rows, int64_t columns) {
  std::mt19937 random(static_cast<uint32_t>(width * 31 + rows * 7 + columns));
  std::normal_distribution<float> normal;
  Problem problem{type, width, rows, {}, {}, {}, {}};
  problem.decoded.resize(static_cast<size_t>(width * rows));
  problem.weight.resize(static_cast<size_t>(row_bytes(type, width) * rows));
  if (info(type).block_values > 1) {
    fill_random_blocks(type, problem.weight, random);
  } else {
    for (float& value : problem.decoded) value = normal(random);
    encode(type, problem.decoded, problem.weight);
  }
  decode(type, problem.weight, problem.decoded);
  for (int64_t c = 0; c < columns; ++c) {
    std::vector<float> column(static_cast<size_t>(width));
    for (float& value : column) value = normal(random) * (1.0f + static_cast<float>(c));
    problem.columns.push_back(column);
  }
  return problem;
}

// Of the exact definition: with columns of bytes (of floats for F32, F16 and BF16).
std::vector<float> expected_outputs(const Problem& problem) {
  std::vector<float> outputs;
  const int64_t bytes = row_bytes(problem.type, problem.width);
  const bool quantised = info(problem.type).block_values > 1;
  for (const std::vector<float>& column : problem.columns) {
    const std::vector<Q8Block> blocks = definition::quantize(column);
    for (int64_t row = 0; row < problem.rows; ++row) {
      const auto begin = problem.decoded.begin() + row * problem.width;
      outputs.push_back(quantised ? definition::linear_q8(problem.type,
                                                          problem.weight.data() + row * bytes,
                                                          problem.width, blocks)
                                  : definition::linear_f32({begin, begin + problem.width}, column));
    }
  }
  return outputs;
}

AlignedBytes packed(const FormatKernels& format, const Problem& problem) {
  const int64_t bytes = row_bytes(problem.type, problem.width);
  AlignedBytes tiles(weight_bytes(Layout::tiles, bytes, problem.rows));
  std::memset(tiles.data(), 0, static_cast<size_t>(tiles.size()));
  format.pack(problem.weight.data(), problem.rows, problem.width, tiles.data());
  return tiles;
}

// All columns with `step` columns a call and the rows cut at `cut`, of rows or tiles.
std::vector<float> run(const KernelTable& table, const Problem& problem, int64_t step, int64_t cut,
                       bool prompt, const AlignedBytes* tiles = nullptr) {
  const FormatKernels* format = find_format(table, problem.type);
  REQUIRE(format != nullptr);
  const int64_t count = static_cast<int64_t>(problem.columns.size());
  const ColumnKind kind = prompt ? format->prompt_column : format->column;
  const int64_t stride = column_stride(table.column_bytes(kind, problem.width));
  AlignedBytes columns(stride * count);
  for (int64_t c = 0; c < count; ++c) {
    table.prepare_column(kind, problem.columns[static_cast<size_t>(c)].data(), problem.width,
                         columns.data() + c * stride);
  }
  AlignedBytes scratch(table.linear_scratch_bytes);
  std::vector<float> outputs(static_cast<size_t>(problem.rows * count), std::nanf(""));
  for (int64_t begin = 0; begin < count; begin += step) {
    for (const auto& [first, last] : {std::pair<int64_t, int64_t>{0, cut}, {cut, problem.rows}}) {
      const LinearArgs args{tiles == nullptr ? problem.weight.data() : tiles->data(),
                            row_bytes(problem.type, problem.width),
                            problem.width,
                            first,
                            last,
                            columns.data() + begin * stride,
                            stride,
                            std::min(step, count - begin),
                            outputs.data() + begin * problem.rows,
                            problem.rows,
                            scratch.data(),
                            0,
                            tiles == nullptr ? Layout::rows : Layout::tiles};
      (prompt ? format->prompt : format->decode)(args);
    }
  }
  return outputs;
}

std::vector<const KernelTable*> all_tables() {
  std::vector<const KernelTable*> all = tables();
  for (const KernelTable* table : tables()) {
    for (const KernelTable* other : {table->fine, table->precise}) {
      if (other != nullptr && std::find(all.begin(), all.end(), other) == all.end())
        all.push_back(other);
    }
  }
  return all;
}

std::vector<DType> all_types() {
  std::vector<DType> types = {DType::f32, DType::f16, DType::bf16};
  for (const definition::Splitter& row : definition::splitters) types.push_back(row.type);
  return types;
}

// In the prompt role of tables with tiles; empty where the tile unit's own order of additions
// counts.
std::vector<float> expected_prompt_outputs(const Problem& problem, ColumnKind kind) {
  std::vector<float> outputs;
  if (kind != ColumnKind::q8_guarded) return outputs;
  const int64_t bytes = row_bytes(problem.type, problem.width);
  for (const std::vector<float>& column : problem.columns) {
    for (int64_t row = 0; row < problem.rows; ++row) {
      outputs.push_back(definition::linear_guarded(
          problem.type, problem.weight.data() + row * bytes, problem.width, column));
    }
  }
  return outputs;
}

// Quantised weights with columns of floats. Many tables ask, and the plain loops take long.
const std::vector<float>& precise_outputs(const Problem& problem) {
  std::vector<float>& outputs = problem.precise;
  if (!outputs.empty()) return outputs;
  const int64_t bytes = row_bytes(problem.type, problem.width);
  for (const std::vector<float>& column : problem.columns) {
    for (int64_t row = 0; row < problem.rows; ++row) {
      outputs.push_back(definition::linear_precise(
          problem.type, problem.weight.data() + row * bytes, problem.width, column));
    }
  }
  return outputs;
}

// What a table must give: the definition; where there is none to the bit, what it gives itself with
// all columns at once.
std::vector<float> expected_of(const KernelTable& table, const Problem& problem,
                               const std::vector<float>& exact, bool prompt) {
  const FormatKernels* format = find_format(table, problem.type);
  if (!prompt || format->prompt_column == format->column) {
    const bool is_precise =
        info(problem.type).block_values > 1 && format->column == ColumnKind::f32;
    return is_precise ? precise_outputs(problem) : exact;
  }
  std::vector<float> outputs = expected_prompt_outputs(problem, format->prompt_column);
  if (outputs.empty())
    outputs = run(table, problem, static_cast<int64_t>(problem.columns.size()), 0, true);
  return outputs;
}

// A table that shares a format's functions with another one need not be tested for them again.
bool shares_decode(const KernelTable& table, const FormatKernels& format) {
  const KernelTables all = available_kernels();
  for (int32_t i = 0; i < all.count && all.tables[i] != &table; ++i) {
    if (find_format(*all.tables[i], format.type)->decode == format.decode) return true;
  }
  return false;
}

void check_table(const KernelTable& table, const Problem& problem,
                 const std::vector<float>& exact) {
  const int64_t columns = static_cast<int64_t>(problem.columns.size());
  const FormatKernels* format = find_format(table, problem.type);
  REQUIRE(format != nullptr);
  const std::vector<float> prompts = expected_of(table, problem, exact, true);
  const std::vector<float> answers = expected_of(table, problem, exact, false);
  AlignedBytes tiles(0);
  if (format->pack != nullptr) tiles = packed(*format, problem);
  for (const bool in_tiles : {false, true}) {
    if (in_tiles && format->pack == nullptr) continue;
    const int64_t cut = std::min<int64_t>(problem.rows, in_tiles ? 16 : 19);
    for (const auto& [step, first] : {std::pair{columns, int64_t{0}},
                                      {columns, cut},
                                      {int64_t{1}, int64_t{0}},
                                      {int64_t{5}, cut}}) {
      for (const bool prompt : {false, true}) {
        if (prompt && format->prompt == format->decode) continue;
        if (!prompt && shares_decode(table, *format)) continue;
        const std::vector<float>& expected = prompt ? prompts : answers;
        const std::vector<float> outputs =
            run(table, problem, step, first, prompt, in_tiles ? &tiles : nullptr);
        INFO(table.name << " " << info(problem.type).name << " width " << problem.width << " rows "
                        << problem.rows << " columns " << columns << " step " << step << " cut "
                        << first << " prompt " << prompt << " in tiles " << in_tiles);
        REQUIRE(std::memcmp(outputs.data(), expected.data(), expected.size() * 4) == 0);
      }
    }
  }
}

}  // namespace

TEST_CASE("linear: every table gives the bits of the definition", "[kernels]") {
  for (const DType type : all_types()) {
    const int64_t block = info(type).block_values;
    std::vector<int64_t> widths = {256, 768};
    if (block == 128) widths.insert(widths.end(), {128, 640});
    if (block == 64) widths.insert(widths.end(), {64, 832});
    if (block <= 32) widths.insert(widths.end(), {32, 288, 896});
    if (block == 1) widths.insert(widths.end(), {1, 15, 16, 40, 100, 1152});
    for (const int64_t width : widths) {
      const Problem problem =
          make_problem(type, width, width % 3 == 0 ? 33 : 50, width == 256 ? 13 : 7);
      const std::vector<float> expected = expected_outputs(problem);
      for (const KernelTable* table : all_tables()) check_table(*table, problem, expected);
    }
  }
}

TEST_CASE("linear: a long row", "[kernels]") {
  for (const DType type : {DType::q4_k, DType::q6_k, DType::q8_0}) {
    const Problem problem = make_problem(type, 2048, 33, 2);
    const std::vector<float> expected = expected_outputs(problem);
    for (const KernelTable* table : all_tables()) check_table(*table, problem, expected);
  }
}

TEST_CASE("linear: a few rows, every number of columns from 1 to 33", "[kernels]") {
  // One format per shape of panel (ops/panel.inl), and floats.
  for (const DType type :
       {DType::q4_k, DType::q6_k, DType::q8_0, DType::q4_1, DType::q2_k, DType::f16}) {
    for (int64_t columns = 1; columns <= 33; ++columns) {
      const Problem problem = make_problem(type, 512, columns % 20 + 1, columns);
      const std::vector<float> expected = expected_outputs(problem);
      for (const KernelTable* table : all_tables()) {
        const FormatKernels& format = *find_format(*table, type);
        const bool in_tiles = format.pack != nullptr && columns % 2 == 1;
        const std::vector<float> wanted = expected_of(*table, problem, expected, true);
        AlignedBytes tiles(0);
        if (in_tiles) tiles = packed(format, problem);
        INFO(table->name << " " << info(type).name << " columns " << columns);
        const std::vector<float> outputs =
            run(*table, problem, columns, 0, true, in_tiles ? &tiles : nullptr);
        REQUIRE(std::memcmp(outputs.data(), wanted.data(), wanted.size() * 4) == 0);
      }
    }
  }
}

TEST_CASE("linear: whole panels of rows, and one that is not", "[kernels]") {
  for (const DType type : {DType::q4_k, DType::q8_0, DType::f16}) {
    for (const int64_t rows : {64, 96, 160}) {
      const Problem problem = make_problem(type, 768, rows, 70);
      const std::vector<float> expected = expected_outputs(problem);
      for (const KernelTable* table : all_tables()) {
        if (find_format(*table, type)->prompt == find_format(*table, type)->decode) continue;
        const std::vector<float> wanted = expected_of(*table, problem, expected, true);
        for (const int64_t step : {70, 32, 7}) {
          INFO(table->name << " " << info(type).name << " rows " << rows << " step " << step);
          const std::vector<float> outputs = run(*table, problem, step, 0, true);
          REQUIRE(std::memcmp(outputs.data(), wanted.data(), wanted.size() * 4) == 0);
        }
      }
    }
  }
}

// Rows whose bytes are all the same, but for the scales: all weights are the largest or the
// smallest of the format, or nearly so.
TEST_CASE("linear: the largest sums that a format can make", "[kernels]") {
  for (const DType type : all_types()) {
    if (info(type).block_values == 1) continue;
    Problem problem = make_problem(type, 256, 256, 0);
    const HalfPlaces places = half_places(type);
    const int64_t block_bytes = info(type).block_bytes;
    const int scale_bytes = type == DType::nvfp4 ? 4 : type == DType::mxfp4 ? 1 : 0;
    for (int64_t i = 0; i < static_cast<int64_t>(problem.weight.size()); ++i) {
      const int64_t at = i % block_bytes;
      const auto is_half = [&](int place) {
        return place >= 0 && (at == place || at == place + 1);
      };
      const bool is_scale = at < scale_bytes || is_half(places.first) || is_half(places.second) ||
                            (type == DType::iq1_m && at >= 48);
      if (!is_scale) problem.weight[static_cast<size_t>(i)] = std::byte(i / row_bytes(type, 256));
    }
    decode(type, problem.weight, problem.decoded);
    problem.columns = {std::vector<float>(256, 1.0f), std::vector<float>(256, -1.0f)};
    for (const int64_t row : {0x00, 0x55, 0x77, 0x7f, 0x80, 0x88, 0xaa, 0xff}) {
      problem.columns.emplace_back(256);
      for (int64_t k = 0; k < 256; ++k)
        problem.columns.back()[static_cast<size_t>(k)] =
            std::copysign(1.0f, problem.decoded[static_cast<size_t>(row * 256 + k)]);
    }
    const std::vector<float> expected = expected_outputs(problem);
    for (const KernelTable* table : all_tables()) check_table(*table, problem, expected);
  }
}

TEST_CASE("linear: more columns than a chunk holds", "[kernels]") {
  const Problem problem = make_problem(DType::q4_k, 256, 17, 300);
  const std::vector<float> expected = expected_outputs(problem);
  for (const KernelTable* table : all_tables()) {
    const std::vector<float> outputs = run(*table, problem, 300, 0, true);
    const std::vector<float> wanted = expected_of(*table, problem, expected, true);
    INFO(table->name);
    REQUIRE(std::memcmp(outputs.data(), wanted.data(), wanted.size() * 4) == 0);
  }
}

TEST_CASE("linear: decoding many columns with a kernel of its own", "[kernels]") {
  for (const DType type : {DType::q4_k, DType::q5_k, DType::q8_0, DType::iq4_xs, DType::mxfp4}) {
    for (const int64_t columns : {11, 12, 15, 16, 17, 27, 28, 31, 32, 33, 48, 300}) {
      const Problem problem =
          make_problem(type, columns > 33 ? 256 : 512, columns % 40 + 1, columns);
      std::vector<float> expected;
      LinearFn before = nullptr;
      for (const KernelTable* table : tables()) {
        const FormatKernels& format = *find_format(*table, type);
        const bool is_its_own = table->isa == Isa::amx && format.decode != before;
        before = format.decode;
        if (!is_its_own) continue;
        expected = expected_outputs(problem);
        const AlignedBytes tiles = packed(format, problem);
        for (const bool in_tiles : {false, true}) {
          INFO(info(type).name << " columns " << columns << " in tiles " << in_tiles);
          const std::vector<float> outputs =
              run(*table, problem, columns, 0, false, in_tiles ? &tiles : nullptr);
          REQUIRE(std::memcmp(outputs.data(), expected.data(), expected.size() * 4) == 0);
        }
      }
    }
  }
}

// Normalised mean square error against the product of the decoded weights in double precision.
double error_of(const Problem& problem, const std::vector<float>& outputs) {
  double error = 0;
  double size = 0;
  for (size_t c = 0; c < problem.columns.size(); ++c) {
    for (int64_t row = 0; row < problem.rows; ++row) {
      double exact = 0;
      for (int64_t k = 0; k < problem.width; ++k) {
        exact +=
            static_cast<double>(problem.decoded[static_cast<size_t>(row * problem.width + k)]) *
            problem.columns[c][static_cast<size_t>(k)];
      }
      const double difference =
          exact - outputs[c * static_cast<size_t>(problem.rows) + static_cast<size_t>(row)];
      error += difference * difference;
      size += exact * exact;
    }
  }
  return error / size;
}

TEST_CASE("linear: close to the product of the decoded weights", "[kernels]") {
  for (const DType type : all_types()) {
    const Problem problem = make_problem(type, 1024, 32, 8);
    const double error = error_of(problem, expected_outputs(problem));
    INFO(info(type).name << " normalised mean square error " << error);
    CHECK(error < (info(type).block_values > 1 ? 2e-4 : 1e-12));
    for (const KernelTable* table : all_tables()) {
      const ColumnKind kind = find_format(*table, type)->prompt_column;
      if (kind == ColumnKind::q8) continue;
      const double prompt_error = error_of(problem, run(*table, problem, 8, 0, true));
      INFO(table->name << " prompt error " << prompt_error);
      CHECK(prompt_error < (kind == ColumnKind::f32    ? 1e-12
                            : kind == ColumnKind::bf16 ? 1e-5
                                                       : 4e-4));
    }
  }
}

TEST_CASE("linear: massive values in a few channels do not drown the others", "[kernels]") {
  for (const KernelTable* table : all_tables()) {
    if (find_format(*table, DType::q4_k)->prompt_column != ColumnKind::q8_guarded) continue;
    Problem problem = make_problem(DType::q4_k, 2048, 32, 40);
    // The massive channels' products are taken off again: what is left is the error of the others.
    Problem others = problem;
    for (size_t c = 0; c < problem.columns.size(); ++c) {
      for (const size_t channel : {3U, 700U, 1500U}) {
        problem.columns[c][channel] = 400.0f * (1.0f + static_cast<float>(c));
        others.columns[c][channel] = 0.0f;
      }
    }
    const std::vector<float> with = run(*table, problem, 40, 0, true);
    REQUIRE(with == expected_prompt_outputs(problem, ColumnKind::q8_guarded));
    std::vector<float> rest = with;
    for (size_t c = 0; c < problem.columns.size(); ++c) {
      for (size_t row = 0; row < 32; ++row) {
        double massive = 0;
        for (const size_t channel : {3U, 700U, 1500U})
          massive += static_cast<double>(problem.decoded[row * 2048 + channel]) *
                     problem.columns[c][channel];
        rest[c * 32 + row] = static_cast<float>(with[c * 32 + row] - massive);
      }
    }
    CHECK(error_of(problem, with) < 4e-4);
    // Without low parts it is about 0.8: a unit of the bytes is then three times the others' size.
    CHECK(error_of(others, rest) < 0.04);
  }
}

TEST_CASE("quantize: every table gives the bits of the definition", "[kernels]") {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  for (const int64_t width : {1, 31, 32, 255, 256, 257, 896, 2048}) {
    std::vector<float> x(static_cast<size_t>(width));
    for (float& value : x) value = normal(random) * std::exp(normal(random));
    if (width == 255) std::fill(x.begin(), x.end(), 0.0f);
    if (width == 257) std::fill(x.begin(), x.end(), 1e-35f);
    const std::vector<Q8Block> expected = definition::quantize(x);
    for (const KernelTable* table : all_tables()) {
      REQUIRE(table->column_bytes(ColumnKind::q8, width) ==
              static_cast<int64_t>(expected.size() * sizeof(Q8Block)));
      AlignedBytes column(table->column_bytes(ColumnKind::q8, width));
      table->prepare_column(ColumnKind::q8, x.data(), width, column.data());
      INFO(table->name << " width " << width);
      REQUIRE(std::memcmp(column.data(), expected.data(), expected.size() * sizeof(Q8Block)) == 0);
    }
  }
}

TEST_CASE("get_row: the values of the codec", "[kernels]") {
  for (const DType type : all_types()) {
    const Problem problem = make_problem(type, 512, 2, 0);
    for (const KernelTable* table : all_tables()) {
      std::vector<float> row(512);
      INFO(table->name << " " << info(type).name);
      REQUIRE(find_format(*table, type) != nullptr);
      find_format(*table, type)
          ->get_row(problem.weight.data() + row_bytes(type, 512), 512, row.data());
      REQUIRE(std::memcmp(row.data(), problem.decoded.data() + 512, 512 * 4) == 0);
    }
  }
}

TEST_CASE("pack: tiles of any number of rows give the rows back", "[kernels]") {
  for (const DType type : all_types()) {
    if (info(type).block_values == 1) continue;
    for (const int64_t rows : {1, 15, 17, 33}) {
      const Problem problem = make_problem(type, info(type).block_values * rows, rows, 0);
      const AlignedBytes expected = packed(*find_format(*tables()[0], type), problem);
      for (const KernelTable* table : all_tables()) {
        const FormatKernels& format = *find_format(*table, type);
        INFO(table->name << " " << info(type).name << " rows " << rows);
        const AlignedBytes tiles = packed(format, problem);
        REQUIRE(tiles.size() == expected.size());
        REQUIRE(std::memcmp(tiles.data(), expected.data(), static_cast<size_t>(tiles.size())) == 0);
        std::vector<float> row(static_cast<size_t>(problem.width));
        for (int64_t i = 0; i < rows; ++i) {
          format.get_tile_row(tiles.data(), i, problem.width, row.data());
          REQUIRE(std::memcmp(row.data(), problem.decoded.data() + i * problem.width,
                              row.size() * 4) == 0);
        }
      }
    }
  }
}
