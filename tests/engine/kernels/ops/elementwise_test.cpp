// Elementwise operations, rms_norm and rope: close to double precision, and the same bits on every
// kernel table.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>

#include "engine/kernels/kernels.h"
#include "tests/support/kernel_tables.h"

using namespace hearth::engine;

namespace {

using Operation = std::function<void(const KernelTable&, float* y)>;

// Runs on every table, demands the same bits, returns the result.
std::vector<float> run_all(size_t count, const Operation& operation) {
  std::vector<float> first;
  for (const KernelTable* table : tables()) {
    std::vector<float> y(count, 0.0f);
    operation(*table, y.data());
    if (first.empty()) first = y;
    INFO(table->name);
    REQUIRE(std::memcmp(first.data(), y.data(), count * 4) == 0);
  }
  return first;
}

std::vector<float> random_values(size_t count, float size) {
  std::mt19937 random(static_cast<uint32_t>(count));
  std::normal_distribution<float> normal(0.0f, size);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

}  // namespace

TEST_CASE("gate: silu and tanh gelu, every length", "[kernels]") {
  for (const size_t count : {1u, 15u, 16u, 17u, 100u, 2048u}) {
    std::vector<float> a = random_values(count, 4.0f);
    if (count > 99) a[3] = -200.0f, a[4] = 200.0f, a[5] = 0.0f;
    const std::vector<float> b = random_values(count, 1.0f);
    const auto gated = [&](GateKind kind) {
      return run_all(count, [&](const KernelTable& table, float* y) {
        table.gate(kind, a.data(), b.data(), static_cast<int64_t>(count), y);
      });
    };
    const std::vector<float> silu = gated(GateKind::silu);
    const std::vector<float> gelu = gated(GateKind::gelu_tanh);
    const std::vector<float> squares = gated(GateKind::relu_squared);
    for (size_t i = 0; i < count; ++i) {
      const double x = a[i];
      const double u = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
      const double exact_silu = x / (1 + std::exp(-x)) * b[i];
      const double exact_gelu = 0.5 * x * (1 + std::tanh(u)) * b[i];
      INFO(x);
      CHECK(squares[i] == std::max(a[i], 0.0f) * std::max(a[i], 0.0f) * b[i]);
      CHECK(std::abs(silu[i] - exact_silu) <= 1e-6 * std::abs(exact_silu) + 1e-30);
      // The exponent is 2 u itself: its rounding error grows with it, where the result is close to
      // nothing.
      CHECK(std::abs(gelu[i] - exact_gelu) <=
            2e-6 * (1 + std::abs(u)) * std::abs(exact_gelu) + 1e-15);
    }
  }
}

TEST_CASE("gate: the clamped swiglu clamps both halves", "[kernels]") {
  std::vector<float> a = random_values(101, 6.0f);
  std::vector<float> b = random_values(103, 6.0f);
  a[0] = 7.0f, a[1] = 100.0f, a[2] = -100.0f, b[3] = 100.0f, b[4] = -100.0f;
  const std::vector<float> y = run_all(a.size(), [&](const KernelTable& table, float* out) {
    table.gate(GateKind::clamped_swiglu, a.data(), b.data(), static_cast<int64_t>(a.size()), out);
  });
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = std::min<double>(a[i], 7);
    const double exact = x / (1 + std::exp(-1.702 * x)) * (std::clamp<double>(b[i], -7, 7) + 1);
    CHECK(std::abs(y[i] - exact) <= 2e-6 * std::abs(exact) + 1e-12);
  }
}

TEST_CASE("softmax, in place too, and add_scaled", "[kernels]") {
  for (const size_t count : {1u, 2u, 15u, 16u, 17u, 128u}) {
    std::vector<float> x = random_values(count, 8.0f);
    if (count > 16) x[3] = 300.0f, x[4] = -300.0f;
    const std::vector<float> y = run_all(count, [&](const KernelTable& table, float* out) {
      std::copy(x.begin(), x.end(), out);
      table.softmax(out, static_cast<int64_t>(count), out);
    });
    double sum = 0;
    for (const float value : x)
      sum += std::exp(static_cast<double>(value - *std::max_element(x.begin(), x.end())));
    for (size_t i = 0; i < count; ++i) {
      const double exact =
          std::exp(static_cast<double>(x[i] - *std::max_element(x.begin(), x.end()))) / sum;
      CHECK(std::abs(y[i] - exact) <= 1e-6 * exact + 1e-37);
    }
    const std::vector<float> added = run_all(count, [&](const KernelTable& table, float* out) {
      std::copy(y.begin(), y.end(), out);
      table.add_scaled(x.data(), 0.37f, static_cast<int64_t>(count), out);
    });
    for (size_t i = 0; i < count; ++i) CHECK(added[i] == std::fma(0.37f, x[i], y[i]));
  }
}

TEST_CASE("exp: relative error below 2e-7 over its range", "[kernels]") {
  // silu(x) = x / (1 + exp(-x)): for very negative x it is x * exp(x), which shows exp alone.
  std::vector<float> a, ones;
  for (float x = -86.0f; x < -30.0f; x += 0.0137f) a.push_back(x);
  ones.assign(a.size(), 1.0f);
  const std::vector<float> y = run_all(a.size(), [&](const KernelTable& table, float* out) {
    table.gate(GateKind::silu, a.data(), ones.data(), static_cast<int64_t>(a.size()), out);
  });
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double exact = a[i] / (1 + std::exp(-static_cast<double>(a[i])));
    worst = std::max(worst, std::abs(y[i] / exact - 1));
  }
  // Three roundings of the gate itself are inside.
  CHECK(worst < 2e-7 + 3 * 6e-8);
}

TEST_CASE("soft_cap: tanh small and large", "[kernels]") {
  std::vector<float> a = random_values(333, 40.0f);
  a[0] = 0.0f, a[1] = 1e-4f, a[2] = -1e-4f, a[3] = 1e6f, a[4] = -1e6f;
  const std::vector<float> y = run_all(a.size(), [&](const KernelTable& table, float* out) {
    table.soft_cap(a.data(), 30.0f, static_cast<int64_t>(a.size()), out);
  });
  for (size_t i = 0; i < a.size(); ++i) {
    const double exact = 30.0 * std::tanh(a[i] / 30.0);
    CHECK(std::abs(y[i] - exact) <= 1e-6 * std::abs(exact));
  }
}

TEST_CASE("add and scale, in place too", "[kernels]") {
  for (const size_t count : {1u, 16u, 45u}) {
    const std::vector<float> a = random_values(count, 1.0f);
    const std::vector<float> b = random_values(count + 1, 1.0f);
    const std::vector<float> y = run_all(count, [&](const KernelTable& table, float* out) {
      std::copy(a.begin(), a.end(), out);
      table.add(out, b.data(), static_cast<int64_t>(count), out);
      table.scale(out, 3.0f, static_cast<int64_t>(count), out);
    });
    for (size_t i = 0; i < count; ++i) CHECK(y[i] == (a[i] + b[i]) * 3.0f);
  }
}

TEST_CASE("rms_norm with and without weight", "[kernels]") {
  for (const size_t width : {1u, 8u, 16u, 64u, 288u, 2049u}) {
    const std::vector<float> x = random_values(width, 3.0f);
    const std::vector<float> weight = random_values(width + 3, 1.0f);
    double squares = 0;
    for (const float value : x) squares += static_cast<double>(value) * value;
    const double factor = 1 / std::sqrt(squares / static_cast<double>(width) + 1e-5);
    for (const float* w : {weight.data(), static_cast<const float*>(nullptr)}) {
      const std::vector<float> y = run_all(width, [&](const KernelTable& table, float* out) {
        std::copy(x.begin(), x.end(), out);
        table.rms_norm(out, w, static_cast<int64_t>(width), 1e-5f, out);
      });
      for (size_t i = 0; i < width; ++i) {
        const double exact = x[i] * factor * (w != nullptr ? w[i] : 1.0f);
        CHECK(std::abs(y[i] - exact) <= 1e-6 * std::abs(exact));
      }
    }
  }
}

TEST_CASE("layer_norm with and without weight and bias", "[kernels]") {
  for (const size_t width : {1u, 8u, 16u, 64u, 289u, 2049u}) {
    std::vector<float> x = random_values(width, 3.0f);
    for (float& value : x) value += 5.0f;
    const std::vector<float> weight = random_values(width + 3, 1.0f);
    const std::vector<float> bias = random_values(width + 5, 1.0f);
    double mean = 0;
    for (const float value : x) mean += value / static_cast<double>(width);
    double squares = 0;
    for (const float value : x) squares += (value - mean) * (value - mean);
    const double factor = 1 / std::sqrt(squares / static_cast<double>(width) + 1e-5);
    const float* const none = nullptr;
    const std::pair<const float*, const float*> cases[] = {
        {weight.data(), bias.data()}, {weight.data(), none}, {none, none}};
    for (const auto& pair : cases) {
      const float* const w = pair.first;
      const float* const b = pair.second;
      const std::vector<float> y = run_all(width, [&](const KernelTable& table, float* out) {
        std::copy(x.begin(), x.end(), out);
        table.layer_norm(out, w, b, static_cast<int64_t>(width), 1e-5f, out);
      });
      for (size_t i = 0; i < width; ++i) {
        const double exact =
            (x[i] - mean) * factor * (w != nullptr ? w[i] : 1.0f) + (b != nullptr ? b[i] : 0.0f);
        CHECK(std::abs(y[i] - exact) <= 1e-5);
      }
    }
  }
}

TEST_CASE("an activation is a gate of ones", "[kernels]") {
  const std::vector<float> a = random_values(101, 3.0f);
  const std::vector<float> ones(a.size(), 1.0f);
  for (const GateKind kind : {GateKind::silu, GateKind::gelu_tanh, GateKind::relu_squared}) {
    const auto gated = [&](const float* b) {
      return run_all(a.size(), [&](const KernelTable& table, float* out) {
        table.gate(kind, a.data(), b, static_cast<int64_t>(a.size()), out);
      });
    };
    CHECK(gated(nullptr) == gated(ones.data()));
  }
}

TEST_CASE("rope: both styles, pairs that do not fill a vector", "[kernels]") {
  for (const size_t pairs : {1u, 4u, 8u, 12u, 16u, 32u, 40u, 64u}) {
    const std::vector<float> head = random_values(2 * pairs, 1.0f);
    std::vector<float> cos_sin;
    for (size_t i = 0; i < pairs; ++i) {
      cos_sin.push_back(std::cos(static_cast<float>(i)));
      cos_sin.push_back(std::sin(static_cast<float>(i)));
    }
    for (const RopeStyle style : {RopeStyle::adjacent, RopeStyle::halves}) {
      const std::vector<float> y =
          run_all(2 * pairs + 5, [&](const KernelTable& table, float* out) {
            std::copy(head.begin(), head.end(), out);
            table.rope(out, cos_sin.data(), static_cast<int64_t>(pairs), style);
          });
      for (size_t i = 0; i < pairs; ++i) {
        const size_t first = style == RopeStyle::adjacent ? 2 * i : i;
        const size_t second = style == RopeStyle::adjacent ? 2 * i + 1 : i + pairs;
        const float c = cos_sin[2 * i], s = cos_sin[2 * i + 1];
        CHECK(y[first] == Approx(head[first] * c - head[second] * s).margin(1e-6));
        CHECK(y[second] == Approx(head[first] * s + head[second] * c).margin(1e-6));
      }
      for (size_t i = 2 * pairs; i < y.size(); ++i) CHECK(y[i] == 0.0f);
    }
  }
}
