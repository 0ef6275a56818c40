// Logits of given tokens, for inspection and measurement (hearth-runner logits): no scheduler, no
// sampler, one sequence.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "engine/gguf/reader.h"
#include "engine/kernels/kernels.h"
#include "engine/models/adapter_loader.h"
#include "engine/token_id.h"

namespace hearth::engine {

struct LogitsOptions {
  const KernelTable* kernels = nullptr;  // null: the best of this machine
  KvType kv_type = KvType::f16;
  int32_t threads = 0;  // 0: by quota, cpuset and physical cores
  int32_t batch = 512;  // prompt tokens per step
  // Tokens after which the next ones begin a sequence of their own; 0: all are one sequence.
  int64_t context = 0;
  // Each token as its own step in the decode role instead (batch is then ignored).
  bool decode_role = false;
  // Added to every token's computation; must outlive the call.
  std::optional<AdapterFile> adapter;
};

// Receives the rows in order, [rows, vocab] per call, valid during the call.
using LogitsSink = std::function<void(std::span<const float> rows, int64_t vocab_size)>;

// Nothing is added in front of `tokens`; the first has position 0. Throws as ModelRunner::load
// does, and Error{invalid_argument} for a token outside the vocabulary or no token at all.
void evaluate_logits(const GgufFile& file, std::span<const TokenId> tokens,
                     const LogitsOptions& options, const LogitsSink& sink);

}  // namespace hearth::engine
