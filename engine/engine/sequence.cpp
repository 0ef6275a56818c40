#include "engine/engine/sequence.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

namespace hearth::engine {
namespace {

int64_t nanoseconds(TimePoint begin, TimePoint end) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count();
}

constexpr int64_t contexts_max = 10;  // that a shifting answer may fill

int64_t answer_limit(const GenerationRequest& request, size_t prompt_tokens,
                     int64_t context_tokens) {
  const int64_t room = request.shift ? contexts_max * context_tokens
                                     : context_tokens - static_cast<int64_t>(prompt_tokens);
  return request.tokens_max < 0 ? room : std::min(room, request.tokens_max);
}

// What an adapter computed is of no use to another one, nor to itself with another scale.
std::string adapter_key(const AdapterUse& adapter) {
  if (adapter.number < 0) return "";
  return fmt::format("{}:{:08x}", adapter.number, std::bit_cast<uint32_t>(adapter.scale));
}

std::shared_ptr<const DryBreakers> breakers_of(  // shared: see DryBreakerCache
    const SamplingOptions& sampling, const SequenceSetting& setting) {
  if (sampling.dry_multiplier == 0) return nullptr;
  check_sampling_options(sampling, setting.tokenizer.vocab_size());
  return setting.dry_breakers.get(sampling.dry_sequence_breakers);
}

}  // namespace

Sequence::Sequence(const GenerationRequest& request, std::vector<TokenId> prompt,
                   int64_t context_tokens, const SequenceSetting& setting)
    : id_(request.id),
      adapter_(adapter_use(request.adapter, request.adapter_scale, setting.adapter_count)),
      prefix_key_{request.tenant, adapter_key(adapter_), ""},
      setting_(setting),
      tokens_(std::move(prompt)),
      context_tokens_(context_tokens),
      shifts_(request.shift),
      keep_tokens_(request.keep_tokens),
      prompt_tokens_(std::ssize(tokens_)),
      answer_tokens_max_(answer_limit(request, tokens_.size(), context_tokens)),
      sampler_(request.sampling, setting.tokenizer.vocab_size(), context_tokens,
               breakers_of(request.sampling, setting)),
      text_(request.stop),
      cache_(setting.shape, setting.pools, prompt_tokens_ + answer_room()) {
  timings_.prompt_tokens = prompt_tokens_;
  if (request.constraint) constraint_.emplace(*request.constraint, setting.constraints);
  for (const TokenId token : tokens_) sampler_.accept(token);
  tokens_.reserve(tokens_.size() + static_cast<size_t>(answer_room()));
  for (const std::string& text : request.shown_tokens) {
    if (const std::optional<TokenId> token = setting.tokenizer.find_token(text))
      shown_.push_back(*token);
  }
}

bool Sequence::is_shown(TokenId control) const {
  return std::find(shown_.begin(), shown_.end(), control) != shown_.end();
}

int64_t Sequence::answer_room() const {
  return std::min(answer_tokens_max_ - timings_.generated_tokens,
                  context_tokens_ - std::ssize(tokens_));
}

bool Sequence::must_shift() const {
  return shifts_ && std::ssize(tokens_) >= context_tokens_;
}

void Sequence::shift() {
  const int64_t count = std::ssize(tokens_);
  const int64_t keep = keep_tokens_ < 0 ? count / 2 : std::min(keep_tokens_, count / 2);
  const int64_t dropped = std::max<int64_t>(1, (count - keep) / 2);
  tokens_.erase(tokens_.begin() + keep, tokens_.begin() + keep + dropped);
  prompt_tokens_ = count - dropped;
}

void Sequence::start(int64_t cached_tokens) {
  if (started_) return;
  started_ = setting_.clock.now();
  timings_.cached_prompt_tokens = cached_tokens;
}

void Sequence::report_log_probs(GenerationEvent& event) const {
  const std::span<const TokenLogProb> row = sampler_.log_probs();
  if (row.empty()) return;
  std::vector<LogProb>& reported = event.log_probs.emplace_back();
  for (const TokenLogProb& entry : row) {
    LogProb& log_prob = reported.emplace_back(LogProb{entry.id, entry.value, ""});
    setting_.tokenizer.append_piece(log_prob.piece, entry.id, true);
  }
}

std::optional<FinishReason> Sequence::sample(std::span<float> logits, GenerationEvent& event) {
  const TokenId token = sampler_.sample(
      logits, nullptr, constraint_ ? constraint_->allowed() : std::span<const uint64_t>());
  last_sampled_ = token;
  last_token_ = setting_.clock.now();
  if (!first_token_) first_token_ = last_token_;
  ++timings_.generated_tokens;
  if (setting_.tokenizer.is_end_of_generation(token)) return FinishReason::stop;
  report_log_probs(event);
  sampler_.accept(token);
  tokens_.push_back(token);
  piece_.clear();
  setting_.tokenizer.append_piece(piece_, token, is_shown(token));
  text_.push(piece_, event.text);
  if (text_.is_stopped()) return FinishReason::stop;
  if (constraint_) {
    constraint_->accept(token);
    if (constraint_->is_complete()) return FinishReason::stop;
  }
  if (timings_.generated_tokens >= answer_tokens_max_) return FinishReason::length;
  return std::nullopt;
}

Timings Sequence::timings() const {
  Timings timings = timings_;
  if (started_)
    timings.prompt_ns = nanoseconds(*started_, first_token_.value_or(setting_.clock.now()));
  if (first_token_) timings.generation_ns = nanoseconds(*first_token_, last_token_);
  return timings;
}

}  // namespace hearth::engine
