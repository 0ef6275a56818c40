// Mirostat: keeps the surprise of the answer near a target by moving the bound on how surprising a
// token may be. Version 1 estimates how many tokens to keep from the slope of the probabilities,
// version 2 cuts by the bound itself.
#pragma once

#include <cstdint>

#include "engine/sampler/stages.h"

namespace hearth::engine {

class Mirostat {
 public:
  // `tau`: the surprise wanted, in bits per token. `eta`: how fast the bound follows.
  Mirostat(int32_t version, float tau, float eta, int64_t vocab_size);

  // Cuts the candidates, which must not be empty, and fills p.
  void cut(Candidates& candidates) const;
  // Learns from the candidate that was drawn.
  void observe(const Candidate& drawn);

 private:
  int64_t count_to_keep(const Candidates& best) const;

  int32_t version_;
  float tau_;
  float eta_;
  int64_t vocab_size_;
  float bound_;
};

}  // namespace hearth::engine
