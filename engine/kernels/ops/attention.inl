// Attention over cache pages (docs/numerics.md, "Attention"). A page is turned into floats once for
// all query rows of the call.
#pragma once

#include "engine/kernels/ops/cache_page.inl"
#include "engine/kernels/ops/elementwise.inl"

struct alignas(64) AttentionScratch {
  float keys[attention_dim_max * page_tokens];
  float values[page_tokens * attention_dim_max];
  float scores[attention_queries_max][page_tokens];  // then exp(score - maximum)
  float factors[attention_queries_max];              // what the old output is multiplied by
  float output[attention_queries_max][attention_dim_max];
  float queries[attention_queries_max * attention_dim_max];  // rotated
};

inline int64_t clamp(int64_t value, int64_t low, int64_t high) {
  return value < low ? low : value > high ? high : value;
}

// What query token `token` sees of `count` tokens, the first of which has cache index `start`.
inline TokenRange visible_tokens(const AttentionArgs& args, int64_t token, int64_t start,
                                 int64_t count = page_tokens) {
  const int64_t query = args.query_start + token - start;
  if (args.sequence_tokens > 0) {
    const int64_t end = args.sequence_tokens - start;
    if (args.window == 0) return {0, clamp(end, 0, count)};
    const int64_t last = query + args.window / 2 + 1;
    return {clamp(query - args.window / 2, 0, count), clamp(last < end ? last : end, 0, count)};
  }
  const int64_t begin = args.window > 0 ? query - args.window + 1 : 0;
  return {clamp(begin, 0, count), clamp(query + 1, 0, count)};
}

inline const float* query_row(const AttentionArgs& args, int64_t row) {
  const int64_t token = row / args.group_heads;
  return args.queries + token * args.query_token_stride +
         row % args.group_heads * args.shape.key_dim;
}

// The same call for queries that are rotated as the keys are.
inline AttentionArgs with_rotated_queries(const AttentionArgs& args, int64_t row_count,
                                          float* queries) {
  AttentionArgs rotated = args;
  rotated.queries = queries;
  rotated.query_token_stride = int64_t{args.group_heads} * args.shape.key_dim;
  for (int64_t row = 0; row < row_count; ++row)
    rotate_head(query_row(args, row), args.shape.key_dim, queries + row * args.shape.key_dim);
  return rotated;
}

// scores[row] = q . k for all tokens of the page, visible or not.
template <int rows>
inline void score_rows(const AttentionArgs& args, int64_t first_row, const float* keys,
                       AttentionScratch& scratch) {
  const float* query[rows];
  F32x16 sums[rows][2];
  for (int r = 0; r < rows; ++r) {
    query[r] = query_row(args, first_row + r);
    sums[r][0] = sums[r][1] = zero_f32();
  }
  for (int64_t i = 0; i < args.shape.key_dim; ++i) {
    const F32x16 low = load(keys + i * page_tokens);
    const F32x16 high = load(keys + i * page_tokens + 16);
    for (int r = 0; r < rows; ++r) {
      const F32x16 q = splat(query[r][i]);
      sums[r][0] = fma(q, low, sums[r][0]);
      sums[r][1] = fma(q, high, sums[r][1]);
    }
  }
  for (int r = 0; r < rows; ++r) {
    store(scratch.scores[first_row + r], sums[r][0]);
    store(scratch.scores[first_row + r] + 16, sums[r][1]);
  }
}

alignas(64) constexpr float lane_numbers[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                8, 9, 10, 11, 12, 13, 14, 15};

// What distance takes from a row's scores of 16 tokens, the first of which has this cache index.
inline F32x16 distance_bias(const AttentionArgs& args, int64_t row, int64_t first_token) {
  const int64_t query = args.query_start + row / args.group_heads;
  const F32x16 distance =
      abs(add(load(lane_numbers), splat(static_cast<float>(first_token - query))));
  return mul(splat(-args.slopes[row % args.group_heads]), distance);
}

// Scores of one row -> probabilities against the row's running maximum; updates the row's maximum
// and sum.
inline void soften_row(const AttentionArgs& args, int64_t row, int64_t page_start, TokenRange seen,
                       AttentionScratch& scratch) {
  F32x16 halves[2];
  for (int half = 0; half < 2; ++half) {
    const int64_t first = 16 * half;
    F32x16 score = mul(load(scratch.scores[row] + first), splat(args.scale));
    if (args.soft_cap > 0.0f) score = soft_cap_f32(score, splat(args.soft_cap));
    if (args.slopes != nullptr) score = add(score, distance_bias(args, row, page_start + first));
    halves[half] = select_lanes(clamp(seen.begin - first, 0, 16), clamp(seen.end - first, 0, 16),
                                score, splat(-__builtin_inff()));
  }
  const float page_max = max_lane(max(halves[0], halves[1]));
  const float old_max = args.state_max[row];
  const float new_max = old_max > page_max ? old_max : page_max;
  for (F32x16& half : halves) half = exp_f32(sub(half, splat(new_max)));
  const float factor = exp_scalar(old_max - new_max);
  store(scratch.scores[row], halves[0]);
  store(scratch.scores[row] + 16, halves[1]);
  scratch.factors[row] = factor;
  args.state_max[row] = new_max;
  args.state_sum[row] = fma_scalar(args.state_sum[row], factor, sum(add(halves[0], halves[1])));
}

// output[row] = output[row] * factor + probabilities . values, for dims [dim, dim + 16 * vectors).
template <int rows, int vectors>
inline void weigh_values(const float* values, int64_t width, TokenRange seen, int64_t first_row,
                         int64_t dim, AttentionScratch& scratch) {
  F32x16 sums[rows][vectors];
  for (int r = 0; r < rows; ++r) {
    const F32x16 factor = splat(scratch.factors[first_row + r]);
    for (int v = 0; v < vectors; ++v)
      sums[r][v] = mul(load(scratch.output[first_row + r] + dim + 16 * v), factor);
  }
  for (int64_t token = seen.begin; token < seen.end; ++token) {
    F32x16 value[vectors];
    for (int v = 0; v < vectors; ++v) value[v] = load(values + token * width + dim + 16 * v);
    for (int r = 0; r < rows; ++r) {
      const F32x16 probability = splat(scratch.scores[first_row + r][token]);
      for (int v = 0; v < vectors; ++v) sums[r][v] = fma(probability, value[v], sums[r][v]);
    }
  }
  for (int r = 0; r < rows; ++r) {
    for (int v = 0; v < vectors; ++v)
      store(scratch.output[first_row + r] + dim + 16 * v, sums[r][v]);
  }
}

template <int rows>
inline void weigh_rows(const float* values, int64_t width, TokenRange seen, int64_t first_row,
                       AttentionScratch& scratch) {
  int64_t dim = 0;
  for (; dim + 16 * attention_vectors <= width; dim += 16 * attention_vectors) {
    weigh_values<rows, attention_vectors>(values, width, seen, first_row, dim, scratch);
  }
  for (; dim < width; dim += 16)
    weigh_values<rows, 1>(values, width, seen, first_row, dim, scratch);
}

inline void attend_page(const AttentionArgs& args, int64_t page, TokenRange seen,
                        AttentionScratch& scratch) {
  const int64_t page_start = args.segment_start + page * page_tokens;
  const void* next = page + 1 < args.page_count ? args.pages[page + 1] : nullptr;
  const PageFloats floats =
      page_floats(args.shape, args.pages[page], next, seen, {scratch.keys, scratch.values});
  const int64_t row_count = static_cast<int64_t>(args.query_token_count) * args.group_heads;
  const int64_t width = padded_dim(args.shape.value_dim);
  int64_t row = 0;
  for (; row + attention_rows <= row_count; row += attention_rows) {
    score_rows<attention_rows>(args, row, floats.keys, scratch);
  }
  for (; row < row_count; ++row) score_rows<1>(args, row, floats.keys, scratch);

  const auto range = [&](int64_t r) {
    return visible_tokens(args, r / args.group_heads, page_start);
  };
  for (row = 0; row < row_count; ++row) {
    if (!range(row).empty()) soften_row(args, row, page_start, range(row), scratch);
  }
  // A row reads the values it sees and no others: what it does not see may be anything, even not a
  // number.
  for (row = 0; row < row_count;) {
    const TokenRange rows_seen = range(row);
    int64_t last = row + attention_rows - 1;
    const bool whole = last < row_count && range(last).begin == rows_seen.begin &&
                       range(last).end == rows_seen.end;
    if (!whole) last = row;
    if (!rows_seen.empty()) {
      if (whole) {
        weigh_rows<attention_rows>(floats.values, width, rows_seen, row, scratch);
      } else {
        weigh_rows<1>(floats.values, width, rows_seen, row, scratch);
      }
    }
    row = last + 1;
  }
}

inline void attention_segment(const AttentionArgs& call) noexcept {
  AttentionScratch& scratch = *static_cast<AttentionScratch*>(call.scratch);
  const int64_t row_count = static_cast<int64_t>(call.query_token_count) * call.group_heads;
  const bool is_turned = is_rotated(call.shape.type);
  const AttentionArgs args =
      is_turned ? with_rotated_queries(call, row_count, scratch.queries) : call;
  const int64_t width = padded_dim(args.shape.value_dim);
  for (int64_t row = 0; row < row_count; ++row) {
    args.state_max[row] = -__builtin_inff();
    args.state_sum[row] = 0.0f;
    for (int64_t i = 0; i < width; i += 16) store(scratch.output[row] + i, zero_f32());
  }
  for (int64_t page = 0; page < args.page_count; ++page) {
    const int64_t page_start = args.segment_start + page * page_tokens;
    // Later tokens see further, and from a later begin: the first and the last token bound what any
    // of them sees.
    const TokenRange seen = {visible_tokens(args, 0, page_start).begin,
                             visible_tokens(args, args.query_token_count - 1, page_start).end};
    if (!seen.empty()) attend_page(args, page, seen, scratch);
  }
  for (int64_t row = 0; row < row_count; ++row) {
    float* output = args.state_out + row * args.shape.value_dim;
    if (is_turned) rotate_head(scratch.output[row], args.shape.value_dim);
    map_values(scratch.output[row], args.shape.value_dim, output,
               [](F32x16 value) { return value; });
  }
}

inline void attention_merge(const float* state_max, const float* state_sum, const float* state_out,
                            int64_t segment_count, int64_t state_stride, int64_t value_dim,
                            const float* sink, float* output) noexcept {
  float largest = sink != nullptr ? *sink : -__builtin_inff();
  for (int64_t s = 0; s < segment_count; ++s) {
    const int64_t at = s * state_stride;
    if (state_sum[at] != 0.0f && state_max[at] > largest) largest = state_max[at];
  }
  float total = 0.0f;
  for (int64_t i = 0; i < value_dim; i += 16)
    store_first(output + i, clamp(value_dim - i, 0, 16), zero_f32());
  for (int64_t s = 0; s < segment_count; ++s) {
    const int64_t at = s * state_stride;
    if (state_sum[at] == 0.0f) continue;  // sees nothing of this segment
    const float weight = exp_scalar(state_max[at] - largest);
    total = fma_scalar(weight, state_sum[at], total);
    const F32x16 weights = splat(weight);
    map_values(state_out + at * value_dim, output, value_dim, output,
               [=](F32x16 part, F32x16 merged) { return fma(weights, part, merged); });
  }
  if (sink != nullptr) total += exp_scalar(*sink - largest);
  scale_values(output, total > 0.0f ? 1.0f / total : 0.0f, value_dim, output);
}
