// Which tensors of a model a mixture gives which type: rules as rows, first match wins. Private to
// quantize.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/quantize.h"
#include "engine/tensor/dtype.h"

namespace hearth::engine {

// What a tensor is in its model, as far as mixtures care.
enum class TensorRole : uint8_t {
  other,
  head,       // output.weight, or the embedding of a model that has none
  embedding,  // of tokens, where there is a head too
  attention_v,
  attention_k,
  attention_output,
  attention_qkv,
  ffn_down,
};

// What the rules look at.
struct TensorPlace {
  TensorRole role = TensorRole::other;
  std::string_view architecture;
  std::string_view local_name;  // without "blk.N."
  int64_t width = 0;            // values per row
  bool is_expert = false;       // one matrix per expert
  int64_t index = 0;            // among those of its role, and how many there are
  int64_t count = 0;
  int64_t layers = 0;  // of the model; likewise the next two
  int64_t experts = 0;
  int64_t heads_per_kv_head = 0;
};

// The type of a matrix, already one that its width is a multiple of a block of.
DType mixture_type(const Mixture& mixture, const TensorPlace& place);

}  // namespace hearth::engine
