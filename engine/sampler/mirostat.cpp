#include "engine/sampler/mirostat.h"

#include <algorithm>
#include <cmath>

namespace hearth::engine {
namespace {

constexpr int64_t ranks = 100;  // version 1 looks at so many

// Drops what is less likely than `least`, but for the best.
void cut_below(Candidates& candidates, float least) {
  const auto is_dropped = [least](const Candidate& item) { return item.p < least; };
  if (std::all_of(candidates.items.begin(), candidates.items.end(), is_dropped))
    return top_k(candidates, 1);
  const auto end = std::remove_if(candidates.items.begin(), candidates.items.end(), is_dropped);
  candidates.items = candidates.items.first(static_cast<size_t>(end - candidates.items.begin()));
}

}  // namespace

Mirostat::Mirostat(int32_t version, float tau, float eta, int64_t vocab_size)
    : version_(version), tau_(tau), eta_(eta), vocab_size_(vocab_size), bound_(2 * tau) {}

// Probabilities are taken to fall as a power of the rank; the exponent comes from the `best` of
// them.
int64_t Mirostat::count_to_keep(const Candidates& best) const {
  const size_t count = best.items.size();
  double products = 0;
  double squares = 0;
  for (size_t i = 0; i + 1 < count; ++i) {
    const double next = best.items[i + 1].p;
    if (next <= 0) break;
    const double distance = std::log(static_cast<double>(i + 2) / static_cast<double>(i + 1));
    products += distance * std::log(best.items[i].p / next);
    squares += distance * distance;
  }
  if (squares == 0) return 1;
  const double exponent = products / squares;
  const double epsilon = exponent - 1;
  const double keep = std::pow(epsilon * std::exp2(static_cast<double>(bound_)) /
                                   (1 - std::pow(static_cast<double>(vocab_size_), -epsilon)),
                               1 / exponent);
  if (!(keep < static_cast<double>(vocab_size_))) return vocab_size_;
  return std::max<int64_t>(1, static_cast<int64_t>(keep));
}

void Mirostat::cut(Candidates& candidates) const {
  softmax(candidates);
  if (version_ == 1) {
    Candidates best = candidates;
    top_k(best, ranks);  // moves them to the front of all
    top_k(candidates, count_to_keep(best));
  } else {
    cut_below(candidates, std::exp2(-bound_));
  }
  softmax(candidates);
}

void Mirostat::observe(const Candidate& drawn) {
  // A candidate whose probability is rounded to 0 is never drawn.
  bound_ -= eta_ * (-std::log2(drawn.p) - tau_);
}

}  // namespace hearth::engine
