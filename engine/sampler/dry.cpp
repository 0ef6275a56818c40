#include "engine/sampler/dry.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace hearth::engine {

void DryBreakers::add(TokenId head, std::vector<TokenId> tail) {
  if (head < 0 || static_cast<size_t>(head) >= is_head_.size()) return;
  is_head_[static_cast<size_t>(head)] = true;
  const auto place =
      std::upper_bound(entries_.begin(), entries_.end(), head,
                       [](TokenId id, const Entry& entry) { return id < entry.head; });
  entries_.insert(place, {head, std::move(tail)});
}

std::span<const DryBreakers::Entry> DryBreakers::entries_of(TokenId head) const {
  if (head < 0 || static_cast<size_t>(head) >= is_head_.size()) return {};
  if (!is_head_[static_cast<size_t>(head)]) return {};
  const auto begin =
      std::lower_bound(entries_.begin(), entries_.end(), head,
                       [](const Entry& entry, TokenId id) { return entry.head < id; });
  auto end = begin;
  while (end != entries_.end() && end->head == head) ++end;
  return {begin, end};
}

int64_t DryBreakers::tail_at(std::span<const TokenId> recent, size_t at) const {
  int64_t longest = -1;
  for (const Entry& entry : entries_of(recent[at])) {
    const size_t size = entry.tail.size();
    if (size > at || static_cast<int64_t>(size) <= longest) continue;
    // The tail goes forward in time, `recent` back.
    const bool fits = std::equal(entry.tail.rbegin(), entry.tail.rend(),
                                 recent.begin() + static_cast<ptrdiff_t>(at - size));
    if (fits) longest = static_cast<int64_t>(size);
  }
  return longest;
}

bool DryBreakers::is_whole(TokenId token) const {
  const auto entries = entries_of(token);
  return std::any_of(entries.begin(), entries.end(),
                     [](const Entry& entry) { return entry.tail.empty(); });
}

// Shared breakers: see the header.
DryPenalty::DryPenalty(const DryOptions& options, std::shared_ptr<const DryBreakers> breakers,
                       int64_t vocab_size)
    : options_(options), breakers_(std::move(breakers)), vocab_size_(vocab_size) {
  if (options.multiplier == 0 || options.base < 1 || options.last_n <= 0) return;
  history_.resize(static_cast<size_t>(options.last_n));
  recent_.reserve(history_.size());
  repeats_.reserve(history_.size());
  touched_.reserve(history_.size());
  worst_.resize(static_cast<size_t>(vocab_size), -1);
}

void DryPenalty::accept(TokenId token) {
  if (is_off() || token < 0 || token >= vocab_size_) return;
  history_[next_] = token;
  next_ = (next_ + 1) % history_.size();
  size_ = std::min(size_ + 1, history_.size());
}

void DryPenalty::unroll() {
  recent_.clear();
  for (size_t i = 0; i < size_; ++i)
    recent_.push_back(history_[(next_ + history_.size() - 1 - i) % history_.size()]);
}

// Repetitions count back to the latest breaker only.
int64_t DryPenalty::longest_allowed() const {
  if (breakers_) {
    for (size_t i = 0; i < recent_.size(); ++i) {
      const int64_t tail = breakers_->tail_at(recent_, i);
      if (tail >= 0) return static_cast<int64_t>(i) - tail;
    }
  }
  return static_cast<int64_t>(recent_.size());
}

// The Z function of the history: repeats_[k] tokens from place k on equal the newest ones. What is
// known about an earlier match that reaches beyond k is used again, so the time is linear.
void DryPenalty::measure_repeats(int64_t limit) {
  const auto count = static_cast<int64_t>(recent_.size());
  repeats_.assign(recent_.size(), 0);
  const auto at = [this](int64_t i) { return recent_[static_cast<size_t>(i)]; };
  int64_t match_begin = 0;
  int64_t match_end = 0;
  for (int64_t k = 1; k < count; ++k) {
    int64_t length = 0;
    if (k < match_end)
      length = std::min(match_end - k, repeats_[static_cast<size_t>(k - match_begin)]);
    while (k + length < count && at(length) == at(k + length)) ++length;
    repeats_[static_cast<size_t>(k)] = length;
    if (k + length > match_end) {
      match_begin = k;
      match_end = k + length;
    }
  }
  for (int64_t& length : repeats_) length = std::min(length, limit);
}

void DryPenalty::apply(std::span<float> logits) {
  if (is_off()) return;
  unroll();
  if (static_cast<int64_t>(recent_.size()) <= options_.allowed_length) return;
  const int64_t limit = longest_allowed();
  if (limit < options_.allowed_length) return;
  measure_repeats(limit);
  for (size_t k = 1; k < recent_.size(); ++k) {
    if (repeats_[k] < options_.allowed_length) continue;
    // What followed the earlier occurrence would make the repetition longer.
    const TokenId token = recent_[k - 1];
    int64_t& worst = worst_[static_cast<size_t>(token)];
    if (worst < 0) touched_.push_back(token);
    worst = std::max(worst, repeats_[k]);
  }
  // Keeps the power within what a float can hold.
  constexpr float float_max_log = 88.7228391f;
  const int64_t exponent_max =
      options_.base > 1.000001f ? static_cast<int64_t>(float_max_log / std::log(options_.base)) : 0;
  for (const TokenId token : touched_) {
    int64_t exponent =
        std::exchange(worst_[static_cast<size_t>(token)], -1) - options_.allowed_length;
    if (exponent_max > 0) exponent = std::min(exponent, exponent_max);
    if (breakers_ && breakers_->is_whole(token)) continue;
    logits[static_cast<size_t>(token)] -= static_cast<float>(
        options_.multiplier * std::pow(double{options_.base}, static_cast<double>(exponent)));
  }
  touched_.clear();
}

}  // namespace hearth::engine
