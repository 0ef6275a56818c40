// Attention over pages: close to the exact softmax, in the decode role the same bits on every
// kernel table, and in both roles independent of how queries are grouped and of what lies where a
// query does not look.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "engine/kernels/kernels.h"
#include "tests/engine/kernels/definition.h"
#include "tests/support/kernel_tables.h"

using namespace hearth::engine;

namespace {

struct Case {
  KvHeadShape shape;
  int32_t heads;
  int64_t cached;       // tokens in the cache, the queries' own included
  int64_t query_count;  // the last ones
  int64_t window;
  float soft_cap;
  int64_t behind = 0;  // tokens behind the queries; not 0: queries look in both directions
  std::vector<float> slopes = {};  // per head

  int64_t position(int64_t query) const { return cached - behind - query_count + query; }
  int64_t first_seen(int64_t query) const {
    if (window == 0) return 0;
    const int64_t reach = behind > 0 ? window / 2 : window - 1;
    return std::max<int64_t>(0, position(query) - reach);
  }
  int64_t last_seen(int64_t query) const {
    if (behind == 0) return position(query);
    return window > 0 ? std::min(cached - 1, position(query) + window / 2) : cached - 1;
  }
};

struct Inputs {
  std::vector<float> keys, values, queries;  // [token][dim], queries [token][head][dim]
};

Inputs make_inputs(const Case& test) {
  std::mt19937 random(static_cast<uint32_t>(test.cached * 7 + test.shape.key_dim));
  std::normal_distribution<float> normal;
  Inputs inputs;
  const auto fill = [&](std::vector<float>& values, int64_t count) {
    values.resize(static_cast<size_t>(count));
    for (float& value : values) value = normal(random);
  };
  fill(inputs.keys, test.cached * test.shape.key_dim);
  fill(inputs.values, test.cached * test.shape.value_dim);
  fill(inputs.queries, test.query_count * test.heads * test.shape.key_dim);
  return inputs;
}

// Pages of one KV head whose unwritten parts are not numbers.
struct Pages {
  std::vector<AlignedBytes> memory;
  std::vector<const void*> pointers;
};

Pages fill_pages(const KernelTable& table, const Case& test, const Inputs& inputs) {
  Pages pages;
  const int64_t bytes = table.kv_head_bytes(test.shape);
  REQUIRE(bytes % 64 == 0);
  for (int64_t first = 0; first < test.cached; first += page_tokens) {
    pages.memory.emplace_back(bytes);
    std::memset(pages.memory.back().data(), 0xff, static_cast<size_t>(bytes));
    pages.pointers.push_back(pages.memory.back().data());
    for (int64_t token = first; token < std::min(test.cached, first + page_tokens); ++token) {
      table.store_kv(test.shape, inputs.keys.data() + token * test.shape.key_dim,
                     inputs.values.data() + token * test.shape.value_dim, token - first,
                     pages.memory.back().data());
    }
  }
  return pages;
}

using AttentionFn = void (*)(const AttentionArgs&) noexcept;

// Queries [first, first + count) through all segments and the merge; [token][head][value_dim].
// is_rotated: what the segments add up is rotated before it is merged.
std::vector<float> attend(const KernelTable& table, const Case& test, const Inputs& inputs,
                          const Pages& pages, int64_t first, int64_t count, const float* sink,
                          AttentionFn attention = nullptr, bool is_rotated = false) {
  const bool is_prompt = attention != nullptr;
  const int64_t rows = count * test.heads;
  const int64_t query_start = test.position(first);
  const int64_t page_count = test.last_seen(first + count - 1) / page_tokens + 1;
  const int64_t segments = (page_count + segment_pages - 1) / segment_pages;
  // In the prompt role all segments share one state.
  const int64_t states = is_prompt ? 1 : segments;
  std::vector<float> largest(static_cast<size_t>(states * rows), -INFINITY), sums(largest.size());
  std::vector<float> outputs(largest.size() * static_cast<size_t>(test.shape.value_dim));
  AlignedBytes scratch(table.attention_scratch_bytes);
  for (int64_t s = 0; s < segments; ++s) {
    AttentionArgs args{};
    args.queries = inputs.queries.data() + first * test.heads * test.shape.key_dim;
    args.query_token_stride = test.heads * test.shape.key_dim;
    args.query_token_count = static_cast<int32_t>(count);
    args.group_heads = test.heads;
    args.shape = test.shape;
    args.pages = pages.pointers.data() + s * segment_pages;
    args.page_count = static_cast<int32_t>(std::min(segment_pages, page_count - s * segment_pages));
    args.segment_start = s * segment_pages * page_tokens;
    args.query_start = query_start;
    args.window = test.window;
    args.sequence_tokens = test.behind > 0 ? test.cached : 0;
    args.scale = 1.0f / std::sqrt(static_cast<float>(test.shape.key_dim));
    args.soft_cap = test.soft_cap;
    args.slopes = test.slopes.empty() ? nullptr : test.slopes.data();
    const int64_t state = is_prompt ? 0 : s * rows;
    args.state_max = largest.data() + state;
    args.state_sum = sums.data() + state;
    args.state_out = outputs.data() + state * test.shape.value_dim;
    args.scratch = scratch.data();
    (is_prompt ? attention : table.attention_segment)(args);
  }
  if (is_rotated) definition::rotate(outputs, test.shape.value_dim);
  std::vector<float> merged(static_cast<size_t>(rows * test.shape.value_dim));
  for (int64_t row = 0; row < rows; ++row) {
    table.attention_merge(largest.data() + row, sums.data() + row,
                          outputs.data() + row * test.shape.value_dim, states, rows,
                          test.shape.value_dim, sink, merged.data() + row * test.shape.value_dim);
  }
  return merged;
}

// The exact answer for one query row, from f32 keys and values.
std::vector<double> exact_row(const Case& test, const Inputs& inputs, int64_t token, int64_t head,
                              const float* sink) {
  const float* query = inputs.queries.data() + (token * test.heads + head) * test.shape.key_dim;
  std::vector<double> scores;
  const int64_t first = test.first_seen(token);
  double largest = sink != nullptr ? *sink : -std::numeric_limits<double>::infinity();
  for (int64_t t = first; t <= test.last_seen(token); ++t) {
    double score = 0;
    for (int64_t i = 0; i < test.shape.key_dim; ++i) {
      score += static_cast<double>(query[i]) *
               inputs.keys[static_cast<size_t>(t * test.shape.key_dim + i)];
    }
    score /= std::sqrt(static_cast<double>(test.shape.key_dim));
    if (test.soft_cap > 0) score = test.soft_cap * std::tanh(score / test.soft_cap);
    if (!test.slopes.empty()) {
      const auto distance = static_cast<double>(std::abs(test.position(token) - t));
      score -= test.slopes[static_cast<size_t>(head)] * distance;
    }
    scores.push_back(score);
    largest = std::max(largest, score);
  }
  double total = sink != nullptr ? std::exp(*sink - largest) : 0;
  for (const double score : scores) total += std::exp(score - largest);
  std::vector<double> output(static_cast<size_t>(test.shape.value_dim), 0.0);
  for (size_t t = 0; t < scores.size(); ++t) {
    const float* value =
        inputs.values.data() + (first + static_cast<int64_t>(t)) * test.shape.value_dim;
    for (size_t i = 0; i < output.size(); ++i)
      output[i] += std::exp(scores[t] - largest) / total * value[i];
  }
  return output;
}

// What a cache of the case's type keeps; not rotated, whatever the type.
Inputs kept(const Case& test, const Inputs& inputs) {
  Inputs rounded = inputs;
  definition::round_kv(test.shape.type, rounded.keys, test.shape.key_dim);
  definition::round_kv(test.shape.type, rounded.values, test.shape.value_dim);
  if (definition::is_rotated(test.shape.type)) {
    definition::rotate(rounded.keys, test.shape.key_dim);
    definition::rotate(rounded.values, test.shape.value_dim);
  }
  return rounded;
}

constexpr KvType f32 = KvType::f32;
constexpr KvType f16 = KvType::f16;
constexpr KvType q8 = KvType::q8_0;
constexpr KvType q4 = KvType::q4_0;

const std::vector<Case>& all_cases() {
  static const std::vector<Case> cases = {
      {{f32, 64, 64}, 4, 700, 4, 0, 0},
      {{f16, 64, 64}, 4, 700, 4, 0, 0},
      {{f32, 8, 8}, 1, 33, 16, 0, 0},
      {{f32, 80, 96}, 3, 100, 5, 0, 0},
      {{f16, 256, 256}, 2, 65, 8, 16, 50},
      {{f32, 128, 128}, 8, 1100, 2, 40, 0},
      {{f16, 128, 128}, 16, 512, 1, 0, 0},
      {{f32, 12, 20}, 2, 1, 1, 0, 0},
      {{f32, 64, 64}, 4, 545, 4, 34, 0},
      {{f32, 64, 64}, 4, 700, 4, 0, 0, 400},
      {{f32, 32, 32}, 1, 200, 16, 50, 0, 80},
      {{f16, 64, 64}, 2, 545, 4, 41, 0, 10},
      {{q8, 64, 64}, 4, 545, 4, 0, 0},
      {{q8, 32, 96}, 3, 70, 5, 40, 0},
      {{q8, 128, 128}, 8, 33, 2, 0, 50},
      {{q4, 64, 64}, 4, 545, 4, 0, 0},
      {{q4, 96, 32}, 3, 70, 5, 40, 0},
      {{q4, 128, 128}, 8, 33, 2, 0, 50},
      {{q4, 192, 256}, 3, 40, 2, 0, 0},
      {{f32, 64, 64}, 3, 700, 4, 0, 0, 0, {0.5F, 0.01F, 0.0F}},
      {{f32, 32, 32}, 2, 200, 8, 0, 9, 80, {0.25F, 0.004F}},
  };
  return cases;
}

}  // namespace

TEST_CASE("attention: close to the exact softmax, same bits on every table", "[kernels]") {
  const float sink_value = 0.7f;
  for (const Case& test : all_cases()) {
    const Inputs inputs = make_inputs(test);
    for (const float* sink : {static_cast<const float*>(nullptr), &sink_value}) {
      const std::vector<const KernelTable*> all = tables();
      const std::vector<float> first = attend(
          *all[0], test, inputs, fill_pages(*all[0], test, inputs), 0, test.query_count, sink);
      const Inputs rounded = kept(test, inputs);
      for (int64_t row = 0; row < test.query_count * test.heads; ++row) {
        const std::vector<double> exact =
            exact_row(test, rounded, row / test.heads, row % test.heads, sink);
        for (size_t i = 0; i < exact.size(); ++i) {
          INFO("tokens " << test.cached << " row " << row << " dim " << i);
          REQUIRE(std::abs(first[static_cast<size_t>(row) * exact.size() + i] - exact[i]) < 3e-6);
        }
      }
      for (const KernelTable* table : all) {
        const std::vector<float> other = attend(
            *table, test, inputs, fill_pages(*table, test, inputs), 0, test.query_count, sink);
        INFO(table->name << " tokens " << test.cached << " key_dim " << test.shape.key_dim);
        REQUIRE(std::memcmp(first.data(), other.data(), first.size() * 4) == 0);
      }
    }
  }
}

TEST_CASE("attention: a cache of any type gives the bits of an f32 cache of rounded values",
          "[kernels]") {
  for (const Case& test : all_cases()) {
    if (test.shape.type == f32) continue;
    Inputs inputs = make_inputs(test);
    // Blocks of zeros, of opposites and of numbers too small for a half-precision scale.
    if (test.shape.key_dim % 32 == 0) {
      std::fill_n(inputs.values.begin(), 32, 0.0f);
      inputs.keys[3] = 5.0f;
      inputs.keys[7] = -5.0f;
      for (size_t i = 0; i < 32; ++i) inputs.values[inputs.values.size() - 1 - i] *= 1e-9f;
    }
    Case plain = test;
    plain.shape.type = f32;
    Inputs rounded = inputs;
    definition::round_kv(test.shape.type, rounded.keys, test.shape.key_dim);
    definition::round_kv(test.shape.type, rounded.values, test.shape.value_dim);
    const bool is_rotated = definition::is_rotated(test.shape.type);
    if (is_rotated) definition::rotate(rounded.queries, test.shape.key_dim);
    const KernelTable& scalar = *tables()[0];
    const std::vector<float> expected =
        attend(scalar, plain, rounded, fill_pages(scalar, plain, rounded), 0, test.query_count,
               nullptr, nullptr, is_rotated);
    for (const KernelTable* table : tables()) {
      const std::vector<float> outputs = attend(
          *table, test, inputs, fill_pages(*table, test, inputs), 0, test.query_count, nullptr);
      INFO(table->name << " tokens " << test.cached << " key_dim " << test.shape.key_dim);
      REQUIRE(std::memcmp(outputs.data(), expected.data(), expected.size() * 4) == 0);
    }
  }
}

TEST_CASE("attention: what stands out of a head does not drown the rest of a q4_0 cache",
          "[kernels]") {
  const Case test{{q4, 128, 128}, 4, 300, 4, 0, 0};
  Case plain = test;
  plain.shape.type = f32;
  for (const bool stands_out : {false, true}) {
    Inputs inputs = make_inputs(test);
    // Two channels of 15 standard deviations, as biases and norms of trained models make them.
    for (size_t i = 0; stands_out && i < inputs.keys.size(); i += 128) {
      inputs.keys[i + 5] += 15.0f;
      inputs.keys[i + 77] -= 15.0f;
      inputs.values[i + 40] += 15.0f;
    }
    Inputs unrotated = inputs;
    for (std::vector<float>* values : {&unrotated.keys, &unrotated.values}) {
      for (size_t i = 0; i < values->size(); i += 32)
        definition::round_kv_block(q4, values->data() + i);
    }
    const KernelTable& table = *tables().back();
    const auto outputs_of = [&](const Case& way, const Inputs& from) {
      return attend(table, way, from, fill_pages(table, way, from), 0, test.query_count, nullptr);
    };
    const std::vector<float> exact = outputs_of(plain, inputs);
    const auto error_of = [&](const std::vector<float>& outputs) {
      double error = 0;
      for (size_t i = 0; i < exact.size(); ++i)
        error += (outputs[i] - exact[i]) * static_cast<double>(outputs[i] - exact[i]);
      return error;
    };
    const double rotated = error_of(outputs_of(test, inputs));
    const double without = error_of(outputs_of(plain, unrotated));
    INFO("stands out " << stands_out << ": " << rotated << " rotated, " << without << " without");
    CHECK(rotated < (stands_out ? 0.3 : 1.5) * without);
  }
}

TEST_CASE("attention: a query alone equals the query in a group", "[kernels]") {
  for (const Case& test : all_cases()) {
    const Inputs inputs = make_inputs(test);
    for (const KernelTable* table : tables()) {
      const Pages pages = fill_pages(*table, test, inputs);
      const std::vector<float> together =
          attend(*table, test, inputs, pages, 0, test.query_count, nullptr);
      const size_t size = static_cast<size_t>(test.heads * test.shape.value_dim);
      for (int64_t token = 0; token < test.query_count; ++token) {
        const std::vector<float> alone = attend(*table, test, inputs, pages, token, 1, nullptr);
        INFO(table->name << " tokens " << test.cached << " query " << token);
        REQUIRE(std::memcmp(alone.data(), together.data() + static_cast<size_t>(token) * size,
                            size * 4) == 0);
      }
    }
  }
}

TEST_CASE("attention: pages outside every window may be absent, later tokens may be anything",
          "[kernels]") {
  const Case test{{f16, 64, 64}, 2, 300, 3, 64, 0};
  const Inputs inputs = make_inputs(test);
  Inputs poisoned = inputs;
  for (int64_t i = 299 * 64; i < 300 * 64; ++i) {
    poisoned.keys[static_cast<size_t>(i)] = poisoned.values[static_cast<size_t>(i)] = std::nanf("");
  }
  for (const KernelTable* table : tables()) {
    Pages pages = fill_pages(*table, test, inputs);
    const std::vector<float> expected = attend(*table, test, inputs, pages, 0, 2, nullptr);
    Pages other = fill_pages(*table, test, poisoned);
    for (size_t page = 0; page < 7; ++page)
      other.pointers[page] = nullptr;  // tokens 0..223; the window begins at 234
    const std::vector<float> outputs = attend(*table, test, poisoned, other, 0, 3, nullptr);
    INFO(table->name);
    CHECK(std::memcmp(outputs.data(), expected.data(), expected.size() * 4) == 0);
    CHECK(std::isnan(outputs.back()));
  }
}

namespace {

// Every case of the decode role, and what only longer calls meet: several blocks of rows, odd
// heads.
std::vector<Case> prompt_cases() {
  std::vector<Case> cases = all_cases();
  const std::vector<Case> longer = {
      {{f16, 64, 64}, 4, 600, 90, 0, 0},       {{f16, 128, 128}, 1, 1100, 70, 100, 0},
      {{f32, 63, 65}, 3, 530, 40, 0, 0},       {{f16, 96, 80}, 5, 150, 33, 0, 30},
      {{q8, 576, 512}, 16, 90, 5, 0, 0},       {{f16, 40, 24}, 2, 700, 50, 1, 0},
      {{f32, 64, 64}, 2, 700, 90, 30, 0, 400}, {{q4, 64, 32}, 2, 100, 64, 0, 0, 0, {0.25F, 0.004F}},
  };
  cases.insert(cases.end(), longer.begin(), longer.end());
  return cases;
}

std::vector<const KernelTable*> prompt_tables() {
  std::vector<const KernelTable*> found;
  for (const KernelTable* table : tables()) {
    if (table->attention_prompt != nullptr) found.push_back(table);
  }
  if (found.empty()) WARN("skipped: no table of this machine has attention for prompts");
  return found;
}

// All queries, `together` at a time.
std::vector<float> attend_prompt(const KernelTable& table, const Case& test, const Inputs& inputs,
                                 const Pages& pages, int64_t together, const float* sink) {
  std::vector<float> all;
  for (int64_t first = 0; first < test.query_count; first += together) {
    const std::vector<float> part =
        attend(table, test, inputs, pages, first, std::min(together, test.query_count - first),
               sink, table.attention_prompt);
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * 4) == 0;
}

}  // namespace

TEST_CASE("attention of prompts: close to the exact softmax", "[kernels]") {
  const float sink_value = 0.7f;
  for (const KernelTable* table : prompt_tables()) {
    for (const Case& test : prompt_cases()) {
      const Inputs inputs = make_inputs(test);
      const Inputs rounded = kept(test, inputs);
      const Pages pages = fill_pages(*table, test, inputs);
      for (const float* sink : {static_cast<const float*>(nullptr), &sink_value}) {
        const std::vector<float> outputs =
            attend_prompt(*table, test, inputs, pages, test.query_count, sink);
        double error = 0;
        double power = 0;
        // The exact answer takes long; every fifth row meets all heads and places in a tile.
        for (int64_t row = 0; row < test.query_count * test.heads; row += 5) {
          const std::vector<double> exact =
              exact_row(test, rounded, row / test.heads, row % test.heads, sink);
          for (size_t i = 0; i < exact.size(); ++i) {
            const double off = outputs[static_cast<size_t>(row) * exact.size() + i] - exact[i];
            error += off * off;
            power += exact[i] * exact[i];
          }
        }
        INFO(table->name << " tokens " << test.cached << " key_dim " << test.shape.key_dim);
        CHECK(error < 2e-5 * power);
      }
    }
  }
}

TEST_CASE("attention of prompts: the same bits however queries are grouped", "[kernels]") {
  for (const KernelTable* table : prompt_tables()) {
    for (const Case& test : prompt_cases()) {
      const Inputs inputs = make_inputs(test);
      const Pages pages = fill_pages(*table, test, inputs);
      const std::vector<float> whole =
          attend_prompt(*table, test, inputs, pages, test.query_count, nullptr);
      for (const int64_t together : {1, 7, 8, 31, 32}) {
        if (together > test.query_count) continue;
        INFO(table->name << " tokens " << test.cached << " key_dim " << test.shape.key_dim << ", "
                         << together << " at a time");
        CHECK(same_bits(attend_prompt(*table, test, inputs, pages, together, nullptr), whole));
      }
    }
  }
}

TEST_CASE("attention of prompts: what a query does not see may be anything", "[kernels]") {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const KernelTable* table : prompt_tables()) {
    for (const KvType type : {f16, f32}) {
      const Case test{{type, 64, 64}, 2, 300, 30, 64, 0};
      const Inputs inputs = make_inputs(test);
      Inputs poisoned = inputs;
      poisoned.values[290 * 64 + 5] = infinity;  // seen by the last ten queries only
      for (int64_t i = 299 * 64; i < 300 * 64; ++i)
        poisoned.keys[static_cast<size_t>(i)] = std::nanf("");
      const std::vector<float> expected =
          attend_prompt(*table, test, inputs, fill_pages(*table, test, inputs), 30, nullptr);
      Pages pages = fill_pages(*table, test, poisoned);
      for (size_t page = 0; page < 6; ++page) pages.pointers[page] = nullptr;  // before all windows
      const std::vector<float> outputs = attend_prompt(*table, test, poisoned, pages, 30, nullptr);
      INFO(table->name);
      CHECK(std::memcmp(outputs.data(), expected.data(), 20 * 2 * 64 * 4) == 0);
      for (size_t i = 20 * 2 * 64; i < outputs.size(); ++i) REQUIRE(!std::isfinite(outputs[i]));
    }
  }
}
