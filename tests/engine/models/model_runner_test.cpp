#include "engine/models/model_runner.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "base/error.h"
#include "tests/support/model_harness.h"
#include "tests/support/tiny_model.h"

namespace hearth::engine {
namespace {

using testing::ModelHarness;
using testing::TinyModel;

std::string load_error(const TinyModel& model, ErrorCode code) {
  const GgufFile file = model.open();
  ModelRunnerOptions options;
  options.kernels = find_kernels("");
  try {
    static_cast<void>(ModelRunner::load(file, options, {}));
  } catch (const Error& error) {
    CHECK(error.code() == code);
    return error.what();
  }
  return "no error";
}

ModelHarness::Options harness_options() {
  ModelHarness::Options options;
  options.kernels = find_kernels("");
  options.threads = 2;
  options.step_tokens_max = 32;
  return options;
}

}  // namespace

TEST_CASE("a tiny model of every architecture and matrix type runs") {
  for (const char* architecture : {"llama", "qwen2", "qwen3", "gemma3"}) {
    for (DType type : {DType::f32, DType::f16, DType::bf16, DType::q8_0, DType::q4_0}) {
      INFO(architecture << " " << info(type).name);
      TinyModel model;
      model.architecture = architecture;
      model.type = type;
      for (const char* layer : {"blk.0.", "blk.1."}) {
        if (model.architecture == "qwen2") {
          model.shapes[std::string(layer) + "attn_q.bias"] = {64};
          model.shapes[std::string(layer) + "attn_k.bias"] = {32};
          model.shapes[std::string(layer) + "attn_v.bias"] = {32};
        }
        if (model.architecture == "qwen3" || model.architecture == "gemma3") {
          model.shapes[std::string(layer) + "attn_q_norm.weight"] = {16};
          model.shapes[std::string(layer) + "attn_k_norm.weight"] = {16};
        }
        if (model.architecture == "gemma3") {
          model.shapes[std::string(layer) + "post_attention_norm.weight"] = {64};
          model.shapes[std::string(layer) + "post_ffw_norm.weight"] = {64};
        }
      }
      const GgufFile file = model.open();
      ModelHarness harness(file, harness_options());
      CHECK(harness.vocab_size() == 50);
      const std::vector<TokenId> tokens = {1, 2, 3};
      const std::vector<float> logits =
          harness.run({{harness.add_sequence(), tokens, Role::prompt}});
      for (float value : logits) REQUIRE(std::isfinite(value));
    }
  }
}

TEST_CASE("all missing and misshapen tensors are named at once") {
  TinyModel model;
  model.shapes["blk.0.attn_q.weight"] = {64, 32};
  model.shapes["blk.1.ffn_down.weight"] = {};
  model.shapes["output_norm.weight"] = {};
  const std::string message = load_error(model, ErrorCode::corrupt_data);
  CHECK_THAT(message, Catch::Contains("tiny.gguf: 3 tensors"));
  CHECK_THAT(message, Catch::Contains("blk.0.attn_q.weight: shape [64, 32], expected [64, 64]"));
  CHECK_THAT(message, Catch::Contains("blk.1.ffn_down.weight: missing, expected [96, 64]"));
  CHECK_THAT(message, Catch::Contains("output_norm.weight: missing, expected [64]"));
}

TEST_CASE("a fused model's missing tensors are named at once") {
  TinyModel model;
  model.architecture = "gpt2";
  model.floats["attention.layer_norm_epsilon"] = 1e-5;
  model.shapes["blk.0.attn_qkv.weight"] = {64, 100};
  const std::string message = load_error(model, ErrorCode::corrupt_data);
  CHECK_THAT(message,
             Catch::Contains("blk.0.attn_qkv.weight: shape [64, 100], expected [64, 128]"));
  CHECK_THAT(message, Catch::Contains("position_embd.weight: missing, expected [64, 2048]"));
}

TEST_CASE("many broken tensors give a message of bounded length") {
  TinyModel model;
  model.integers["block_count"] = 1024;
  const std::string message = load_error(model, ErrorCode::corrupt_data);
  CHECK_THAT(message, Catch::Contains("more"));
  CHECK(message.size() < 10000);
}

TEST_CASE("unknown architectures and tensors that nobody reads are refused by name") {
  TinyModel foreign;
  foreign.architecture = "mamba\n2";
  foreign.shapes["blk.0.ssm_in.weight"] = {64, 64};
  const std::string message = load_error(foreign, ErrorCode::unsupported);
  CHECK_THAT(message, Catch::Contains("\"mamba\\x0a2\" is not supported; hearth runs llama, "));
  CHECK_THAT(message, Catch::Contains("would need code for layers of attn_k, attn_norm, "));
  CHECK_THAT(message, Catch::Contains("ssm_in"));
  TinyModel extra;
  extra.shapes["blk.0.attn_sinks.weight"] = {4};
  CHECK_THAT(load_error(extra, ErrorCode::unsupported), Catch::Contains("blk.0.attn_sinks.weight"));
  TinyModel tower;
  tower.shapes["v.patch_embd.weight"] = {64, 64};
  CHECK(load_error(tower, ErrorCode::unsupported) == "no error");
}

TEST_CASE("rope factors must be above zero") {
  TinyModel model;
  model.shapes["rope_freqs.weight"] = {8};  // random, so some are negative
  CHECK_THAT(load_error(model, ErrorCode::corrupt_data), Catch::Contains("rope_freqs.weight"));
}

TEST_CASE("loading reports progress and can be cancelled") {
  const GgufFile file = TinyModel{}.open();
  ModelRunnerOptions options;
  options.kernels = find_kernels("");
  double last = 0;
  static_cast<void>(ModelRunner::load(file, options, [&](double share) {
    CHECK(share >= last);
    last = share;
    return true;
  }));
  CHECK(last == 1.0);
  CHECK_THROWS_AS(ModelRunner::load(file, options, [](double) { return false; }), Error);
}

TEST_CASE("a cancelled step stops early, and the next one is right") {
  const GgufFile file = TinyModel{}.open();
  ModelHarness harness(file, harness_options());
  const std::vector<TokenId> tokens = {1, 2, 3, 4, 5};
  const std::vector<float> expected = harness.run({{harness.add_sequence(), tokens, Role::prompt}});
  int stopped = 0;
  for (bool is_finished = false; !is_finished; ++stopped) {
    StepPlan plan = harness.plan_of({{harness.add_sequence(), tokens, Role::prompt}});
    plan.output_tokens = {4};
    std::vector<float> logits(static_cast<size_t>(harness.vocab_size()));
    int asked = 0;
    is_finished =
        harness.runner().run(plan, harness.pools(), logits, [&] { return asked++ >= stopped; });
    CHECK(asked == (is_finished ? stopped : stopped + 1));
  }
  // It was asked several times per layer, and stopped at each of them once.
  CHECK(stopped >= 6);
  CHECK(harness.run({{harness.add_sequence(), tokens, Role::prompt}}) == expected);
}

TEST_CASE("tokens outside the vocabulary, adapters and two-way spans are refused") {
  const GgufFile file = TinyModel{}.open();
  ModelHarness harness(file, harness_options());
  const std::vector<TokenId> tokens = {1, 50};
  CHECK_THROWS_WITH(harness.run({{harness.add_sequence(), tokens, Role::prompt}}),
                    Catch::Contains("token 50"));
  const std::vector<TokenId> good = {1, 2};
  StepPlan plan = harness.plan_of({{harness.add_sequence(), good, Role::prompt}});
  plan.sequences[0].adapter = 0;
  CHECK_THROWS_WITH(harness.runner().run(plan, harness.pools(), {}, {}),
                    Catch::Contains("adapter"));
  plan.sequences[0].adapter = -1;
  plan.unsplittable.push_back({0, 2});
  CHECK_THROWS_WITH(harness.runner().run(plan, harness.pools(), {}, {}),
                    Catch::Contains("both directions"));
}

TEST_CASE("an embedding row stands for its token") {
  const TinyModel model;
  const GgufFile file = model.open();
  ModelHarness harness(file, harness_options());
  const std::vector<TokenId> tokens = {7, 3, 9};
  const std::vector<float> expected =
      harness.run_last({{harness.add_sequence(), tokens, Role::prompt}});
  StepPlan plan = harness.plan_of({{harness.add_sequence(), tokens, Role::prompt}});
  plan.output_tokens = {2};
  const Tensor table = file.find_tensor("token_embd.weight")->tensor();
  plan.embedding_rows.resize(64);
  decode(table.type, table.row(3), plan.embedding_rows);
  plan.tokens[1] = StepPlan::embedding_token;
  std::vector<float> logits(static_cast<size_t>(harness.vocab_size()));
  CHECK(harness.runner().run(plan, harness.pools(), logits, {}));
  CHECK(logits == expected);
}

}  // namespace hearth::engine
