#include "engine/engine/answer_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.h"
#include "engine/backend/compute_lease.h"
#include "engine/kv_cache/plan_span.h"

namespace hearth::engine {
namespace {

constexpr size_t answers_max = 16;
// Few enough that another model's request gets its turn soon.
constexpr int64_t chunk_tokens = 64;

}  // namespace

AnswerReader::AnswerReader(ModelRunner& model, std::span<PagePool* const> pools, PrefixIndex& index,
                           ComputeLease* lease)
    : model_(model), pools_(pools), index_(index), lease_(lease) {}

AnswerReader::~AnswerReader() {
  pause();
}

void AnswerReader::add(Answer answer) {
  pause();
  if (answers_.size() == answers_max) answers_.pop_front();
  answers_.push_back(std::move(answer));
}

void AnswerReader::step(const std::function<bool()>& must_stop) {
  const Answer& answer = answers_.back();
  try {
    if (!cache_) {
      cache_.emplace(model_.cache_shape(), pools_, std::ssize(answer.tokens));
      cursor_ = index_.attach(answer.key, answer.tokens, *cache_);
    }
    if (read_chunk(must_stop) && cache_->length() < std::ssize(answer.tokens)) return;
  } catch (const std::exception& error) {  // nobody asked for it
    log::debug(fmt::format("an answer is not read again: {}", error.what()));
    forget();
    return;
  }
  if (must_stop()) return;
  forget();
}

// False when there was no room for it, or it was stopped.
bool AnswerReader::read_chunk(const std::function<bool()>& must_stop) {
  const Answer& answer = answers_.back();
  const int64_t first = cache_->length();
  const int64_t count = std::min(chunk_tokens, std::ssize(answer.tokens) - first);
  if (count == 0) return true;
  if (!index_.extend(*cache_, count)) return false;
  plan_ = {};
  SequenceSpan& span = begin_span(plan_, *cache_, first, Role::prompt);
  span.adapter = answer.adapter.number;
  span.adapter_scale = answer.adapter.scale;
  add_tokens(
      plan_,
      std::span(answer.tokens).subspan(static_cast<size_t>(first), static_cast<size_t>(count)));
  {
    const ComputeLease::Turn turn(lease_);
    if (!model_.run(plan_, pools_, {}, must_stop)) return false;
  }
  cache_->advance(count);
  index_.insert(cursor_, std::span(answer.tokens).first(static_cast<size_t>(first + count)),
                *cache_);
  cache_->slide_windows();
  tokens_read_ += count;
  return true;
}

void AnswerReader::pause() {
  if (!cache_) return;
  const std::span<const TokenId> tokens(answers_.back().tokens);
  index_.finish(cursor_, tokens.first(static_cast<size_t>(cache_->length())), *cache_);
  cache_.reset();
}

void AnswerReader::forget() {
  pause();
  answers_.pop_back();
}

}  // namespace hearth::engine
