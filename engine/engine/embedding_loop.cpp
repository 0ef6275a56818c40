#include "engine/engine/embedding_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "engine/backend/compute_lease.h"
#include "engine/kv_cache/plan_span.h"

namespace hearth::engine {
namespace {

// Inputs in one step. More would be very short ones, whose steps are large enough already.
constexpr int32_t inputs_per_step = 256;

EmbeddingResult failure(RequestId id, ErrorCode code, const std::string& message) {
  EmbeddingResult result;
  result.id = id;
  result.has_failed = true;
  result.error = code;
  result.message = message;
  return result;
}

// Pages of every cache group: at most one input of each kind of output goes on from step to step,
// all others are read in one.
int64_t pages_each(const EmbeddingLoopOptions& options) {
  return page_count_for(2 * options.input_tokens_max + std::max(options.step_tokens, 1)) +
         inputs_per_step + 2;
}

}  // namespace

struct EmbeddingLoop::Input {
  RequestId id = 0;
  std::vector<TokenId> tokens;
  Pooling pooling = Pooling::mean;
  StepOutput output = StepOutput::hidden;
  bool normalize = false;
  bool is_truncated = false;
  AdapterUse adapter;
  Engine::EmbeddingSink sink;
  // While it is being read.
  std::unique_ptr<SequenceCache> cache;
  int32_t step_tokens = 0;  // of the step being built
  RowMean mean;
  std::vector<float> rows;  // of the other poolings

  int64_t done() const { return cache ? cache->length() : 0; }
  int64_t left() const { return std::ssize(tokens) - done(); }
};

EmbeddingLoop::EmbeddingLoop(ModelRunner& model, const KernelTable& kernels,
                             const EmbeddingLoopOptions& options)
    : model_(model),
      options_(options),
      pools_(model.cache_shape(), model.outputs().is_bidirectional ? KvType::f32 : options.kv_type,
             kernels, pages_each(options)) {}

EmbeddingLoop::~EmbeddingLoop() = default;

void EmbeddingLoop::add(const EmbeddingRequest& request, std::vector<TokenId> tokens,
                        Engine::EmbeddingSink sink) {
  try {
    admit(request, std::move(tokens), sink);
  } catch (const Error& error) {
    sink(failure(request.id, error.code(), error.what()));
  }
}

void EmbeddingLoop::admit(const EmbeddingRequest& request, std::vector<TokenId> tokens,
                          Engine::EmbeddingSink& sink) {
  const ModelOutputs& outputs = model_.outputs();
  auto input = std::make_unique<Input>();
  input->id = request.id;
  input->pooling = request.pooling.value_or(outputs.pooling.value_or(Pooling::mean));
  if (input->pooling == Pooling::rank && outputs.score_count == 0) {
    throw Error(ErrorCode::unsupported, "this model is no reranker: it has no head that scores");
  }
  const bool uses_head = input->pooling == Pooling::rank ||
                         (outputs.has_embedding_head && input->pooling != Pooling::none);
  input->output = uses_head ? StepOutput::head : StepOutput::hidden;
  input->normalize = request.normalize && input->pooling != Pooling::rank;
  input->adapter = adapter_use(request.adapter, request.adapter_scale, options_.adapter_count);
  if (std::ssize(tokens) > options_.input_tokens_max) {
    if (!request.truncate) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("the input length exceeds the context length: it is {} tokens, the "
                              "model reads at most {}; shorten it or send truncate: true",
                              tokens.size(), options_.input_tokens_max));
    }
    // What stands at the end of an input (its end or separator token) stays there.
    const TokenId last = tokens.back();
    tokens.resize(static_cast<size_t>(options_.input_tokens_max));
    if (request.input.empty() || request.input.back().tokens.empty()) tokens.back() = last;
    input->is_truncated = true;
  }
  input->tokens = std::move(tokens);
  input->sink = std::move(sink);
  inputs_.push_back(std::move(input));
}

void EmbeddingLoop::cancel(RequestId id) {
  const auto place = std::find_if(inputs_.begin(), inputs_.end(),
                                  [id](const auto& input) { return input->id == id; });
  if (place == inputs_.end()) return;
  const std::unique_ptr<Input> input = std::move(*place);
  inputs_.erase(place);
  input->sink(failure(id, ErrorCode::cancelled, "cancelled"));
}

void EmbeddingLoop::cancel_all() {
  while (!inputs_.empty()) cancel(inputs_.front()->id);
}

void EmbeddingLoop::step(const CancelQuestion& is_cancelled) {
  // The worker's catch site for vectors: whatever goes wrong in a step ends the inputs of that
  // step.
  try {
    choose_inputs();
    build_plan();
    if (run_model(is_cancelled)) take_results();
  } catch (const Error& error) {
    fail_step(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    fail_step(ErrorCode::out_of_memory, "memory ran out in a step: send shorter inputs");
  } catch (const std::exception& error) {
    fail_step(ErrorCode::internal, error.what());
  }
}

// The oldest input, and behind it those that still fit: of bidirectional models only whole ones, of
// others one may be begun.
void EmbeddingLoop::choose_inputs() {
  step_inputs_.clear();
  const bool is_whole = model_.outputs().is_bidirectional;
  const StepOutput output = inputs_.front()->output;
  int64_t budget = options_.step_tokens;
  for (const std::unique_ptr<Input>& input : inputs_) {
    const bool is_first = step_inputs_.empty();
    if (input->output != output || (is_whole && !is_first && input->left() > budget)) continue;
    const int64_t count = is_whole ? input->left() : std::min(input->left(), budget);
    input->step_tokens = static_cast<int32_t>(count);
    step_inputs_.push_back(input.get());
    budget -= count;
    if (budget <= 0 || std::ssize(step_inputs_) == inputs_per_step) break;
  }
}

void EmbeddingLoop::build_plan() {
  plan_ = {};
  plan_.output = step_inputs_.front()->output;
  for (Input* input : step_inputs_) {
    if (!input->cache) {
      input->cache = std::make_unique<SequenceCache>(model_.cache_shape(), pools_.all(),
                                                     std::ssize(input->tokens));
    }
    HEARTH_CHECK(input->cache->extend(input->step_tokens));
    const int64_t done = input->done();
    SequenceSpan& span = begin_span(plan_, *input->cache, done, Role::prompt);
    span.adapter = input->adapter.number;
    span.adapter_scale = input->adapter.scale;
    const bool wants_first = input->pooling == Pooling::cls ||
                             (input->pooling == Pooling::rank && model_.outputs().is_bidirectional);
    const bool wants_last =
        input->pooling == Pooling::last || (input->pooling == Pooling::rank && !wants_first);
    for (int32_t i = 0; i < input->step_tokens; ++i) {
      const auto position = static_cast<int32_t>(done + i);
      const bool is_last = position + 1 == std::ssize(input->tokens);
      if ((wants_first && position == 0) || (wants_last && is_last) ||
          (!wants_first && !wants_last)) {
        plan_.output_tokens.push_back(plan_.token_count());
      }
      add_token(plan_, input->tokens[static_cast<size_t>(position)]);
    }
  }
}

int64_t EmbeddingLoop::output_width() const {
  return plan_.output == StepOutput::head ? model_.head_width() : model_.outputs().hidden_width;
}

bool EmbeddingLoop::run_model(const CancelQuestion& is_cancelled) {
  outputs_.resize(plan_.output_tokens.size() * static_cast<size_t>(output_width()));
  const ComputeLease::Turn turn(options_.lease);
  return model_.run(plan_, pools_.all(), outputs_, [&] {
    return is_cancelled && std::all_of(step_inputs_.begin(), step_inputs_.end(),
                                       [&](const Input* input) { return is_cancelled(input->id); });
  });
}

void EmbeddingLoop::take_results() {
  const int64_t width = output_width();
  size_t output = 0;
  for (size_t i = 0; i < step_inputs_.size(); ++i) {
    const SequenceSpan& span = plan_.sequences[i];
    const size_t first = output;
    while (output < plan_.output_tokens.size() &&
           plan_.output_tokens[output] < span.first_token + span.token_count) {
      ++output;
    }
    Input& input = *step_inputs_[i];
    input.cache->advance(input.step_tokens);
    input.cache->slide_windows();
    take_rows(input,
              std::span(outputs_).subspan(first * static_cast<size_t>(width),
                                          (output - first) * static_cast<size_t>(width)),
              width);
  }
}

void EmbeddingLoop::take_rows(Input& input, std::span<const float> rows, int64_t width) {
  if (input.pooling == Pooling::mean) {
    input.mean.add(rows, width);
  } else {
    input.rows.insert(input.rows.end(), rows.begin(), rows.end());
  }
  if (input.left() > 0) return;
  EmbeddingResult result;
  result.id = input.id;
  result.values =
      input.pooling == Pooling::mean ? input.mean.mean() : std::exchange(input.rows, {});
  result.width = width;
  result.rows = std::ssize(result.values) / width;
  result.input_tokens = std::ssize(input.tokens);
  result.is_truncated = input.is_truncated;
  // Rerankers made from a generating model score by the shares of their labels.
  if (input.pooling == Pooling::rank && !model_.outputs().is_bidirectional && width > 1)
    soften(result.values);
  for (int64_t row = 0; input.normalize && row < result.rows; ++row) {
    normalize(std::span(result.values)
                  .subspan(static_cast<size_t>(row * width), static_cast<size_t>(width)));
  }
  const auto place = std::find_if(inputs_.begin(), inputs_.end(),
                                  [&](const auto& other) { return other.get() == &input; });
  const std::unique_ptr<Input> owned = std::move(*place);
  inputs_.erase(place);
  owned->cache.reset();
  owned->sink(std::move(result));
}

void EmbeddingLoop::fail_step(ErrorCode code, const std::string& message) {
  for (Input* failed : step_inputs_) {
    const auto place = std::find_if(inputs_.begin(), inputs_.end(),
                                    [&](const auto& input) { return input.get() == failed; });
    if (place == inputs_.end()) continue;
    const std::unique_ptr<Input> input = std::move(*place);
    inputs_.erase(place);
    input->sink(failure(input->id, code, message));
  }
}

void EmbeddingLoop::rest() {
  pools_.give_back_memory();
  outputs_ = {};
}

}  // namespace hearth::engine
