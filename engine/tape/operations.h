// The operation descriptors of a tape: small trivially copyable structs. What each one means, how
// adapters and packed weights hook in, and which kinds are only specified yet: docs/tape.md.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>
#include <variant>

#include "engine/kernels/kernels.h"
#include "engine/kv_cache/cache_shape.h"

namespace hearth::engine {

using BufferId = int32_t;
using WeightId = int32_t;
inline constexpr BufferId no_buffer = -1;
inline constexpr WeightId no_weight = -1;
inline constexpr int32_t no_adapter_slot = -1;

// Rows of a buffer: one per token of the step, or one per wanted token.
enum class RowSet : uint8_t { step, output };

// Which row of a table a token gets: that of its id, that of its position, or the first one.
enum class RowSource : uint8_t { token, position, first };

// out[t] = table row of token t times `scale`; given embedding rows are copied unscaled in place of
// the row of an id.
struct GetRow {
  WeightId table = no_weight;
  BufferId out = no_buffer;
  float scale = 1.0F;
  RowSource source = RowSource::token;
};

// out[t] = [pairs][cos, sin] of the token's position, for Tape::ropes[rope].
struct RopeAngles {
  int32_t rope = 0;
  BufferId out = no_buffer;
};

enum class NormKind : uint8_t { rms, layer };

// RMS norm or layer norm (with mean) of a row. `in` and `out` may be the same.
struct Norm {
  BufferId in = no_buffer;
  BufferId out = no_buffer;
  WeightId weight = no_weight;  // no_weight: none
  float epsilon = 0;
  NormKind kind = NormKind::rms;
  WeightId bias = no_weight;  // of layer norms; no_weight: none
};

// Norm of each of `heads` heads of a row, in place: RMS with one weight [head_dim] for all of them,
// or layer norm with a weight for each, [heads, head_dim].
struct HeadNorm {
  BufferId buffer = no_buffer;
  int32_t heads = 0;
  int32_t head_dim = 0;
  WeightId weight = no_weight;
  float epsilon = 0;
  NormKind kind = NormKind::rms;
};

// Rotates the first 2 * pairs values of each head in place; pairs = half the width of `angles`.
struct Rope {
  BufferId buffer = no_buffer;
  BufferId angles = no_buffer;
  int32_t heads = 0;
  int32_t head_dim = 0;
  RopeStyle style = RopeStyle::adjacent;
};

// key [tokens, kv_heads * key_dim], value [tokens, kv_heads * value_dim] to the tokens' places in
// the cache.
struct StoreKv {
  BufferId key = no_buffer;
  BufferId value = no_buffer;
  CacheSlot slot;
};

// queries [tokens, heads * key_dim] -> out [tokens, heads * value_dim].
struct Attention {
  BufferId queries = no_buffer;
  BufferId out = no_buffer;
  CacheSlot slot;
  int32_t heads = 0;
  int32_t kv_heads = 0;
  int64_t window = 0;  // key visible iff query - key < window; 0: no window
  float scale = 0;
  float soft_cap = 0;           // 0: none
  WeightId sinks = no_weight;   // f32 [heads]
  WeightId slopes = no_weight;  // f32 [heads]: -slope * |query - key| joins each score
  // Every token sees all of its sequence, or those no more than window / 2 away. The whole sequence
  // is then one span.
  bool is_bidirectional = false;
};

// out = W in + bias, then the adapter; when fused, add_to += that and `out` is never written.
struct Linear {
  BufferId in = no_buffer;  // as rows in the decode role read it
  BufferId out = no_buffer;
  WeightId weight = no_weight;
  WeightId bias = no_weight;
  BufferId add_to = no_buffer;
  int32_t adapter_slot = no_adapter_slot;
  BufferId adapter_in = no_buffer;  // the slot's AdapterDown; no_buffer: no adapter fills the slot
  BufferId prompt_in = no_buffer;   // as rows in the prompt role read it; no_buffer: `in`
};

// out[t] = scale * A in[t] with the A that the adapter of the token's span has for `slot`;
// untouched for tokens without one. Emitted by insert_adapters only.
struct AdapterDown {
  BufferId in = no_buffer;
  BufferId out = no_buffer;
  int32_t slot = no_adapter_slot;
};

// out = gate(a) * b, or gate(a) where b is no_buffer
struct Gate {
  GateKind kind = GateKind::silu;
  BufferId a = no_buffer;
  BufferId b = no_buffer;
  BufferId out = no_buffer;
};

// out = a + b; out may be a.
struct Add {
  BufferId a = no_buffer;
  BufferId b = no_buffer;
  BufferId out = no_buffer;
};

// In place.
struct Scale {
  BufferId buffer = no_buffer;
  float factor = 1.0F;
};

// x *= 1 + scale * ln(1 + floor(position / length)), in place.
struct ScaleByPosition {
  BufferId buffer = no_buffer;
  float scale = 0;
  float length = 1.0F;
};

// x = min(max(x, -limit), limit), in place.
struct Clamp {
  BufferId buffer = no_buffer;
  float limit = 0;
};

// x = cap * tanh(x / cap), in place.
struct SoftCap {
  BufferId buffer = no_buffer;
  float cap = 0;
};

// out[i] = in[plan.output_tokens[i]]; `in` has step rows, `out` output rows.
struct SelectRows {
  BufferId in = no_buffer;
  BufferId out = no_buffer;
};

enum class RowRole : uint8_t { both, decode, prompt };

// out = the column of `in` of the kind of `out`. Emitted by prepare_columns only.
struct PrepareColumn {
  BufferId in = no_buffer;
  BufferId out = no_buffer;
  RowRole role = RowRole::both;
};

// What a router's logits become: shares of all experts, or of the chosen ones only.
enum class ExpertGating : uint8_t { softmax, softmax_of_chosen };

// A matrix that every expert has: the rows of all experts, one expert behind the other.
struct ExpertMatrix {
  WeightId weight = no_weight;
  WeightId bias = no_weight;  // f32, as many as rows
};

// For each row the `used` experts with the largest shares: out = sum of share * expert(in), in
// ascending order of the experts, where expert(x) = down gate(gate x, up x). Then + shared, times
// the sigmoid of shared_gate where there is one.
struct Moe {
  BufferId in = no_buffer;         // as rows in the decode role read it
  BufferId prompt_in = no_buffer;  // as rows in the prompt role read it; no_buffer: `in`
  BufferId logits = no_buffer;     // [rows, count] of the router; used up
  BufferId out = no_buffer;
  ExpertMatrix gate;
  ExpertMatrix up;
  ExpertMatrix down;
  int32_t count = 0;
  int32_t used = 0;
  ExpertGating gating = ExpertGating::softmax;
  bool renormalizes = false;  // shares of the chosen ones add up to 1
  float scale = 1.0F;         // of the shares
  GateKind activation = GateKind::silu;
  BufferId shared = no_buffer;       // what an expert that every row has gives
  BufferId shared_gate = no_buffer;  // [rows, 1]
};

// Linears whose inputs are the same value, in one dispatch. With has_gate, gate.a and gate.b are
// the outputs of the first two parts, which then have the same number of rows and are never
// written. Emitted by fuse only.
struct LinearGroup {
  static constexpr int32_t parts_max = 3;
  std::array<Linear, parts_max> parts;
  int32_t part_count = 0;
  bool has_gate = false;
  Gate gate;
};

using Operation = std::variant<GetRow, RopeAngles, Norm, HeadNorm, Rope, StoreKv, Attention, Linear,
                               Gate, Add, Scale, SoftCap, SelectRows, PrepareColumn, LinearGroup,
                               AdapterDown, Moe, ScaleByPosition, Clamp>;
static_assert(std::is_trivially_copyable_v<Operation>);

}  // namespace hearth::engine
