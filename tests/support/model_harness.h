// Drives a ModelRunner with page pools directly: sequences, steps built by hand, no scheduler.
// Pages that slide out of a window are given back, as the engine does.
#pragma once

#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <vector>

#include "engine/gguf/reader.h"
#include "engine/kv_cache/page_pools.h"
#include "engine/models/model_runner.h"
#include "engine/step_plan.h"

namespace hearth::testing {

class ModelHarness {
 public:
  struct Options {
    const engine::KernelTable* kernels = nullptr;
    int32_t threads = 1;
    int32_t step_tokens_max = 128;
    engine::KvType kv_type = engine::KvType::f32;
    int64_t pages = 64;  // per cache group
    std::vector<engine::AdapterFile> adapters = {};
    int64_t context_tokens = 0;                    // 0: as many as the model was made for
    int64_t weight_memory_max = int64_t{1} << 40;  // 0: weights stay in the mapped file
  };

  // Tokens that one sequence adds to a step.
  struct Piece {
    int32_t sequence = 0;
    std::span<const engine::TokenId> tokens;
    engine::Role role = engine::Role::prompt;
    int32_t adapter = -1;
    float adapter_scale = 1.0F;
  };

  ModelHarness(const engine::GgufFile& file, const Options& options) {
    engine::ModelRunnerOptions runner_options;
    runner_options.kernels = options.kernels;
    runner_options.threads = options.threads;
    runner_options.step_tokens_max = options.step_tokens_max;
    runner_options.output_tokens_max = options.step_tokens_max;
    runner_options.adapters = options.adapters;
    runner_options.context_tokens = options.context_tokens;
    runner_options.weight_memory_max = options.weight_memory_max;
    runner_ = engine::ModelRunner::load(file, runner_options, {});
    pools_ = std::make_unique<engine::PagePools>(runner_->cache_shape(), options.kv_type,
                                                 *options.kernels, options.pages);
  }

  engine::ModelRunner& runner() { return *runner_; }
  int64_t vocab_size() const { return runner_->vocab_size(); }

  int32_t add_sequence() {
    sequences_.push_back({0, std::vector<std::vector<engine::PageId>>(pools_->size())});
    return static_cast<int32_t>(sequences_.size()) - 1;
  }

  // A sequence that begins with all tokens of another one, which are whole pages, and shares their
  // pages, as the prefix index does it.
  int32_t fork_sequence(int32_t from) {
    const Sequence copy = sequences_[static_cast<size_t>(from)];
    for (size_t g = 0; g < pools_->size(); ++g) {
      for (engine::PageId page : copy.pages[g]) {
        if (page != engine::no_page) (*pools_)[g].add_reference(page);
      }
    }
    sequences_.push_back(copy);
    return static_cast<int32_t>(sequences_.size()) - 1;
  }

  // Gives all pages back; the sequence is empty again.
  void clear_sequence(int32_t sequence) {
    Sequence& state = sequences_[static_cast<size_t>(sequence)];
    for (size_t g = 0; g < pools_->size(); ++g) {
      for (engine::PageId page : state.pages[g]) {
        if (page != engine::no_page) (*pools_)[g].release(page);
      }
      state.pages[g].clear();
    }
    state.token_count = 0;
  }

  // Takes pages out of every pool for good, so that later sequences get other ones.
  void waste_pages(int64_t count) {
    for (engine::PagePool* pool : pools_->all()) {
      for (int64_t i = 0; i < count; ++i) static_cast<void>(pool->acquire().value());
    }
  }

  // As below, but the hidden rows, or the rows of a head that gives no logits.
  std::vector<float> run_output(const std::vector<Piece>& pieces, engine::StepOutput output) {
    engine::StepPlan plan = plan_of(pieces);
    plan.output = output;
    plan.output_tokens.resize(plan.tokens.size());
    std::iota(plan.output_tokens.begin(), plan.output_tokens.end(), 0);
    return run_plan(plan, pieces);
  }

  // One step; pieces in the decode role first. Logits of all tokens, in the order of the pieces.
  std::vector<float> run(const std::vector<Piece>& pieces) {
    engine::StepPlan plan = plan_of(pieces);
    plan.output_tokens.resize(plan.tokens.size());
    std::iota(plan.output_tokens.begin(), plan.output_tokens.end(), 0);
    return run_plan(plan, pieces);
  }

  // As above, logits of the last token of each piece only.
  std::vector<float> run_last(const std::vector<Piece>& pieces) {
    engine::StepPlan plan = plan_of(pieces);
    for (const engine::SequenceSpan& span : plan.sequences) {
      plan.output_tokens.push_back(span.first_token + span.token_count - 1);
    }
    return run_plan(plan, pieces);
  }

  // As above, no logits at all.
  void run_silently(const std::vector<Piece>& pieces) {
    const engine::StepPlan plan = plan_of(pieces);
    static_cast<void>(run_plan(plan, pieces));
  }

  std::span<engine::PagePool* const> pools() const { return pools_->all(); }

  // Acquires what the pieces need. The plan refers to the harness's page tables.
  engine::StepPlan plan_of(const std::vector<Piece>& pieces) {
    engine::StepPlan plan;
    for (const Piece& piece : pieces) {
      Sequence& state = sequences_[static_cast<size_t>(piece.sequence)];
      const auto count = static_cast<int32_t>(piece.tokens.size());
      acquire_pages(state, state.token_count + count);
      engine::SequenceSpan& span = plan.sequences.emplace_back();
      span.first_token = plan.token_count();
      span.token_count = count;
      span.cached_tokens = state.token_count;
      span.role = piece.role;
      span.adapter = piece.adapter;
      span.adapter_scale = piece.adapter_scale;
      for (const auto& pages : state.pages) span.pages.emplace_back(pages);
      if (piece.role == engine::Role::decode) plan.decode_token_count += count;
      plan.tokens.insert(plan.tokens.end(), piece.tokens.begin(), piece.tokens.end());
      for (int32_t i = 0; i < count; ++i) {
        const auto position = static_cast<int32_t>(state.token_count + i);
        plan.positions.push_back({position, position, position});
      }
    }
    return plan;
  }

 private:
  struct Sequence {
    int64_t token_count = 0;
    std::vector<std::vector<engine::PageId>> pages;  // per group
  };

  void acquire_pages(Sequence& state, int64_t tokens) {
    for (size_t g = 0; g < pools_->size(); ++g) {
      while (std::ssize(state.pages[g]) * engine::page_tokens < tokens) {
        state.pages[g].push_back((*pools_)[g].acquire().value());
      }
    }
  }

  std::vector<float> run_plan(const engine::StepPlan& plan, const std::vector<Piece>& pieces) {
    const int64_t width = plan.output == engine::StepOutput::hidden
                              ? runner_->outputs().hidden_width
                              : runner_->head_width();
    std::vector<float> logits(plan.output_tokens.size() * static_cast<size_t>(width));
    static_cast<void>(runner_->run(plan, pools(), logits, {}));
    for (const Piece& piece : pieces) {
      Sequence& state = sequences_[static_cast<size_t>(piece.sequence)];
      state.token_count += static_cast<int64_t>(piece.tokens.size());
      drop_slid_pages(state);
    }
    return logits;
  }

  void drop_slid_pages(Sequence& state) {
    for (size_t g = 0; g < pools_->size(); ++g) {
      const int64_t window = runner_->cache_shape().groups[g].window;
      if (window == 0) continue;
      for (size_t p = 0; p < state.pages[g].size(); ++p) {
        engine::PageId& page = state.pages[g][p];
        const int64_t last_index = static_cast<int64_t>(p + 1) * engine::page_tokens - 1;
        if (page == engine::no_page || last_index >= state.token_count - window + 1) continue;
        (*pools_)[g].release(page);
        page = engine::no_page;
      }
    }
  }

  std::unique_ptr<engine::ModelRunner> runner_;
  std::unique_ptr<engine::PagePools> pools_;
  std::vector<Sequence> sequences_;
};

}  // namespace hearth::testing
