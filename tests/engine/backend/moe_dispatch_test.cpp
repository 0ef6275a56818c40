// A tape that is nothing but a router and its experts, against plain loops, and each row alone
// against all rows together.
#include "engine/backend/moe_dispatch.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "engine/backend/cpu_backend.h"
#include "engine/tensor/codec.h"

namespace hearth::engine {
namespace {

constexpr int64_t width = 64;
constexpr int64_t hidden = 96;
constexpr int32_t experts = 6;
constexpr int32_t used = 3;
constexpr int64_t vocab = 20;

// Random weights as floats and as a matrix of some type.
struct Matrix {
  std::vector<float> values;
  std::vector<std::byte> bytes;
  Weight weight;

  Matrix(DType type, int64_t columns, int64_t rows, uint32_t seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> uniform(-0.5F, 0.5F);
    values.resize(static_cast<size_t>(columns * rows));
    for (float& value : values) value = uniform(random);
    bytes.resize(static_cast<size_t>(rows * row_bytes(type, columns)));
    encode(type, values, bytes);
    weight = {type, Layout::rows, bytes.data(), columns, rows, row_bytes(type, columns)};
  }
  // Row `row` times x.
  double dot(int64_t row, const std::vector<double>& x) const {
    double sum = 0;
    for (size_t i = 0; i < x.size(); ++i)
      sum += x[i] * values[static_cast<size_t>(row) * x.size() + i];
    return sum;
  }
};

struct MoeModel {
  explicit MoeModel(DType type)
      : table(DType::f32, width, vocab, 1),
        router(DType::f32, width, experts, 2),
        gate(type, width, hidden * experts, 3),
        up(type, width, hidden * experts, 4),
        down(type, hidden, width * experts, 5),
        bias(DType::f32, width * experts, 1, 6),
        shared_gate(DType::f32, width, 1, 7) {}

  // The experts' outputs for `tokens`, of several threads, [tokens, width].
  std::vector<float> run(const std::vector<TokenId>& tokens, int32_t threads) const {
    Tape tape;
    const BufferId x = tape.get_row(tape.add_weight(table.weight), 1.0F);
    const auto linear = [&](const Matrix& matrix) {
      return tape.linear(x, tape.add_weight(matrix.weight), no_weight, no_adapter_slot);
    };
    Moe moe;
    moe.in = x;
    moe.logits = linear(router);
    moe.gate = {tape.add_weight(gate.weight), no_weight};
    moe.up = {tape.add_weight(up.weight), no_weight};
    moe.down = {tape.add_weight(down.weight), tape.add_weight(bias.weight)};
    moe.count = experts;
    moe.used = used;
    moe.gating = gating;
    moe.renormalizes = renormalizes;
    moe.scale = 1.5F;
    moe.shared = x;
    moe.shared_gate = linear(shared_gate);
    const BufferId out = tape.select_rows(tape.moe(moe));
    tape.set_hidden(out);
    tape.set_logits(out);

    const auto count = static_cast<int32_t>(tokens.size());
    CpuBackend::Options options;
    options.kernels = find_kernels("");
    options.threads = threads;
    options.sizes = {count, count};
    CpuBackend backend(std::move(tape), options);
    StepPlan plan;
    plan.sequences.push_back({0, count, 0, Role::prompt, -1, 1.0F, {}});
    plan.tokens = tokens;
    for (int32_t i = 0; i < count; ++i) {
      plan.positions.push_back({i, i, i});
      plan.output_tokens.push_back(i);
    }
    std::vector<float> rows(tokens.size() * width);
    REQUIRE(backend.run(plan, {}, rows, {}));
    return rows;
  }

  std::vector<double> expected(TokenId token) const {
    const auto* start = table.values.data() + token * width;
    const std::vector<double> x(start, start + width);
    std::vector<double> shares(experts);
    for (int32_t e = 0; e < experts; ++e)
      shares[static_cast<size_t>(e)] = std::exp(router.dot(e, x));
    std::vector<int32_t> order(experts);
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      return shares[static_cast<size_t>(a)] > shares[static_cast<size_t>(b)];
    });
    const bool over_chosen = renormalizes || gating == ExpertGating::softmax_of_chosen;
    double sum = 0;
    for (int32_t i = 0; i < (over_chosen ? used : experts); ++i)
      sum += shares[static_cast<size_t>(order[static_cast<size_t>(i)])];
    const double sigmoid = 1 / (1 + std::exp(-shared_gate.dot(0, x)));
    std::vector<double> out(x);
    for (double& value : out) value *= sigmoid;
    for (int32_t i = 0; i < used; ++i) {
      const int32_t e = order[static_cast<size_t>(i)];
      std::vector<double> h(hidden);
      for (int64_t r = 0; r < hidden; ++r) {
        const double a = gate.dot(e * hidden + r, x);
        h[static_cast<size_t>(r)] = a / (1 + std::exp(-a)) * up.dot(e * hidden + r, x);
      }
      for (int64_t r = 0; r < width; ++r) {
        const double y =
            down.dot(e * width + r, h) + bias.values[static_cast<size_t>(e * width + r)];
        out[static_cast<size_t>(r)] += 1.5 * shares[static_cast<size_t>(e)] / sum * y;
      }
    }
    return out;
  }

  Matrix table, router, gate, up, down, bias, shared_gate;
  ExpertGating gating = ExpertGating::softmax;
  bool renormalizes = false;
};

std::vector<TokenId> all_tokens() {
  std::vector<TokenId> tokens(vocab);
  std::iota(tokens.begin(), tokens.end(), 0);
  return tokens;
}

}  // namespace

TEST_CASE("moe: the chosen experts' weighted sum, however shares are made") {
  for (const auto& [gating, renormalizes] : {std::pair{ExpertGating::softmax, false},
                                             {ExpertGating::softmax, true},
                                             {ExpertGating::softmax_of_chosen, false}}) {
    MoeModel model(DType::f32);
    model.gating = gating;
    model.renormalizes = renormalizes;
    const std::vector<float> rows = model.run(all_tokens(), 2);
    for (TokenId token : all_tokens()) {
      const std::vector<double> expected = model.expected(token);
      for (size_t i = 0; i < width; ++i) {
        REQUIRE(rows[static_cast<size_t>(token) * width + i] == Approx(expected[i]).margin(2e-5));
      }
    }
  }
}

TEST_CASE("moe: a row gives the same bits alone and among others, on any number of threads") {
  for (const DType type : {DType::f32, DType::q8_0}) {
    const MoeModel model(type);
    const std::vector<float> together = model.run(all_tokens(), 1);
    CHECK(model.run(all_tokens(), 3) == together);
    for (TokenId token : all_tokens()) {
      const auto first = together.begin() + token * width;
      REQUIRE(model.run({token}, 2) == std::vector<float>(first, first + width));
    }
  }
}

}  // namespace hearth::engine
