#include "engine/backend/cpu_backend.h"

#include <catch2/catch.hpp>

#include "engine/models/dense_decoder.h"
#include "engine/models/hyper_parameters.h"
#include "engine/models/weight_loader.h"
#include "tests/support/tiny_model.h"

namespace hearth::engine {
namespace {

using testing::TinyModel;

// Logits of a prompt straight through a backend, fused or as emitted.
std::vector<float> run_prompt(const GgufFile& file, bool is_fused, int32_t threads) {
  const KernelTable& kernels = *find_kernels("");
  const ArchitectureRow& row =
      *find_architecture(file.metadata().require_string("general.architecture"));
  Tape tape;
  VectorStorage storage;
  CacheShape cache;
  WeightLoader loader(file, kernels, tape, storage);
  const HyperParameters parameters = read_hyper_parameters(file.metadata(), row);
  Emission emission{row, parameters, loader, tape, cache};
  emit_dense_decoder(emission);
  loader.finish();
  CpuBackend::Options options;
  options.kernels = &kernels;
  options.threads = threads;
  options.sizes = {8, 8};
  options.fuse = is_fused;
  CpuBackend backend(std::move(tape), options);
  PagePool pool(cache.groups.at(0), KvType::f32, kernels, 1);
  const std::vector<PageId> pages = {pool.acquire().value()};
  StepPlan plan;
  plan.sequences.push_back({0, 5, 0, Role::prompt, -1, 1.0F, {pages}});
  plan.tokens = {1, 2, 3, 4, 5};
  for (int32_t i = 0; i < 5; ++i) plan.positions.push_back({i, i, i});
  plan.output_tokens = {0, 3, 4};
  std::vector<float> logits(3 * 50);
  PagePool* const pools[] = {&pool};
  REQUIRE(backend.run(plan, pools, logits, {}));
  return logits;
}

}  // namespace

TEST_CASE("fused and plain tapes agree bit by bit") {
  for (DType type : {DType::f32, DType::q8_0}) {
    TinyModel model;
    model.type = type;
    for (const char* layer : {"blk.0.", "blk.1."}) {
      model.shapes[std::string(layer) + "ffn_gate.bias"] = {96};
      model.shapes[std::string(layer) + "attn_output.bias"] = {64};
      model.shapes[std::string(layer) + "ffn_down.bias"] = {64};
    }
    const GgufFile file = model.open();
    const std::vector<float> plain = run_prompt(file, false, 1);
    CHECK(run_prompt(file, true, 1) == plain);
    CHECK(run_prompt(file, true, 3) == plain);
    CHECK(run_prompt(file, false, 2) == plain);
  }
}

}  // namespace hearth::engine
