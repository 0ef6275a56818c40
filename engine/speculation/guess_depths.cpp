#include "engine/speculation/guess_depths.h"

#include "base/check.h"

namespace hearth::engine {
namespace {

constexpr double worthwhile_gain = 1.03;

// The offer whose next guess is the likeliest; null when all are used up.
GuessOffer* likeliest(std::span<GuessOffer> offers) {
  GuessOffer* best = nullptr;
  double chance = 0;
  for (GuessOffer& offer : offers) {
    if (offer.depth >= static_cast<int32_t>(offer.chances.size())) continue;
    const double next = offer.chances[static_cast<size_t>(offer.depth)];
    if (next > chance) {
      chance = next;
      best = &offer;
    }
  }
  return best;
}

}  // namespace

DepthGain choose_depths(std::span<GuessOffer> offers, int32_t columns_max,
                        const std::function<double(int32_t)>& seconds_of) {
  int32_t columns = static_cast<int32_t>(offers.size());
  HEARTH_CHECK(columns > 0 && columns <= columns_max);
  double tokens = columns;
  DepthGain gain;
  gain.tokens_per_second = gain.plain_tokens_per_second = tokens / seconds_of(columns);
  for (GuessOffer& offer : offers) offer.depth = 0;
  // Costs need not rise evenly, so all prefixes of the order are looked at; the best one counts.
  int32_t best_columns = columns;
  const int32_t plain_columns = columns;
  while (columns < columns_max) {
    GuessOffer* offer = likeliest(offers);
    if (offer == nullptr) break;
    tokens += offer->chances[static_cast<size_t>(offer->depth++)];
    const double rate = tokens / seconds_of(++columns);
    if (rate > gain.tokens_per_second && rate > worthwhile_gain * gain.plain_tokens_per_second) {
      gain.tokens_per_second = rate;
      best_columns = columns;
    }
  }
  // The same order again, up to the best prefix.
  for (GuessOffer& offer : offers) offer.depth = 0;
  for (columns = plain_columns; columns < best_columns; ++columns) ++likeliest(offers)->depth;
  return gain;
}

}  // namespace hearth::engine
