// Attention of prompts on the tile unit, in bf16 (docs/numerics.md, "Attention of prompts on
// tiles"). A page is converted once for all query rows of a call; then 32 rows at a time: the
// scores of all their pages, the softmax of each row, and the product with the values in tiles.
#pragma once

#include "engine/kernels/amx/attention_page.inl"
#include "engine/kernels/amx/tile_unit.inl"
#include "engine/kernels/ops/attention.inl"

constexpr int64_t prompt_query_rows = 512;
constexpr int64_t block_rows = 32;  // two tiles
// Floats between the scores of two rows: rows start in different sets of the first-level cache.
constexpr int64_t score_stride = segment_tokens + 16;

struct alignas(64) PromptScratch {
  TilePages pages;
  float scores[block_rows * score_stride];  // then bf16 probabilities, in the front of each row
  float outputs[block_rows * attention_dim_max];
  // [two tiles of 16 rows][pairs of dimensions / 16][16 rows][32 dimensions]
  uint16_t queries[block_rows * attention_dim_max];
};

// Query rows [first, first + 32) times the scale, in bf16; rows beyond `row_count` are zero.
inline void pack_queries(const AttentionArgs& args, int64_t first, int64_t row_count,
                         uint16_t* out) {
  const int64_t dim = args.shape.key_dim;
  const int64_t steps = key_steps(dim);
  const F32x16 scale = splat(args.scale);
  alignas(64) float rotated[attention_dim_max];
  for (int64_t r = 0; r < block_rows; ++r) {
    uint16_t* row = out + r / 16 * steps * tile_values + r % 16 * 32;
    const float* head = first + r < row_count ? query_row(args, first + r) : nullptr;
    if (head != nullptr && is_rotated(args.shape.type)) {
      rotate_head(head, dim, rotated);
      head = rotated;
    }
    for (int64_t step = 0; step < steps; ++step, row += tile_values) {
      F32x16 low = zero_f32();
      F32x16 high = zero_f32();
      if (head != nullptr) {
        const float* query = head + step * 32;
        low = mul(load_first(query, clamp(dim - step * 32, 0, 16)), scale);
        high = mul(load_first(query + 16, clamp(dim - step * 32 - 16, 0, 16)), scale);
      }
      _mm512_store_si512(row, bfloats(low, high));
    }
  }
}

// Scores of 32 query rows with the 32 keys of a page.
inline void score_page(const uint16_t* queries, const uint16_t* keys, int64_t steps,
                       float* scores) {
  finish_writes();
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t step = 0; step < steps; ++step) {
    const uint16_t* query = queries + step * tile_values;
    const uint16_t* key = keys + step * tile_values;
    _tile_loadd(4, query, 64);
    _tile_loadd(6, key, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, key + steps * tile_values, 64);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, query + steps * tile_values, 64);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  constexpr int64_t stride = score_stride * 4;
  _tile_stored(0, scores, stride);
  _tile_stored(1, scores + 16, stride);
  _tile_stored(2, scores + 16 * score_stride, stride);
  _tile_stored(3, scores + 16 * score_stride + 16, stride);
}

// 2^t for t <= 0 or little more, 0 below -125; relative error below 1.1e-4. NaN stays NaN.
inline __m512 exp2_f32(__m512 t) {
  const __mmask16 is_kept = _mm512_cmp_ps_mask(t, _mm512_set1_ps(-125.0f), _CMP_NLT_UQ);
  const __m512 r = _mm512_reduce_ps(t, 0);  // what rounding to an integer leaves
  __m512 y = _mm512_set1_ps(5.500902166e-2f);
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(2.422113117e-1f));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(6.932829561e-1f));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(1.0f));
  // 1.5 * 2^23 leaves the same integer in the lowest bits.
  const __m512 shifted = _mm512_add_ps(t, _mm512_set1_ps(12582912.0f));
  const __m512i power = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
  return _mm512_castsi512_ps(_mm512_maskz_add_epi32(is_kept, _mm512_castps_si512(y), power));
}

// Pages [begin, end) of the segment.
struct PageRange {
  int64_t begin, end;
};

// Tokens of the computed pages that a row does not see become minus infinity.
inline void hide_tokens(PageRange pages, TokenRange seen, float* scores) {
  const F32x16 hidden = splat(-__builtin_inff());
  for (int64_t token = pages.begin * page_tokens; token < seen.begin; token += 16)
    store_first(scores + token, clamp(seen.begin - token, 0, 16), hidden);
  const int64_t end = pages.end * page_tokens;
  if (seen.end == end) return;
  int64_t token = seen.end / 16 * 16;
  store(scores + token, select_lanes(0, seen.end - token, load(scores + token), hidden));
  for (token += 16; token < end; token += 16) store(scores + token, hidden);
}

// Soft cap and slopes.
inline void bend_scores(const AttentionArgs& args, int64_t row, PageRange pages, float* scores) {
  for (int64_t token = pages.begin * page_tokens; token < pages.end * page_tokens; token += 16) {
    F32x16 score = load(scores + token);
    if (args.soft_cap > 0.0f) score = soft_cap_f32(score, splat(args.soft_cap));
    if (args.slopes != nullptr)
      score = add(score, distance_bias(args, row, args.segment_start + token));
    store(scores + token, score);
  }
}

struct RowState {
  float max, sum;
};

// Scores of a row become probabilities against their maximum, as bf16 in the front of the row.
inline RowState soften_scores(PageRange pages, float* scores) {
  __m512 largest[2] = {_mm512_set1_ps(-__builtin_inff()), _mm512_set1_ps(-__builtin_inff())};
  const int64_t begin = pages.begin * page_tokens;
  const int64_t end = pages.end * page_tokens;
  for (int64_t token = begin; token < end; token += page_tokens) {
    largest[0] = _mm512_max_ps(_mm512_load_ps(scores + token), largest[0]);
    largest[1] = _mm512_max_ps(_mm512_load_ps(scores + token + 16), largest[1]);
  }
  constexpr float log2_e = 1.44269504088896341f;
  const float max = max_lane({_mm512_max_ps(largest[0], largest[1])});
  const __m512 factor = _mm512_set1_ps(log2_e);
  const __m512 offset = _mm512_set1_ps(-(max * log2_e));
  __m512 sums[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
  uint16_t* probabilities = static_cast<uint16_t*>(static_cast<void*>(scores));
  for (int64_t token = begin; token < end; token += page_tokens) {
    const __m512 low = exp2_f32(_mm512_fmadd_ps(_mm512_load_ps(scores + token), factor, offset));
    const __m512 high =
        exp2_f32(_mm512_fmadd_ps(_mm512_load_ps(scores + token + 16), factor, offset));
    sums[0] = _mm512_add_ps(sums[0], low);
    sums[1] = _mm512_add_ps(sums[1], high);
    _mm512_store_si512(probabilities + token, bfloats({low}, {high}));
  }
  return {max, sum({_mm512_add_ps(sums[0], sums[1])})};
}

inline void clear_probabilities(PageRange pages, float* scores) {
  uint16_t* probabilities = static_cast<uint16_t*>(static_cast<void*>(scores));
  for (int64_t page = pages.begin; page < pages.end; ++page)
    _mm512_store_si512(probabilities + page * page_tokens, _mm512_setzero_si512());
}

// outputs = probabilities . values for 16 or 32 dimensions.
template <int columns>
inline void weigh_tiles(PageRange pages, const float* probabilities, const uint16_t* values,
                        int64_t page_values, float* outputs) {
  constexpr int64_t row_bytes = score_stride * 4;
  constexpr int64_t out_bytes = attention_dim_max * 4;
  finish_writes();
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t page = pages.begin; page < pages.end; ++page) {
    const float* row = probabilities + page * page_tokens / 2;
    const uint16_t* value = values + page * page_values;
    _tile_loadd(4, row, row_bytes);
    _tile_loadd(6, value, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(5, row + 16 * score_stride, row_bytes);
    _tile_dpbf16ps(2, 5, 6);
    if constexpr (columns == 2) {
      _tile_loadd(7, value + tile_values, 64);
      _tile_dpbf16ps(1, 4, 7);
      _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, outputs, out_bytes);
  _tile_stored(2, outputs + 16 * attention_dim_max, out_bytes);
  if constexpr (columns == 2) {
    _tile_stored(1, outputs + 16, out_bytes);
    _tile_stored(3, outputs + 16 * attention_dim_max + 16, out_bytes);
  }
}

// Joins what a row got from this segment to its state.
inline void join_state(const AttentionArgs& args, int64_t row, RowState part,
                       const float* outputs) {
  const float old_max = args.state_max[row];
  const float new_max = old_max > part.max ? old_max : part.max;
  const float old_factor = exp_scalar(old_max - new_max);
  const float part_factor = exp_scalar(part.max - new_max);
  args.state_max[row] = new_max;
  args.state_sum[row] = fma_scalar(part_factor, part.sum, args.state_sum[row] * old_factor);
  float* state = args.state_out + row * args.shape.value_dim;
  const F32x16 old_factors = splat(old_factor);
  const F32x16 part_factors = splat(part_factor);
  // A sum of nothing is +0, whichever zeros were added; and what is not a number stays so.
  const F32x16 zeros = splat(part.sum * 0.0f);
  map_values(outputs, state, args.shape.value_dim, state, [=](F32x16 added, F32x16 old) {
    return fma(part_factors, add(added, zeros), mul(old, old_factors));
  });
}

// Which tokens of the segment a row sees.
inline TokenRange seen_by_row(const AttentionArgs& args, int64_t row) {
  return visible_tokens(args, row / args.group_heads, args.segment_start, segment_tokens);
}

inline void attend_rows(const AttentionArgs& args, int64_t first, int64_t row_count,
                        PromptScratch& scratch) {
  const int64_t count = row_count - first < block_rows ? row_count - first : block_rows;
  const int64_t begin = seen_by_row(args, first).begin;
  const int64_t end = seen_by_row(args, first + count - 1).end;
  if (begin >= end) return;
  const PageRange pages = {begin / page_tokens, (end + page_tokens - 1) / page_tokens};
  const int64_t steps = key_steps(args.shape.key_dim);
  pack_queries(args, first, row_count, scratch.queries);
  for (int64_t page = pages.begin; page < pages.end; ++page) {
    score_page(scratch.queries, scratch.pages.keys + page * steps * 2 * tile_values, steps,
               scratch.scores + page * page_tokens);
  }
  const bool is_bent = args.soft_cap > 0.0f || args.slopes != nullptr;
  RowState parts[block_rows];
  for (int64_t r = 0; r < block_rows; ++r) {
    float* scores = scratch.scores + r * score_stride;
    const TokenRange seen = r < count ? seen_by_row(args, first + r) : TokenRange{0, 0};
    if (seen.empty()) {
      clear_probabilities(pages, scores);
      continue;
    }
    if (is_bent) bend_scores(args, first + r, pages, scores);
    hide_tokens(pages, seen, scores);
    parts[r] = soften_scores(pages, scores);
    if (sees_any(scratch.pages, seen)) parts[r].sum = __builtin_nanf("");
  }
  const int64_t tiles = value_tiles(args.shape.value_dim);
  int64_t tile = 0;
  for (; tile + 2 <= tiles; tile += 2) {
    weigh_tiles<2>(pages, scratch.scores, scratch.pages.values + tile * tile_values,
                   tiles * tile_values, scratch.outputs + tile * 16);
  }
  if (tile < tiles) {
    weigh_tiles<1>(pages, scratch.scores, scratch.pages.values + tile * tile_values,
                   tiles * tile_values, scratch.outputs + tile * 16);
  }
  for (int64_t r = 0; r < count; ++r) {
    if (seen_by_row(args, first + r).empty()) continue;
    float* outputs = scratch.outputs + r * attention_dim_max;
    if (is_rotated(args.shape.type)) rotate_head(outputs, args.shape.value_dim);
    join_state(args, first + r, parts[r], outputs);
  }
}

inline void attention_prompt(const AttentionArgs& args) noexcept {
  PromptScratch& scratch = *static_cast<PromptScratch*>(args.scratch);
  const int64_t row_count = static_cast<int64_t>(args.query_token_count) * args.group_heads;
  for (int64_t page = 0; page < args.page_count; ++page) {
    const int64_t page_start = args.segment_start + page * page_tokens;
    const TokenRange seen = {visible_tokens(args, 0, page_start).begin,
                             visible_tokens(args, args.query_token_count - 1, page_start).end};
    if (!seen.empty()) convert_page(args.shape, args.pages[page], seen, page, scratch.pages);
  }
  configure_tiles(block_rows);
  for (int64_t row = 0; row < row_count; row += block_rows)
    attend_rows(args, row, row_count, scratch);
  _tile_release();
}
