// Vectors of given inputs without an engine's thread and queue, for inspection and tests
// (hearth-runner embed).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/gguf/reader.h"
#include "engine/kernels/kernels.h"
#include "engine/pooling.h"
#include "engine/token_id.h"

namespace hearth::engine {

struct EmbeddingOptions {
  const KernelTable* kernels = nullptr;  // null: the best of this machine
  KvType kv_type = KvType::f16;          // of models that look back only
  int32_t threads = 0;                   // 0: by quota, cpuset and physical cores
  int32_t batch = 512;                   // tokens per step, but for inputs that cannot be cut
  std::optional<Pooling> pooling;        // absent: as the file says
  bool normalize = false;
  bool truncate = false;
  bool with_rows = false;
};

struct EmbeddedInput {
  std::vector<float> vector;  // pooled; without pooling the rows of all tokens
  int64_t width = 0;          // of the vector
  std::vector<float> rows;    // [tokens, hidden width] when they were asked for
};

// Nothing is added to the tokens; the inputs share steps. Throws as ModelRunner::load does, and
// what is wrong with the first wrong input.
std::vector<EmbeddedInput> embed_inputs(const GgufFile& file,
                                        std::span<const std::vector<TokenId>> inputs,
                                        const EmbeddingOptions& options);

}  // namespace hearth::engine
