// Adapters against models whose weights were merged by the test, and against what does not fit.
#include "engine/models/adapter_loader.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "base/error.h"
#include "tests/support/adapter_files.h"
#include "tests/support/kernel_tables.h"
#include "tests/support/model_harness.h"
#include "tests/support/tiny_model.h"

namespace hearth::engine {
namespace {

using testing::merge_adapter;
using testing::ModelHarness;
using testing::TinyAdapter;
using testing::TinyModel;

std::vector<std::string> all_matrices(const TinyModel& model) {
  std::vector<std::string> names;
  for (int64_t layer = 0; layer < model.layers; ++layer) {
    for (const char* part :
         {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"}) {
      names.push_back("blk." + std::to_string(layer) + "." + part);
    }
  }
  return names;
}

ModelHarness::Options options_with(const KernelTable& kernels, std::vector<AdapterFile> adapters) {
  ModelHarness::Options options;
  options.kernels = &kernels;
  options.threads = 2;
  options.adapters = std::move(adapters);
  return options;
}

std::vector<TokenId> random_tokens(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<TokenId> tokens(count);
  for (TokenId& token : tokens) token = static_cast<TokenId>(random() % 50);
  return tokens;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - b[i]);
    largest = difference <= largest ? largest : difference;
  }
  return largest;
}

std::string load_error(const TinyAdapter& made, ErrorCode expected) {
  const GgufFile model = TinyModel{}.open();
  const GgufFile adapter = made.open(model);
  try {
    const ModelHarness harness(model, options_with(*find_kernels(""), {{&adapter, 1.0F}}));
  } catch (const Error& error) {
    CHECK(error.code() == expected);
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("a model with an adapter is the model into whose weights it was merged") {
  const TinyModel tiny;
  const GgufFile model = tiny.open();
  TinyAdapter made;
  made.matrices = all_matrices(tiny);
  made.type = GENERATE(DType::f32, DType::f16, DType::bf16);
  const GgufFile adapter = made.open(model);
  const GgufFile merged = merge_adapter(model, adapter, 0.5 * 8.0 / 4);
  const std::vector<TokenId> tokens = random_tokens(40, 3);
  for (const KernelTable* kernels : tables()) {
    INFO(kernels->name << ", " << info(made.type).name);
    ModelHarness expected(merged, options_with(*kernels, {}));
    // Half of the scale when it is loaded, or when it is asked for.
    ModelHarness loaded(model, options_with(*kernels, {{&adapter, 0.5F}}));
    ModelHarness asked(model, options_with(*kernels, {{&adapter, 1.0F}}));
    const std::vector<float> want = expected.run({{expected.add_sequence(), tokens, Role::prompt}});
    const std::vector<float> got = loaded.run({{loaded.add_sequence(), tokens, Role::prompt, 0}});
    CHECK(largest_difference(got, want) < 2e-4);
    CHECK(asked.run({{asked.add_sequence(), tokens, Role::prompt, 0, 0.5F}}) == got);
    const std::vector<float> base = asked.run({{asked.add_sequence(), tokens, Role::prompt}});
    CHECK(largest_difference(base, want) > 0.05);
  }
}

TEST_CASE("sequences with different adapters in one step get the bits they get alone") {
  TinyModel tiny;
  tiny.width = 256;
  tiny.feed_forward = 256;
  tiny.type = GENERATE(DType::f32, DType::q8_0);
  const GgufFile model = tiny.open();
  std::deque<GgufFile> files;
  std::vector<AdapterFile> adapters;
  for (uint32_t i = 0; i < 2; ++i) {
    TinyAdapter made;
    made.rank = i == 0 ? 3 : 17;
    made.seed = i;
    made.matrices = all_matrices(tiny);
    if (i == 1) made.matrices = {"blk.0.attn_k", "blk.1.ffn_down"};
    adapters.push_back({&files.emplace_back(made.open(model)), 1.0F});
  }
  const std::vector<TokenId> prompt = random_tokens(21, 5);
  const std::vector<TokenId> next = {7};
  ModelHarness harness(model, options_with(*find_kernels(""), adapters));
  const std::vector<std::pair<int32_t, float>> uses = {
      {0, 1.0F}, {-1, 1.0F}, {1, 1.0F}, {0, 0.25F}};
  std::vector<std::vector<float>> alone;
  for (const auto& [adapter, scale] : uses) {
    const int32_t sequence = harness.add_sequence();
    std::vector<float> logits = harness.run({{sequence, prompt, Role::prompt, adapter, scale}});
    const std::vector<float> decoded =
        harness.run({{sequence, next, Role::decode, adapter, scale}});
    logits.insert(logits.end(), decoded.begin(), decoded.end());
    for (const auto& other : alone) CHECK(other != logits);
    alone.push_back(logits);
  }
  std::vector<ModelHarness::Piece> prompts;
  std::vector<ModelHarness::Piece> nexts;
  for (const auto& [adapter, scale] : uses) {
    prompts.push_back({harness.add_sequence(), prompt, Role::prompt, adapter, scale});
    nexts.push_back({prompts.back().sequence, next, Role::decode, adapter, scale});
  }
  const std::vector<float> read = harness.run(prompts);
  const std::vector<float> written = harness.run(nexts);
  const size_t prompt_floats = prompt.size() * static_cast<size_t>(harness.vocab_size());
  const auto vocab = static_cast<size_t>(harness.vocab_size());
  for (size_t i = 0; i < uses.size(); ++i) {
    INFO("sequence " << i);
    std::vector<float> together(
        read.begin() + static_cast<std::ptrdiff_t>(i * prompt_floats),
        read.begin() + static_cast<std::ptrdiff_t>((i + 1) * prompt_floats));
    together.insert(together.end(), written.begin() + static_cast<std::ptrdiff_t>(i * vocab),
                    written.begin() + static_cast<std::ptrdiff_t>((i + 1) * vocab));
    CHECK(together == alone[i]);
  }
}

TEST_CASE("adapters that do not fit say why") {
  TinyAdapter good;
  good.matrices = {"blk.0.attn_q"};
  CHECK(load_error(good, ErrorCode::internal) == "no error");
  TinyAdapter none = good;
  none.general_type = "model";
  CHECK_THAT(load_error(none, ErrorCode::invalid_argument), Catch::Contains("is no adapter"));
  TinyAdapter foreign = good;
  foreign.architecture = "gemma3";
  CHECK_THAT(load_error(foreign, ErrorCode::invalid_argument),
             Catch::Contains("\"gemma3\", this one is \"llama\""));
  TinyAdapter stranger = good;
  stranger.matrices = {"blk.7.attn_q", "blk.0.attn_q", "rope_freqs"};
  CHECK_THAT(load_error(stranger, ErrorCode::corrupt_data),
             Catch::Contains("blk.7.attn_q.weight.lora_a belongs to no matrix") &&
                 Catch::Contains("rope_freqs"));
  TinyAdapter misshapen = good;
  const GgufFile wide = [] {
    TinyModel model;
    model.width = 128;
    return model.open();
  }();
  const GgufFile adapter = misshapen.open(wide);
  const GgufFile model = TinyModel{}.open();
  CHECK_THROWS_WITH(ModelHarness(model, options_with(*find_kernels(""), {{&adapter, 1.0F}})),
                    Catch::Contains("A is [128, 4] and B [4, 128], expected [64, rank]"));
}

}  // namespace hearth::engine
