// What is asked of an engine and what comes back, as values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/constraint.h"
#include "engine/pooling.h"
#include "engine/sampler/sampling_options.h"
#include "engine/token_id.h"

namespace hearth::engine {

using RequestId = uint64_t;

// A piece of a prompt: either text or ready token ids. Special tokens are recognised in trusted
// text only; text that people wrote can therefore never become a control token.
struct PromptPart {
  std::string text;
  bool is_trusted = false;
  std::vector<TokenId> tokens;  // used instead of the text when not empty
};

struct GenerationRequest {
  RequestId id = 0;  // chosen by the caller, unique among the running ones
  std::vector<PromptPart> prompt;
  SamplingOptions sampling;
  int64_t tokens_max = -1;        // tokens to generate at most; negative: until the context is full
  std::vector<std::string> stop;  // strings that end the answer and are not part of it
  int64_t context_tokens = 0;     // context of this request; 0: the engine's
  bool truncate = false;          // an over-long prompt loses its oldest tokens instead of failing
  // A full context loses the older half of its tokens and the answer goes on, up to ten contexts of
  // it. What is left is read again as if it had been the prompt.
  bool shift = false;
  int32_t keep_tokens = 0;  // tokens at the start that truncation and shifting keep
  std::string tenant;       // cache is shared only between equal tenants
  // The n-th adapter loaded beside the model, counted from 1; 0: none, the model alone; -1: the
  // first one where any was loaded.
  int32_t adapter = -1;
  float adapter_scale = 1.0F;  // times the adapter's own
  // Guesses at the next tokens that may be checked at a time; negative: as many as pay; 0: none.
  // The answer is the same.
  int32_t guesses_max = -1;
  // What the answer must look like; absent: anything.
  std::optional<ConstraintSpec> constraint;
  bool return_tokens =
      false;  // FinishedEvent carries all token ids (the `context` of /api/generate)
  // Control tokens whose names are part of the answer's text; others print nothing.
  std::vector<std::string> shown_tokens;
};

// One input whose vector is wanted. Answered by one EmbeddingResult.
struct EmbeddingRequest {
  RequestId id = 0;  // chosen by the caller, unique among all running requests
  // Text gets what the model expects around an input; an input of tokens alone is used as it is.
  std::vector<PromptPart> input;
  // Absent: as the model's file says; the mean where it says nothing.
  std::optional<Pooling> pooling;
  bool normalize = false;  // to length 1; scores of a reranker stay as they are
  bool truncate = false;   // an over-long input loses its end instead of failing
  int32_t adapter = -1;    // as GenerationRequest
  float adapter_scale = 1.0F;
};

struct EmbeddingResult {
  RequestId id = 0;
  std::vector<float> values;  // [rows, width]; empty when it failed
  int64_t rows = 0;           // 1, or one per token where nothing is pooled
  int64_t width = 0;
  int64_t input_tokens = 0;  // that were read
  bool is_truncated = false;
  bool has_failed = false;
  ErrorCode error = ErrorCode::internal;  // with has_failed; `cancelled` after cancel()
  std::string message;
};

enum class FinishReason : uint8_t {
  stop,    // end-of-generation token or stop string
  length,  // tokens_max or the context was reached
  cancelled,
  failed,  // error and message say why
};

// Tokens that were guessed and computed before their turn, and those of them that came true.
struct GuessCounts {
  int64_t drafted = 0;
  int64_t accepted = 0;
};

struct Timings {
  int64_t prompt_tokens = 0;
  int64_t cached_prompt_tokens = 0;  // of those, taken from the prefix index
  int64_t generated_tokens = 0;
  int64_t prompt_ns = 0;
  int64_t generation_ns = 0;
  GuessCounts guesses = {};
};

// A token and how likely the model found it: the natural logarithm of its probability, before bias,
// penalties and temperature. `piece` is what it prints (a control token its name), not always whole
// UTF-8.
struct LogProb {
  TokenId id = 0;
  float value = 0;
  std::string piece;
};

// A piece of an answer, or its end. `text` is always whole UTF-8.
struct GenerationEvent {
  RequestId id = 0;
  std::string text;
  // Where sampling.logprobs asked for them, a row per token generated since the last event: the
  // token, then the likeliest ones, best first. The token that ends an answer has none. Rows do not
  // wait for text that is held back.
  std::vector<std::vector<LogProb>> log_probs;
  bool is_final = false;
  // Set on the final event only.
  FinishReason finish = FinishReason::stop;
  std::string stop;  // the stop string that ended it; empty: none did
  Timings timings;
  ErrorCode error = ErrorCode::internal;  // with FinishReason::failed
  std::string message;
  std::vector<TokenId> tokens;  // prompt and answer, when return_tokens was set
};

}  // namespace hearth::engine
