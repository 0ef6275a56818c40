// One loaded model, one worker thread that alone touches weights, cache and scheduler, and a team
// of compute threads. Knows nothing of processes: tests, benchmarks and hearth-runner use it
// directly.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/generation.h"
#include "engine/gguf/reader.h"
#include "engine/kernels/kernels.h"
#include "engine/speculation.h"

namespace hearth::engine {

class ComputeLease;  // engine/backend/compute_lease.h

struct EngineOptions {
  const KernelTable* kernels = nullptr;  // null: the best of this machine
  int32_t threads = 0;                   // 0: by cgroup quota, cpuset and physical cores
  int64_t context_tokens = 0;            // per sequence; 0: the model's own length
  KvType kv_type = KvType::f16;
  int64_t cache_bytes = 0;  // for all pages; 0: two full contexts, at most 4 GiB
  // Memory that weights and cache may take together; where the weights need more, they are used in
  // the mapped file. 0: what is available now.
  int64_t memory_bytes = 0;
  int32_t sequences_max = 64;    // answered at once; more wait in the queue
  int32_t queue_max = 512;       // waiting; more are refused with Error{unavailable}
  int32_t step_tokens = 512;     // tokens per step at most, but for inputs that cannot be cut
  int32_t inputs_max = 16384;    // waiting for their vectors; more are refused
  bool vocabulary_only = false;  // no weights: the engine tokenizes, and that is all
  Speculation speculation = Speculation::automatic;
  int64_t draft_cache_bytes = 0;    // as cache_bytes, for the draft model
  bool checks_all_guesses = false;  // whatever they cost: for tests of what guesses must not change
  ComputeLease* lease = nullptr;    // taken around every step; null: none. Must outlive the engine.
};

// An adapter to load beside the model (engine/models/adapter_loader.h says what it must be).
struct EngineAdapter {
  std::unique_ptr<GgufFile> file;
  float scale = 1.0F;  // times the file's alpha / rank
};

// What is loaded beside the model.
struct EngineCompanions {
  std::vector<EngineAdapter> adapters;
  // A small model with the same vocabulary that guesses what this one will write. One that cannot
  // is left out with a warning in the log.
  std::unique_ptr<GgufFile> draft;
};

struct EngineStats {
  int64_t weight_bytes = 0;  // the draft model's included
  int64_t cache_bytes = 0;   // reserved for pages, the draft model's included
  int64_t cache_used_bytes = 0;
  int32_t running = 0;
  int32_t waiting = 0;
  int64_t steps = 0;
  int64_t preemptions =
      0;  // answers that gave up their pages to older ones and were continued later
  int64_t context_tokens = 0;
  int32_t threads = 0;
  GuessCounts guesses = {};        // of all answers
  int64_t answer_tokens_read = 0;  // again, while nobody waited (engine/engine/answer_reader.h)
};

class Engine {
 public:
  // Called on the worker thread, must not block for long. Exactly one final event per submitted
  // request.
  using EventSink = std::function<void(GenerationEvent)>;

  // Takes the files over. Throws as ModelRunner::load and make_tokenizer do. `progress` may be
  // empty. Requests name the adapters by their place.
  static std::unique_ptr<Engine> open(std::unique_ptr<GgufFile> file, const EngineOptions& options,
                                      EventSink sink, const std::function<bool(double)>& progress,
                                      EngineCompanions companions = {});
  // Cancels everything, waits for the worker.
  virtual ~Engine() = default;

  // Any thread. Throws Error{unavailable} when the queue is full. All other failures arrive as
  // events.
  virtual void submit(GenerationRequest request) = 0;
  // Any thread. `sink` is called exactly once, on the worker thread, and must not block for long.
  // Throws Error{unavailable} when too many inputs are waiting; all other failures arrive as
  // results.
  using EmbeddingSink = std::function<void(EmbeddingResult)>;
  virtual void embed(EmbeddingRequest request, EmbeddingSink sink) = 0;
  // Any thread. Takes effect within one step; unknown ids are ignored.
  virtual void cancel(RequestId id) = 0;

  // Any thread.
  // As a prompt begins with a begin-of-sequence token where the model wants one; otherwise the
  // tokens of the parts alone.
  virtual std::vector<TokenId> tokenize(std::span<const PromptPart> parts,
                                        bool as_prompt) const = 0;
  // Every token's own bytes, control tokens by name: exactly the text whose tokens they are.
  virtual std::string detokenize(std::span<const TokenId> tokens) const = 0;
  virtual EngineStats stats() const = 0;
};

}  // namespace hearth::engine
