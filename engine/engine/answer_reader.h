// Reads finished answers again while nobody waits. Where the roles differ, what an answer left in
// the cache is private to it (docs/steps-and-cache.md), and the next turn of a chat would read the
// answer while its user waits. In the prompt role it is in the prefix index by then.
// Used by the engine worker only.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "engine/engine/adapter_use.h"
#include "engine/kv_cache/prefix_index.h"
#include "engine/kv_cache/sequence_cache.h"
#include "engine/models/model_runner.h"
#include "engine/step_plan.h"

namespace hearth::engine {

class ComputeLease;

class AnswerReader {
 public:
  struct Answer {
    PrefixKey key;
    AdapterUse adapter;
    std::vector<TokenId> tokens;  // of prompt and answer
  };

  // model, pools and index must outlive the reader; `lease` may be null.
  AnswerReader(ModelRunner& model, std::span<PagePool* const> pools, PrefixIndex& index,
               ComputeLease* lease);
  ~AnswerReader();
  AnswerReader(const AnswerReader&) = delete;
  AnswerReader& operator=(const AnswerReader&) = delete;

  // The newest answer is read first; of too many the oldest are forgotten.
  void add(Answer answer);
  bool has_work() const { return !answers_.empty(); }
  // Reads a few tokens. `must_stop` is asked between the operations of the model; what it ends is
  // read again by the next call. What cannot be read, because pages are short, is forgotten.
  void step(const std::function<bool()>& must_stop);
  // Leaves the pages of what is being read to the index. It goes on with the next step.
  void pause();
  int64_t tokens_read() const { return tokens_read_; }

 private:
  bool read_chunk(const std::function<bool()>& must_stop);
  void forget();

  ModelRunner& model_;
  std::span<PagePool* const> pools_;
  PrefixIndex& index_;
  ComputeLease* lease_;
  std::deque<Answer> answers_;  // the newest last
  // Of the last one, while it is being read.
  std::optional<SequenceCache> cache_;
  PrefixIndex::Cursor cursor_;
  StepPlan plan_;
  int64_t tokens_read_ = 0;
};

}  // namespace hearth::engine
