#include "engine/models/hyper_parameters.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "base/error.h"
#include "tests/support/tiny_model.h"

namespace hearth::engine {
namespace {

using testing::TinyModel;

HyperParameters read(const TinyModel& model) {
  const GgufFile file = model.open();
  return read_hyper_parameters(file.metadata(), *find_architecture(model.architecture));
}

// The message, which must name the key.
void check_refused(const TinyModel& model, ErrorCode code, const std::string& key) {
  try {
    static_cast<void>(read(model));
    FAIL("accepted a bad " << key);
  } catch (const Error& error) {
    CHECK(error.code() == code);
    CHECK_THAT(error.what(), Catch::Contains(model.architecture + "." + key));
  }
}

TinyModel with(const std::string& key, int64_t value) {
  TinyModel model;
  model.integers[key] = value;
  return model;
}

TinyModel with_float(const std::string& key, double value) {
  TinyModel model;
  model.floats[key] = value;
  return model;
}

}  // namespace

TEST_CASE("defaults follow from the width and the heads") {
  const HyperParameters parameters = read(TinyModel{});
  CHECK(parameters.embedding_length == 64);
  CHECK(parameters.key_length == 16);
  CHECK(parameters.value_length == 16);
  CHECK(parameters.rope.dimension_count == 16);
  CHECK(parameters.rope.freq_base == 10000.0);
  CHECK(parameters.rope.factor == 1.0);
  CHECK(parameters.attention_scale == Approx(0.25));
  CHECK(parameters.embedding_scale == 1.0F);
  REQUIRE(parameters.layers.size() == 2);
  CHECK(parameters.layers[1].kv_heads == 2);
  CHECK(parameters.layers[1].window == 0);
}

TEST_CASE("numbers may differ per layer") {
  TinyModel model;
  model.lists["feed_forward_length"] = {96, 32};
  model.lists["attention.head_count_kv"] = {4, 1};
  const HyperParameters parameters = read(model);
  CHECK(parameters.layers[0].feed_forward_length == 96);
  CHECK(parameters.layers[1].feed_forward_length == 32);
  CHECK(parameters.layers[1].kv_heads == 1);
}

TEST_CASE("rope scaling is read as files of all ages write it") {
  CHECK(read(with_float("rope.scale_linear", 4.0)).rope.factor == 4.0);
  CHECK(read(with_float("rope.scaling.factor", 8.0)).rope.factor == 8.0);
  TinyModel yarn = with_float("rope.scaling.factor", 4.0);
  yarn.texts["rope.scaling.type"] = "yarn";
  CHECK(read(yarn).rope.yarn);
  CHECK(read(yarn).rope.original_context == 2048.0);
  TinyModel none = with_float("rope.scaling.factor", 4.0);
  none.texts["rope.scaling.type"] = "none";
  CHECK(read(none).rope.factor == 1.0);
}

TEST_CASE("a llama file's window is ignored, gemma3's follows the pattern") {
  CHECK(read(with("attention.sliding_window", 16)).layers[0].window == 0);

  TinyModel gemma = with("attention.sliding_window", 16);
  gemma.architecture = "gemma3";
  gemma.integers["block_count"] = 12;
  gemma.floats["rope.freq_base"] = 1e6;
  HyperParameters parameters = read(gemma);
  for (size_t layer = 0; layer < 12; ++layer) {
    CHECK(parameters.layers[layer].window == (layer % 6 == 5 ? 0 : 16));
  }
  CHECK(parameters.rope.freq_base == 1e6);
  CHECK(parameters.window_rope.freq_base == 10000.0);
  CHECK(parameters.embedding_scale == Approx(8.0));

  gemma.integers["attention.sliding_window_pattern"] = 2;
  CHECK(read(gemma).layers[1].window == 0);
  CHECK(read(gemma).layers[2].window == 16);

  gemma.integers.erase("attention.sliding_window_pattern");
  gemma.integers["block_count"] = 2;
  gemma.lists["attention.sliding_window_pattern"] = {0, 1};
  CHECK(read(gemma).layers[0].window == 0);
  CHECK(read(gemma).layers[1].window == 16);
}

TEST_CASE("layers without rope follow from the row, its windows and its key") {
  const auto ropes = [](const TinyModel& model) {
    std::vector<bool> has_rope;
    for (const LayerParameters& layer : read(model).layers) has_rope.push_back(layer.has_rope);
    return has_rope;
  };
  TinyModel model;
  model.layers = 4;
  CHECK(ropes(model) == std::vector<bool>(4, true));
  model.architecture = "smollm3";
  CHECK(ropes(model) == std::vector<bool>{true, true, true, false});
  model.architecture = "granite";
  CHECK(ropes(model) == std::vector<bool>(4, true));
  model.integers["rope.scaling.finetuned"] = 0;
  CHECK(ropes(model) == std::vector<bool>(4, false));
  model.architecture = "cohere2";
  model.floats["attention.layer_norm_epsilon"] = 1e-5;
  model.integers["attention.sliding_window"] = 16;
  CHECK(ropes(model) == std::vector<bool>{true, true, true, false});
}

TEST_CASE(
    "windowed layers have the rope of the others, the same unscaled, or a base of their own") {
  TinyModel model = with_float("rope.freq_base", 5e5);
  model.floats["rope.scaling.factor"] = 4.0;
  model.floats["attention.layer_norm_epsilon"] = 1e-5;
  model.architecture = "gemma2";
  CHECK(read(model).window_rope.freq_base == 5e5);
  CHECK(read(model).window_rope.factor == 4.0);
  model.architecture = "olmo2";
  CHECK(read(model).window_rope.freq_base == 5e5);
  CHECK(read(model).window_rope.factor == 1.0);
  model.architecture = "gemma3";
  CHECK(read(model).window_rope.freq_base == 10000.0);
  CHECK(read(model).window_rope.factor == 1.0);
}

TEST_CASE("scales of granite, minicpm and command-r; soft caps of old gemma2 files") {
  TinyModel model = with_float("logit_scale", 4.0);
  model.floats["residual_scale"] = 0.5;
  model.floats["embedding_scale"] = 12.0;
  model.floats["attention.layer_norm_epsilon"] = 1e-5;
  CHECK(read(model).logit_factor == 1.0F);
  model.architecture = "granite";
  CHECK(read(model).logit_factor == 0.25F);
  CHECK(read(model).residual_scale == 0.5F);
  CHECK(read(model).embedding_scale == 12.0F);
  model.architecture = "command-r";
  CHECK(read(model).logit_factor == 4.0F);
  model.architecture = "minicpm";
  CHECK_NOTHROW(read(model));
  for (const char* key : {"embedding_scale", "residual_scale", "logit_scale"}) {
    TinyModel without = model;
    without.missing_keys = {key};
    check_refused(without, ErrorCode::corrupt_data, key);
  }
  model.floats["logit_scale"] = 0.0;
  check_refused(model, ErrorCode::corrupt_data, "logit_scale");
  TinyModel gemma;
  gemma.architecture = "gemma2";
  CHECK(read(gemma).attention_soft_cap == 50.0F);
  CHECK(read(gemma).final_soft_cap == 30.0F);
  CHECK(read(gemma).layers[0].window == 4096);
  CHECK(read(gemma).layers[1].window == 0);
}

TEST_CASE("what cannot be is refused in one line that names the key") {
  constexpr ErrorCode corrupt = ErrorCode::corrupt_data;
  for (int64_t bad : {int64_t{0}, int64_t{-1}, int64_t{1} << 40}) {
    for (const char* key :
         {"block_count", "embedding_length", "feed_forward_length", "attention.head_count",
          "attention.head_count_kv", "context_length", "attention.key_length",
          "attention.value_length", "rope.dimension_count"}) {
      check_refused(with(key, bad), corrupt, key);
    }
  }
  check_refused(with("rope.dimension_count", 15), corrupt, "rope.dimension_count");
  check_refused(with("rope.dimension_count", 18), corrupt, "rope.dimension_count");
  check_refused(with("attention.head_count_kv", 3), corrupt, "attention.head_count_kv");
  check_refused(with("attention.head_count", 128), corrupt, "attention.head_count");
  check_refused(with_float("rope.freq_base", 0.0), corrupt, "rope.freq_base");
  check_refused(with_float("rope.freq_base", 1.0), corrupt, "rope.freq_base");
  check_refused(with_float("rope.scaling.factor", 0.0), corrupt, "rope.scaling.factor");
  check_refused(with_float("attention.scale", -1.0), corrupt, "attention.scale");
  check_refused(with_float("attention.layer_norm_rms_epsilon", -1.0), corrupt,
                "attention.layer_norm_rms_epsilon");
  check_refused(with_float("attention.layer_norm_rms_epsilon", INFINITY), corrupt, "");
  for (const char* key :
       {"block_count", "embedding_length", "feed_forward_length", "attention.head_count",
        "context_length", "attention.layer_norm_rms_epsilon"}) {
    TinyModel model;
    model.missing_keys = {key};
    check_refused(model, corrupt, key);
  }
}

TEST_CASE("experts: how many, how many of them are used, how wide they are") {
  TinyModel model;
  model.integers = {{"expert_count", 8}, {"expert_used_count", 2}};
  CHECK(read(model).experts.count == 8);
  CHECK(read(model).experts.used == 2);
  CHECK(read(model).experts.feed_forward_length == 96);
  model.integers["expert_feed_forward_length"] = 32;
  CHECK(read(model).experts.feed_forward_length == 32);
  check_refused(with("expert_count", 8), ErrorCode::corrupt_data, "expert_used_count");
  model.integers["expert_used_count"] = 9;
  check_refused(model, ErrorCode::corrupt_data, "expert_used_count");
}

TEST_CASE("features without code are refused by name") {
  check_refused(with("attention.causal", 0), ErrorCode::unsupported, "attention.causal");
  TinyModel dynamic;
  dynamic.texts["rope.scaling.type"] = "dynamic";
  check_refused(dynamic, ErrorCode::unsupported, "rope.scaling.type");
  CHECK_NOTHROW(read(with("expert_count", 0)));
}

}  // namespace hearth::engine
