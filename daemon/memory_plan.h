// How much memory a model takes and which loaded model has to go. Pure: sizes in, decisions out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "api/duration.h"
#include "base/clock.h"
#include "engine/kv_type.h"
#include "engine/model_info.h"

namespace hearth::daemon {

struct PlanInput {
  int64_t context_tokens = 0;  // wanted; 0: the model's own length
  engine::KvType kv_type = engine::KvType::f16;
  int32_t sequences = 64;    // that may run at once
  int64_t memory_bytes = 0;  // all that models may take together
};

struct ModelPlan {
  int64_t context_tokens = 0;     // every sequence may use all of it
  int64_t cache_bytes = 0;        // address space for pages; memory is taken as they fill
  int64_t draft_cache_bytes = 0;  // the same for the draft model
  int64_t total_bytes = 0;        // weights and caches
};

// The context is halved, down to 4096 tokens, until one full context fits beside the weights. The
// cache holds as many full contexts as there are sequences, within a quarter of the memory, and at
// least one. A draft model (null: none) is loaded beside it and keeps as many contexts.
ModelPlan plan_model(const engine::ModelInfo& info, const PlanInput& input,
                     const engine::ModelInfo* draft = nullptr);

struct LoadedModel {
  std::string key;
  int64_t total_bytes = 0;  // 0: a vocabulary only, which does not count
  api::Duration keep_alive{};
  bool is_idle = false;
  TimePoint last_used{};
};

struct Limits {
  int64_t memory_bytes = 0;
  int32_t models_max = 1;
};

// Whether a model of this size may be loaded beside the others. The only model always fits, and so
// does a vocabulary.
bool has_room(std::span<const LoadedModel> loaded, int64_t needed_bytes, const Limits& limits);

struct Wanted {
  std::string key;
  int64_t total_bytes = 0;
};

// Whether `wanted` may be loaded now although others, who came `before`, still wait for room: only
// where there is room for all of them beside the models that stay.
bool may_overtake(std::span<const LoadedModel> loaded, std::span<const LoadedModel> staying,
                  std::span<const Wanted> before, const Wanted& wanted, const Limits& limits);

// Index of the model that goes first: an idle one if there is any, one that is to stay for ever
// only where there are no others, and of those the one that was used longest ago. Empty for no
// models.
std::optional<size_t> choose_victim(std::span<const LoadedModel> loaded);

}  // namespace hearth::daemon
