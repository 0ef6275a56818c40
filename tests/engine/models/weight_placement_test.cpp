// Weights in memory of their own give the same bits as in the mapped file, whatever is tied, padded
// or in experts; and what happens where they cannot be moved.
#include "engine/models/weight_placement.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "base/error.h"
#include "engine/backend/thread_count.h"
#include "engine/backend/thread_layout.h"
#include "tests/support/model_harness.h"
#include "tests/support/shared.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_model.h"

namespace hearth::engine {
namespace {

using testing::ModelHarness;
using testing::shared_path;
using testing::TinyModel;

// Logits of a few tokens, and where the weights were.
struct Outcome {
  std::vector<float> logits;
  WeightPlacement placement;
};

Outcome outcome_of(const GgufFile& file, int64_t memory_max, int32_t threads = 1) {
  ModelHarness::Options options;
  options.kernels = find_kernels("");
  options.threads = threads;
  options.step_tokens_max = 32;
  options.weight_memory_max = memory_max;
  ModelHarness harness(file, options);
  const std::vector<TokenId> tokens = {1, 2, 49};
  return {harness.run({{harness.add_sequence(), tokens, Role::prompt}}),
          harness.runner().placement()};
}

constexpr int64_t enough = int64_t{1} << 40;

std::string load_error(const GgufFile& file, const std::function<bool(double)>& progress,
                       ErrorCode code) {
  ModelRunnerOptions options;
  options.kernels = find_kernels("");
  options.weight_memory_max = enough;
  options.threads = 2;
  try {
    static_cast<void>(ModelRunner::load(file, options, progress));
  } catch (const Error& error) {
    CHECK(error.code() == code);
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("moved weights give the bits of mapped ones, for every type") {
  // The table of tokens is the output matrix too, and no multiple of 16 rows.
  for (const DType type : {DType::f16, DType::q8_0, DType::q4_1, DType::q5_0, DType::mxfp4,
                           DType::q4_k, DType::q6_k, DType::q3_k, DType::tq1_0}) {
    TinyModel model;
    model.type = type;
    model.width = 256;
    model.feed_forward = 256;
    if (info(type).block_values == 32) model.feed_forward = 288;
    const GgufFile file = model.open();
    const Outcome mapped = outcome_of(file, 0);
    const Outcome moved = outcome_of(file, enough, 2);
    INFO(info(type).name);
    CHECK(mapped.logits == moved.logits);
    CHECK(mapped.placement.mapped_bytes > 0);
    CHECK(mapped.placement.text() == "0.00 GB mapped: no memory was given for them");
    CHECK(moved.placement.mapped_bytes == 0);
    CHECK((type == DType::f16 ? moved.placement.row_bytes : moved.placement.tile_bytes) >=
          mapped.placement.mapped_bytes);
    CHECK(outcome_of(file, mapped.placement.mapped_bytes - 1).placement.tile_bytes == 0);
  }
}

TEST_CASE("on several memory nodes every row is moved, by its own node's threads") {
  if (allowed_cpus().size() < 2) {
    WARN("skipped: this process has one processor");
    return;
  }
  TinyModel model;
  model.type = DType::q4_k;
  model.width = 256;
  model.feed_forward = 256;
  const GgufFile file = model.open();
  const Outcome mapped = outcome_of(file, 0);
  const std::vector<int32_t> cpus = allowed_cpus();
  std::vector<int32_t> nodes(static_cast<size_t>(cpus.back()) + 1, 0);
  nodes.back() = 1;
  replace_machine_cpu_nodes(nodes);
  for (const int32_t threads : {1, 2, 3}) {
    const Outcome moved = outcome_of(file, enough, threads);
    CHECK(moved.logits == mapped.logits);
    CHECK(moved.placement.tile_bytes > 0);
  }
  CHECK(outcome_of(file, 0, 3).logits == mapped.logits);
  CHECK(allowed_cpus() == cpus);
  replace_machine_cpu_nodes(cpu_nodes("/sys"));
}

TEST_CASE("experts and fused matrices move too") {
  for (const char* name : {"oracle/archs/gpt-oss.gguf", "oracle/quantized-models/moe.Q4_K.gguf",
                           "oracle/archs/phi3.gguf"}) {
    const auto path = shared_path(name);
    if (!path) {
      WARN("skipped: shared data is absent");
      return;
    }
    const GgufFile file = GgufFile::open(*path);
    INFO(name);
    const Outcome moved = outcome_of(file, enough, 3);
    CHECK(moved.placement.tile_bytes + moved.placement.row_bytes > 0);
    CHECK(moved.logits == outcome_of(file, 0).logits);
  }
}

TEST_CASE("loading is reported, and ends where nobody wants it") {
  TinyModel model;
  model.type = DType::q8_0;
  const GgufFile file = model.open();
  double last = 0;
  const auto watch = [&last](double share) {
    CHECK(share >= last);
    last = share;
    return true;
  };
  CHECK(load_error(file, watch, ErrorCode::internal) == "no error");
  CHECK_THAT(load_error(
                 file, [](double) { return false; }, ErrorCode::cancelled),
             Catch::Contains("cancelled"));
}

TEST_CASE("a file that is cut while it is in use is an error that names it") {
  TinyModel model;
  model.type = DType::q8_0;
  const testing::TempFolder folder;
  const auto path = folder.path() / "cut.gguf";
  std::ofstream(path) << model.file_bytes();
  const GgufFile file = GgufFile::open(path);
  std::filesystem::resize_file(path, 8192);
  CHECK_THAT(load_error(file, {}, ErrorCode::corrupt_data),
             Catch::Contains("cut.gguf: the file ends at offset 8192"));
}

}  // namespace hearth::engine
