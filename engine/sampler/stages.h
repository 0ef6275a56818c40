// The stages of sampling as functions on a set of candidates; sampler.cpp strings them together
// from a table. Parameters that mean "off" leave the candidates as they are. No stage allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/token_id.h"

namespace hearth::engine {

struct Candidate {
  TokenId id;
  float logit;
  float p;  // valid after softmax()
};

// A view of the candidates still in the race. `is_sorted`: by falling logit, equal ones by rising
// id.
struct Candidates {
  std::span<Candidate> items;
  bool is_sorted = false;
  // Logits of minus infinity that are not in `items` and that no stage has cut away yet: dynamic
  // temperature counts them among the candidates.
  size_t impossible = 0;
};

// Storage for candidates and the fast way to the best ones.
class CandidateBuffer {
 public:
  // `keep_max`: how many candidates select() will be asked for at most; 0 or less: all of the
  // vocabulary.
  CandidateBuffer(int64_t vocab_size, int64_t keep_max);

  // The `keep_max` best (or all) with a logit above minus infinity, sorted when it is a selection.
  // O(n), whatever the order of the logits. The view is valid until the next call.
  Candidates select(std::span<const float> logits);
  // Of these tokens only (a bit each); empty: all. can_pick() says whether they are few enough.
  Candidates select(std::span<const float> logits, std::span<const uint64_t> allowed);
  bool can_pick(std::span<const uint64_t> allowed) const;

 private:
  std::span<Candidate> select_best(std::span<const float> logits);

  int64_t keep_;
  bool keeps_all_;
  std::vector<Candidate> items_;
};

// The id of the largest logit, the lowest of equal ones; -1 when all are minus infinity or not
// numbers.
TokenId best_token(std::span<const float> logits);

void sort_by_logit(Candidates& candidates);
// Fills p; the candidates must not be empty.
void softmax(Candidates& candidates);

// Each keeps at least `keep_min` candidates, and at least one.
void top_k(Candidates& candidates, int64_t k);
void top_p(Candidates& candidates, float p, size_t keep_min = 1);
void min_p(Candidates& candidates, float p, size_t keep_min = 1);
void typical_p(Candidates& candidates, float p, size_t keep_min = 1);
// Drops logits more than n standard deviations below the largest; 0 or less: off.
void top_n_sigma(Candidates& candidates, float n);

struct XtcOptions {
  float probability = 0;   // how often it happens; 0 or less: off
  float threshold = 0.1f;  // above 0.5: off
};
// "Exclude top choices": when it happens (`u`, uniform in [0, 1), is below the probability), of all
// candidates at least as likely as the threshold only the least likely stays.
void xtc(Candidates& candidates, const XtcOptions& options, double u, size_t keep_min = 1);

struct TemperatureOptions {
  float value = 1;  // 0 or less keeps only the best
  float range = 0;  // dynamic: from value - range where one candidate is certain to value + range
                    // where all are equally likely; 0 or less: fixed
  float exponent = 1;  // how the entropy, as a share of the largest possible, is mapped to that
};
// Divides the logits.
void temperature(Candidates& candidates, const TemperatureOptions& options);
// Draws by probability (fills p first); `u` is uniform in [0, 1). The reference is into
// `candidates`.
const Candidate& draw(Candidates& candidates, double u);

struct PenaltyOptions {
  float repeat = 1;
  float presence = 0;
  float frequency = 0;
  int64_t last_n = 0;  // tokens remembered; 0: none
};

// The last tokens of a sequence and what having been there costs.
class PenaltyWindow {
 public:
  PenaltyWindow(const PenaltyOptions& options, int64_t vocab_size);

  // Ids outside the vocabulary are ignored.
  void accept(TokenId token);
  // Changes the logits of remembered tokens. O(last_n).
  void apply(std::span<float> logits);

 private:
  bool is_neutral() const;

  PenaltyOptions options_;
  std::vector<TokenId> ring_;
  size_t next_ = 0;
  size_t size_ = 0;
  std::vector<int32_t> counts_;  // per token of the vocabulary, within the window
};

}  // namespace hearth::engine
