#include "daemon/memory_plan.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace hearth;
using namespace hearth::daemon;

namespace {

// 16 layers of 8 heads with 64 values: 16 KiB per token as f16... times two, keys and values.
engine::ModelInfo model() {
  engine::ModelInfo info;
  info.context_length = 131072;
  info.tensor_bytes = int64_t{1} << 30;
  info.layers.resize(16);
  for (auto& layer : info.layers) {
    layer.kv_heads = 8;
    layer.key_dim = 64;
    layer.value_dim = 64;
  }
  return info;
}

PlanInput input(int64_t memory_bytes, int64_t context_tokens = 0) {
  PlanInput result;
  result.memory_bytes = memory_bytes;
  result.context_tokens = context_tokens;
  return result;
}

LoadedModel loaded(std::string key, std::chrono::minutes keep_alive, bool is_idle) {
  return {std::move(key), 100, keep_alive, is_idle, {}};
}

}  // namespace

TEST_CASE("the context is the model's own where memory allows") {
  const ModelPlan plan = plan_model(model(), input(int64_t{64} << 30));
  CHECK(plan.context_tokens == 131072);
  CHECK(plan.cache_bytes >= int64_t{131072} * 16 * 8 * 128 * 2);
  CHECK(plan.total_bytes == plan.cache_bytes + (int64_t{1} << 30));
}

TEST_CASE("a draft model's weights and contexts are in the plan") {
  engine::ModelInfo draft = model();
  draft.tensor_bytes /= 8;
  draft.layers.resize(2);
  PlanInput wanted = input(int64_t{64} << 30, 32768);
  wanted.sequences = 4;
  const ModelPlan alone = plan_model(model(), wanted);
  const ModelPlan both = plan_model(model(), wanted, &draft);
  CHECK(alone.draft_cache_bytes == 0);
  CHECK(both.context_tokens == alone.context_tokens);
  CHECK(both.draft_cache_bytes > both.cache_bytes / 9);
  CHECK(both.draft_cache_bytes < both.cache_bytes / 7);
  CHECK(both.total_bytes ==
        both.cache_bytes + both.draft_cache_bytes + model().tensor_bytes + draft.tensor_bytes);
}

TEST_CASE("a plan counts the bytes of the cache's type") {
  PlanInput wanted = input(int64_t{64} << 30, 32768);
  wanted.sequences = 1;
  const int64_t values = int64_t{32768} * 16 * 8 * 128;
  for (const auto& [type, bits] : {std::pair{engine::KvType::f32, 64},
                                   {engine::KvType::f16, 32},
                                   {engine::KvType::q8_0, 17},
                                   {engine::KvType::q4_0, 9}}) {
    wanted.kv_type = type;
    const int64_t bytes = values * bits / 16;
    CHECK(plan_model(model(), wanted).cache_bytes == bytes + bytes / 16 + (1 << 20));
  }
}

TEST_CASE("the context is halved until it fits, but not below 4096") {
  CHECK(plan_model(model(), input(int64_t{4} << 30)).context_tokens == 65536);
  CHECK(plan_model(model(), input(int64_t{1} << 30)).context_tokens == 4096);
  CHECK(plan_model(model(), input(0)).context_tokens == 4096);
}

TEST_CASE("a wanted context is taken, up to the model's own") {
  CHECK(plan_model(model(), input(int64_t{64} << 30, 1000)).context_tokens == 1000);
  CHECK(plan_model(model(), input(int64_t{64} << 30, 1 << 20)).context_tokens == 131072);
}

TEST_CASE("small models have a full context for every sequence") {
  engine::ModelInfo info = model();
  info.context_length = 512;
  info.layers.resize(2);
  const ModelPlan plan = plan_model(info, input(int64_t{64} << 30));
  CHECK(plan.cache_bytes >= int64_t{64} * 512 * 2 * 8 * 128 * 2);
}

TEST_CASE("room") {
  const Limits limits{1000, 3};
  CHECK(has_room({}, 5000, limits));
  const std::vector<LoadedModel> two{loaded("a", std::chrono::minutes(5), true),
                                     loaded("b", std::chrono::minutes(5), true)};
  CHECK(has_room(two, 800, limits));
  CHECK_FALSE(has_room(two, 801, limits));
  CHECK_FALSE(has_room(two, 1, Limits{1000, 2}));
}

TEST_CASE("victims") {
  CHECK_FALSE(choose_victim({}));
  std::vector<LoadedModel> models{loaded("b", std::chrono::minutes(5), true),
                                  loaded("a", std::chrono::minutes(5), true),
                                  loaded("c", std::chrono::minutes(1), false)};
  models[0].last_used = TimePoint(std::chrono::seconds(9));
  models[1].last_used = TimePoint(std::chrono::seconds(8));
  models[2].last_used = TimePoint(std::chrono::seconds(7));
  CHECK(choose_victim(models) == 1u);
  models[2].is_idle = true;
  CHECK(choose_victim(models) == 2u);
  models[2].keep_alive = api::forever;
  CHECK(choose_victim(models) == 1u);
  for (LoadedModel& model : models) model.is_idle = false;
  CHECK(choose_victim(models) == 1u);
  models.erase(models.begin(), models.begin() + 2);
  CHECK(choose_victim(models) == 0u);
}

TEST_CASE("who came later overtakes only where there is room for those before") {
  const Limits limits{1000, 3};
  const std::vector<LoadedModel> loaded_now{loaded("a", std::chrono::minutes(5), false)};
  const Wanted small{"s", 200};
  CHECK(may_overtake(loaded_now, {}, std::vector<Wanted>{{"b", 800}}, small, limits));
  CHECK_FALSE(may_overtake(loaded_now, {}, std::vector<Wanted>{{"b", 801}}, small, limits));
  CHECK_FALSE(may_overtake(loaded_now, loaded_now, std::vector<Wanted>{{"b", 800}}, small, limits));
  CHECK_FALSE(may_overtake(loaded_now, {}, std::vector<Wanted>{{"b", 1}}, {"s", 1000}, limits));
  CHECK(may_overtake(loaded_now, {}, std::vector<Wanted>{{"b", 800}, {"b", 800}}, small, limits));
}
