// The kernel table: every hot loop of the engine as a function pointer, one table per instruction
// set.
//
// The numerics behind each entry are fixed in docs/numerics.md. Two roles exist:
//   decode  tokens that are being generated (and speculation's check),
//   prompt  tokens that are being read.
// Within a role a result never depends on how many columns run together, on chunking, on pages or
// on threads. All functions are noexcept, allocate nothing, log nothing and may run on any number
// of threads at once on disjoint outputs. This header is freestanding: instruction-set files
// include it before their anonymous namespace.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hearth::engine {

enum class DType : uint32_t;

enum class Isa : uint8_t { scalar, avx2, avxvnni, avx512, amx, neon, dotprod, i8mm };

// How a weight lies in memory.
//   rows   GGUF's own order (the mapped file as it is)
//   tiles  16 rows a tile, interleaved by dwords (FormatKernels::pack, docs/tape.md); the last tile
//          of a matrix is a whole one
enum class Layout : uint8_t { rows, tiles };

inline constexpr int64_t tile_rows = 16;
// Bytes of a tile of rows of `row_bytes`: as many as the rows have, up to the next cache line.
static constexpr inline int64_t tile_bytes(int64_t row_bytes) {
  return (tile_rows * row_bytes + 63) / 64 * 64;
}
// Where row `row` of a weight begins; in tiles a multiple of tile_rows.
static constexpr inline int64_t row_offset(Layout layout, int64_t row_bytes, int64_t row) {
  return layout == Layout::tiles ? row / tile_rows * tile_bytes(row_bytes) : row * row_bytes;
}
// Bytes of a weight.
static constexpr inline int64_t weight_bytes(Layout layout, int64_t row_bytes, int64_t row_count) {
  return row_offset(layout, row_bytes,
                    layout == Layout::tiles ? row_count + tile_rows - 1 : row_count);
}

// What an input vector must be turned into before a format's dot products can read it.
//   f32  the vector itself
//   q8   int8 per block of 256 with one float scale, and the sums of each 16
//   q8_guarded  the same with a low part where one value is far larger than the rest (tiles only)
//   bf16 the values rounded (tiles only)
enum class ColumnKind : uint8_t { f32, q8, q8_guarded, bf16 };

// output[column * output_stride + row] = dot(weight row, column) for rows [row_begin, row_end).
// Fastest where the range starts at a multiple of 32 rows (in tiles row_begin must be one of 16);
// inside it, and up to fetch_end, the next rows are fetched ahead.
struct LinearArgs {
  const void* weight;  // row 0
  int64_t row_bytes;   // of a row as in a file; in Layout::rows the distance between rows
  int64_t width;       // values per row and per column
  int64_t row_begin, row_end;
  const void* columns;          // column 0, prepared as the format's ColumnKind
  int64_t column_stride_bytes;  // distance between columns
  int64_t column_count;
  float* output;          // indexed by absolute row
  int64_t output_stride;  // floats between the outputs of two columns
  void* scratch;          // linear_scratch_bytes, 64-byte aligned, private to the calling thread
  // Rows up to here may be fetched ahead for the caller's next range; 0: none.
  int64_t fetch_end = 0;
  Layout layout = Layout::rows;
};

using LinearFn = void (*)(const LinearArgs&) noexcept;

// One row per weight format. Where `pack` is null there are no tiles: the mapped rows are used as
// they are.
struct FormatKernels {
  DType type;
  ColumnKind column;         // of rows in the decode role
  ColumnKind prompt_column;  // of rows in the prompt role
  LinearFn decode;
  LinearFn prompt;
  void (*get_row)(const void* row, int64_t width, float* out) noexcept;  // dequantises one row
  // Rows one behind the other into tiles: weight_bytes(Layout::tiles, ..) of them, 64-byte aligned.
  void (*pack)(const void* rows, int64_t row_count, int64_t width, void* tiles) noexcept;
  // get_row of row `row` of a matrix in tiles.
  void (*get_tile_row)(const void* tiles, int64_t row, int64_t width, float* out) noexcept;
};

enum class RopeStyle : uint8_t {
  adjacent,  // pairs (2i, 2i+1): llama
  halves,    // pairs (i, i + n/2): neox, qwen, gemma
};

enum class GateKind : uint8_t {
  silu,
  gelu_tanh,
  clamped_swiglu,  // of gpt-oss: min(a, 7) * sigmoid(1.702 min(a, 7)) * (clamp(b, -7, 7) + 1)
  relu_squared,    // max(a, 0)^2
};

// How keys and values are kept (docs/numerics.md). Names: engine/kv_type.h.
enum class KvType : uint8_t { f32, f16, q8_0, q4_0 };
inline constexpr int64_t kv_block_values = 32;  // of q8_0 and q4_0, whose heads are a multiple

inline constexpr int64_t page_tokens = 32;    // tokens per cache page, on every device
inline constexpr int64_t segment_pages = 16;  // pages per attention segment (docs/numerics.md)
inline constexpr int64_t attention_queries_max =
    16;  // query rows (tokens x heads of a group) per call of attention_segment
inline constexpr int64_t attention_dim_max = 576;  // largest key_dim and value_dim

// One KV head of one layer inside one page. The order of the values inside belongs to the kernels:
// only store_kv and attention know it. All tables share one order.
struct KvHeadShape {
  KvType type;
  int32_t key_dim;
  int32_t value_dim;
};

// Attention of consecutive query tokens of one sequence over one KV head, for one segment of pages.
// A segment is `segment_pages` pages; its first page ordinal is a multiple of that, so splits never
// depend on threads.
struct AttentionArgs {
  const float* queries;        // token 0, head 0 of the group
  int64_t query_token_stride;  // floats between tokens
  int32_t query_token_count;   // times group_heads at most attention_queries_max
  int32_t group_heads;         // query heads that share this KV head, key_dim floats apart
  KvHeadShape shape;
  const void* const* pages;  // this KV head's part of each page of the segment; [page_count]. A
                             // page that no query sees anything of may be null
  int32_t page_count;        // pages up to the last one any query sees
  int64_t segment_start;     // cache index of the segment's first token
  int64_t query_start;       // cache index of query token 0; token i is at query_start + i
  int64_t window;            // key visible iff query - key < window; 0: no window
  // Not 0: queries look in both directions, at all of this many tokens or, with a window, at those
  // no more than window / 2 away.
  int64_t sequence_tokens;
  float scale;          // multiplies q.k
  float soft_cap;       // c * tanh(s / c); 0: none
  const float* slopes;  // [group_heads]; -slope * |query - key| joins the score; null: none
  float* state_max;     // [tokens, group_heads] running maximum of this segment
  float* state_sum;     // [tokens, group_heads] sum of exp(s - max)
  float* state_out;     // [tokens, group_heads, value_dim] unnormalised output
  void* scratch;        // attention_scratch_bytes, 64-byte aligned
};

struct KernelTable {
  Isa isa;
  const char* name;
  // True when prompt and decode results are the same bits: cache pages written in either role are
  // then interchangeable.
  bool roles_agree;
  // The table whose prompts round weights less, for models too fine for this one's
  // (choose_precision in tape/passes.h); null: this one.
  const KernelTable* fine;
  // The table that rounds as little as it can in both roles, for those who ask for it; null: this
  // one.
  const KernelTable* precise;

  const FormatKernels* formats;
  int32_t format_count;
  int64_t linear_scratch_bytes;  // for any width and number of columns
  int64_t attention_scratch_bytes;

  // Columns of the kinds that the table's formats ask for.
  int64_t (*column_bytes)(ColumnKind kind, int64_t width) noexcept;
  void (*prepare_column)(ColumnKind kind, const float* x, int64_t width, void* column) noexcept;

  // y[i] = x[i] / sqrt(mean(x^2) + eps) * weight[i]; weight may be null. x and y may be the same.
  void (*rms_norm)(const float* x, const float* weight, int64_t width, float eps,
                   float* y) noexcept;
  // y[i] = (x[i] - mean) / sqrt(variance + eps) * weight[i] + bias[i]; weight and bias may be null.
  // x and y may be the same.
  void (*layer_norm)(const float* x, const float* weight, const float* bias, int64_t width,
                     float eps, float* y) noexcept;
  // Rotates `pair_count` pairs of one head in place; cos_sin is [pair_count][2].
  void (*rope)(float* head, const float* cos_sin, int64_t pair_count, RopeStyle style) noexcept;
  // y[i] = gate(a[i]) * b[i]; gate(a[i]) where b is null
  void (*gate)(GateKind kind, const float* a, const float* b, int64_t count, float* y) noexcept;
  void (*add)(const float* a, const float* b, int64_t count, float* y) noexcept;
  // y[i] = fma(factor, x[i], y[i])
  void (*add_scaled)(const float* x, float factor, int64_t count, float* y) noexcept;
  // y[i] = exp(x[i] - max) / sum of those. x and y may be the same.
  void (*softmax)(const float* x, int64_t count, float* y) noexcept;
  void (*scale)(const float* a, float factor, int64_t count, float* y) noexcept;
  void (*soft_cap)(const float* a, float cap, int64_t count, float* y) noexcept;

  // Bytes of one KV head in one page.
  int64_t (*kv_head_bytes)(const KvHeadShape& shape) noexcept;
  // Writes one token's key and value into slot `slot` (0..page_tokens-1) of a KV head of a page.
  void (*store_kv)(const KvHeadShape& shape, const float* key, const float* value, int64_t slot,
                   void* page_head) noexcept;
  // Fills the three state arrays for one segment.
  void (*attention_segment)(const AttentionArgs&) noexcept;
  // The same in the prompt role, for up to `prompt_query_rows` rows; it joins the segment to what
  // the state arrays hold: at first maximum -inf, sum 0 and output 0. Null: attention_segment
  // serves both roles.
  void (*attention_prompt)(const AttentionArgs&) noexcept;
  int64_t prompt_query_rows;
  // Merges `segment_count` states in segment order into output[value_dim]; `sink` may be null (an
  // extra logit that only joins the denominator). States lie `state_stride` rows apart (rows of 1,
  // 1 and value_dim floats).
  void (*attention_merge)(const float* state_max, const float* state_sum, const float* state_out,
                          int64_t segment_count, int64_t state_stride, int64_t value_dim,
                          const float* sink, float* output) noexcept;
};

// The tables this machine can run, best last. Never empty: scalar is always there.
struct KernelTables {
  const KernelTable* tables[5];
  int32_t count;
};
KernelTables available_kernels() noexcept;
// By name (scalar; avx2, avxvnni, avx512, amx; neon, dotprod, i8mm; the precise one of each has
// "-precise" behind it), or the best one for an empty name. Null when this machine cannot run it or
// the name is unknown. HEARTH_ISA is read by the caller, not here.
const KernelTable* find_kernels(const char* name) noexcept;
// The table of that name, or its precise one.
const KernelTable* find_kernels(const char* name, bool is_precise) noexcept;
// The row for a format, null when the table lacks it.
const FormatKernels* find_format(const KernelTable& table, DType type) noexcept;

}  // namespace hearth::engine
