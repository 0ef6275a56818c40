#include "engine/sampler/stages.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "engine/sampler/token_bits.h"

namespace hearth::engine {
namespace {

constexpr float minus_infinity = -std::numeric_limits<float>::infinity();

// Infinity would make probabilities that are no numbers.
float finite(float logit) {
  return std::min(logit, std::numeric_limits<float>::max());
}

bool is_better(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

float largest_logit(std::span<const Candidate> items) {
  float largest = minus_infinity;
  for (const Candidate& item : items) largest = std::max(largest, item.logit);
  return largest;
}

// Moves the first `count` in the order of `before` to the front, sorted; the others stay behind in
// any order.
template <typename Before>
void sort_front(std::span<Candidate> items, size_t count, const Before& before) {
  count = std::min(count, items.size());
  const auto middle = items.begin() + static_cast<ptrdiff_t>(count);
  if (count < items.size()) std::nth_element(items.begin(), middle, items.end(), before);
  std::sort(items.begin(), middle, before);
}

// Keeps the first candidates in the order of `before` until their probabilities reach `p`; `sorted`
// of them are in order already. Sorting everything would cost more than all the rest: sorts as far
// as the sum needs.
template <typename Before>
void keep_until(Candidates& candidates, float p, size_t keep_min, size_t sorted,
                const Before& before) {
  double sum = 0;
  size_t count = 0;
  while (count < candidates.items.size() && (sum < p || count < keep_min || count == 0)) {
    if (count == sorted) {
      const size_t more = std::max<size_t>(256, 3 * sorted);
      sort_front(candidates.items.subspan(sorted), more, before);
      sorted = std::min(candidates.items.size(), sorted + more);
    }
    sum += candidates.items[count++].p;
  }
  candidates.items = candidates.items.first(count);
}

// What the surprise of a candidate, -log p, exceeds its negative logit by: the logarithm of the sum
// softmax() divides by. Needs p.
double log_sum(std::span<const Candidate> items) {
  const auto best = std::min_element(items.begin(), items.end(), is_better);
  return best->logit - std::log(static_cast<double>(best->p));
}

double entropy(std::span<const Candidate> items, double log_sum) {
  double sum = 0;
  for (const Candidate& item : items) {
    if (item.p > 0) sum += static_cast<double>(item.p) * (log_sum - item.logit);
  }
  return sum;
}

}  // namespace

CandidateBuffer::CandidateBuffer(int64_t vocab_size, int64_t keep_max)
    : keep_(keep_max <= 0 ? vocab_size : std::min(vocab_size, keep_max)),
      keeps_all_(keep_ == vocab_size) {
  // A selection collects a few times as many before it throws the worse ones away.
  constexpr int64_t slack = 256;
  const int64_t capacity = keeps_all_ ? vocab_size : std::min(vocab_size, 4 * keep_ + slack);
  items_.resize(static_cast<size_t>(capacity));
}

Candidates CandidateBuffer::select(std::span<const float> logits) {
  if (!keeps_all_) return {select_best(logits), true, 0};
  size_t count = 0;
  size_t impossible = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > minus_infinity)
      items_[count++] = {static_cast<TokenId>(i), finite(logits[i]), 0};
    else if (logits[i] == minus_infinity)
      ++impossible;
  }
  return {std::span(items_).first(count), false, impossible};
}

bool CandidateBuffer::can_pick(std::span<const uint64_t> allowed) const {
  return !keeps_all_ && count_tokens(allowed, items_.size()) <= items_.size();
}

Candidates CandidateBuffer::select(std::span<const float> logits,
                                   std::span<const uint64_t> allowed) {
  if (allowed.empty()) return select(logits);
  size_t count = 0;
  for (size_t word = 0; word < allowed.size(); ++word) {
    for (uint64_t bits = allowed[word]; bits != 0; bits &= bits - 1) {
      const size_t i = 64 * word + static_cast<size_t>(std::countr_zero(bits));
      if (i < logits.size() && logits[i] > minus_infinity)
        items_[count++] = {static_cast<TokenId>(i), finite(logits[i]), 0};
    }
  }
  const auto found = std::span(items_).first(count);
  const auto keep = static_cast<size_t>(keep_);
  sort_front(found, keep, is_better);
  return {found.first(std::min(count, keep)), true, 0};
}

std::span<Candidate> CandidateBuffer::select_best(std::span<const float> logits) {
  const auto keep = static_cast<size_t>(keep_);
  size_t count = 0;
  float threshold =
      minus_infinity;  // what a candidate must exceed; equal logits of higher ids lose
  const auto consider = [&](size_t i) {
    if (!(logits[i] > threshold)) return;
    items_[count++] = {static_cast<TokenId>(i), finite(logits[i]), 0};
    if (count < items_.size()) return;
    std::nth_element(items_.begin(), items_.begin() + static_cast<ptrdiff_t>(keep) - 1,
                     items_.end(), is_better);
    count = keep;
    threshold = items_[keep - 1].logit;
  };
  // Most blocks hold nothing of interest; the comparison of a whole block has no branches.
  constexpr size_t block = 32;
  size_t i = 0;
  for (; i + block <= logits.size(); i += block) {
    int any = 0;
    for (size_t j = 0; j < block; ++j) any |= logits[i + j] > threshold;
    if (any == 0) continue;
    for (size_t j = 0; j < block; ++j) consider(i + j);
  }
  for (; i < logits.size(); ++i) consider(i);
  const auto found = std::span(items_).first(count);
  sort_front(found, keep, is_better);
  return found.first(std::min(count, keep));
}

TokenId best_token(std::span<const float> logits) {
  constexpr size_t block = 32;
  TokenId best = -1;
  float largest = minus_infinity;
  const auto consider = [&](size_t i) {
    if (!(logits[i] > largest)) return;
    largest = logits[i];
    best = static_cast<TokenId>(i);
  };
  size_t i = 0;
  for (; i + block <= logits.size(); i += block) {
    int any = 0;
    for (size_t j = 0; j < block; ++j) any |= logits[i + j] > largest;
    if (any == 0) continue;
    for (size_t j = 0; j < block; ++j) consider(i + j);
  }
  for (; i < logits.size(); ++i) consider(i);
  return best;
}

void sort_by_logit(Candidates& candidates) {
  if (!candidates.is_sorted) std::sort(candidates.items.begin(), candidates.items.end(), is_better);
  candidates.is_sorted = true;
}

void softmax(Candidates& candidates) {
  HEARTH_CHECK(!candidates.items.empty());
  const float largest =
      candidates.is_sorted ? candidates.items[0].logit : largest_logit(candidates.items);
  double sum = 0;
  for (Candidate& item : candidates.items) {
    item.p = std::exp(item.logit - largest);
    sum += item.p;
  }
  const double scale = 1 / sum;
  for (Candidate& item : candidates.items) item.p = static_cast<float>(item.p * scale);
}

void top_k(Candidates& candidates, int64_t k) {
  if (k <= 0) return;
  const size_t count = std::min(candidates.items.size(), static_cast<size_t>(k));
  if (!candidates.is_sorted) sort_front(candidates.items, count, is_better);
  candidates.impossible = std::min(candidates.impossible, static_cast<size_t>(k) - count);
  candidates.items = candidates.items.first(count);
  candidates.is_sorted = true;
}

void top_p(Candidates& candidates, float p, size_t keep_min) {
  if (p >= 1) return;
  candidates.impossible = 0;
  softmax(candidates);
  const size_t sorted = candidates.is_sorted ? candidates.items.size() : 0;
  keep_until(candidates, p, keep_min, sorted, is_better);
  candidates.is_sorted = true;
}

void min_p(Candidates& candidates, float p, size_t keep_min) {
  if (p <= 0 || candidates.items.empty()) return;
  candidates.impossible = 0;
  const float threshold = largest_logit(candidates.items) + std::log(std::min(p, 1.0f));
  const auto is_kept = [threshold](const Candidate& item) { return item.logit >= threshold; };
  const auto count =
      static_cast<size_t>(std::count_if(candidates.items.begin(), candidates.items.end(), is_kept));
  if (count < keep_min) return top_k(candidates, static_cast<int64_t>(keep_min));
  // Keeps the order, so a sorted set stays sorted.
  const auto end = std::remove_if(candidates.items.begin(), candidates.items.end(),
                                  [&](const Candidate& item) { return !is_kept(item); });
  candidates.items = candidates.items.first(static_cast<size_t>(end - candidates.items.begin()));
}

void typical_p(Candidates& candidates, float p, size_t keep_min) {
  if (p >= 1) return;
  candidates.impossible = 0;
  softmax(candidates);
  const double total = log_sum(candidates.items);
  const double expected = entropy(candidates.items, total);
  const auto strangeness = [&](const Candidate& item) {
    return std::abs(total - item.logit - expected);
  };
  keep_until(candidates, p, keep_min, 0, [&](const Candidate& a, const Candidate& b) {
    const double strange_a = strangeness(a);
    const double strange_b = strangeness(b);
    return strange_a != strange_b ? strange_a < strange_b : is_better(a, b);
  });
  candidates.is_sorted = false;
}

void top_n_sigma(Candidates& candidates, float n) {
  if (n <= 0 || candidates.items.size() <= 1) return;
  candidates.impossible = 0;
  // Impossible candidates say nothing about the others.
  double sum = 0;
  double count = 0;
  for (const Candidate& item : candidates.items) {
    if (item.logit == minus_infinity) continue;
    sum += item.logit;
    ++count;
  }
  if (count == 0) return;
  const double mean = sum / count;
  double squares = 0;
  for (const Candidate& item : candidates.items) {
    if (item.logit != minus_infinity) squares += (item.logit - mean) * (item.logit - mean);
  }
  const double threshold = largest_logit(candidates.items) - n * std::sqrt(squares / count);
  const auto end =
      std::remove_if(candidates.items.begin(), candidates.items.end(),
                     [threshold](const Candidate& item) { return item.logit < threshold; });
  candidates.items = candidates.items.first(static_cast<size_t>(end - candidates.items.begin()));
}

void xtc(Candidates& candidates, const XtcOptions& options, double u, size_t keep_min) {
  if (options.probability <= 0 || options.threshold > 0.5f || candidates.items.size() < 2) return;
  if (u >= options.probability) return;
  softmax(candidates);
  const Candidate* stays = nullptr;  // the least likely of the likely ones
  size_t likely = 0;
  for (const Candidate& item : candidates.items) {
    if (item.p < options.threshold) continue;
    if (stays == nullptr || is_better(*stays, item)) stays = &item;
    ++likely;
  }
  if (likely < 2 || candidates.items.size() - (likely - 1) < keep_min) return;
  const TokenId stays_id = stays->id;
  const auto end = std::remove_if(
      candidates.items.begin(), candidates.items.end(),
      [&](const Candidate& item) { return item.p >= options.threshold && item.id != stays_id; });
  candidates.items = candidates.items.first(static_cast<size_t>(end - candidates.items.begin()));
}

void temperature(Candidates& candidates, const TemperatureOptions& options) {
  float t = options.value;
  if (options.range > 0) {
    const size_t count = candidates.items.size() + candidates.impossible;
    if (count < 2) return;
    softmax(candidates);
    const double share =
        entropy(candidates.items, log_sum(candidates.items)) / std::log(static_cast<double>(count));
    const float low = std::max(0.0f, t - options.range);
    t = low + (t + options.range - low) *
                  static_cast<float>(std::pow(share, static_cast<double>(options.exponent)));
  }
  if (t <= 0) return top_k(candidates, 1);
  // Relative to the best, so that no temperature can make it overflow.
  const float largest =
      candidates.is_sorted ? candidates.items[0].logit : largest_logit(candidates.items);
  for (Candidate& item : candidates.items) item.logit = (item.logit - largest) / t;
}

const Candidate& draw(Candidates& candidates, double u) {
  softmax(candidates);
  double sum = 0;
  for (const Candidate& item : candidates.items) sum += item.p;
  double left = u * sum;
  for (const Candidate& item : candidates.items) {
    left -= item.p;
    if (left < 0) return item;
  }
  // Rounding can leave a little; the last possible candidate takes it.
  for (size_t i = candidates.items.size(); i-- > 0;) {
    if (candidates.items[i].p > 0) return candidates.items[i];
  }
  return candidates.items.back();
}

PenaltyWindow::PenaltyWindow(const PenaltyOptions& options, int64_t vocab_size)
    : options_(options) {
  if (is_neutral()) return;
  ring_.resize(static_cast<size_t>(options_.last_n));
  counts_.resize(static_cast<size_t>(vocab_size));
}

bool PenaltyWindow::is_neutral() const {
  return options_.last_n <= 0 ||
         (options_.repeat == 1 && options_.presence == 0 && options_.frequency == 0);
}

void PenaltyWindow::accept(TokenId token) {
  if (is_neutral() || token < 0 || static_cast<size_t>(token) >= counts_.size()) return;
  if (size_ == ring_.size()) {
    --counts_[static_cast<size_t>(ring_[next_])];
  } else {
    ++size_;
  }
  ring_[next_] = token;
  ++counts_[static_cast<size_t>(token)];
  next_ = (next_ + 1) % ring_.size();
}

void PenaltyWindow::apply(std::span<float> logits) {
  if (is_neutral()) return;
  // A token may stand in the window many times: its count is negative while it has been dealt with.
  for (size_t i = 0; i < size_; ++i) {
    const auto token = static_cast<size_t>(ring_[i]);
    const int32_t count = counts_[token];
    if (count < 0) continue;
    counts_[token] = -count;
    float& logit = logits[token];
    logit = logit <= 0 ? logit * options_.repeat : logit / options_.repeat;
    logit -= static_cast<float>(count) * options_.frequency + options_.presence;
  }
  for (size_t i = 0; i < size_; ++i) {
    int32_t& count = counts_[static_cast<size_t>(ring_[i])];
    count = std::abs(count);
  }
}

}  // namespace hearth::engine
