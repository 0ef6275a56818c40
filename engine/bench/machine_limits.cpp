#include "engine/bench/machine_limits.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <thread>
#include <vector>

#include "engine/backend/huge_memory.h"
#include "engine/tape/column_stride.h"
#include "engine/tensor/codec.h"
#include "engine/tensor/dtype.h"

namespace hearth::engine {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr size_t read_bytes_total = size_t{256} << 20;
constexpr int read_rounds = 3;
constexpr int64_t gemm_width = 1024;
constexpr int64_t gemm_rows = 128;
constexpr int64_t gemm_columns = 256;
constexpr Seconds gemm_time{0.15};

// Runs work(thread) on all threads, which begin together; returns the time until the last one ends.
double timed_on_all(int32_t threads, const std::function<void(int32_t)>& work) {
  std::atomic<int32_t> ready{0};
  std::atomic<bool> is_open{false};
  std::vector<std::thread> team;
  for (int32_t i = 0; i < threads; ++i) {
    team.emplace_back([&, i] {
      ready.fetch_add(1);
      while (!is_open.load()) std::this_thread::yield();
      work(i);
    });
  }
  while (ready.load() < threads) std::this_thread::yield();
  const auto begin = std::chrono::steady_clock::now();
  is_open.store(true);
  for (std::thread& thread : team) thread.join();
  return Seconds(std::chrono::steady_clock::now() - begin).count();
}

// Reads four places in turn: a core that reads only one waits for memory (docs/numerics.md).
uint64_t sum_of(std::span<const uint64_t> values) {
  constexpr size_t line = 8;
  const size_t quarter = values.size() / 4 / line * line;
  uint64_t sums[line] = {};
  for (size_t i = 0; i < quarter; i += line) {
    const uint64_t* at = values.data() + i;
    for (size_t lane = 0; lane < line; ++lane) {
      sums[lane] += at[lane] + at[quarter + lane] + at[2 * quarter + lane] + at[3 * quarter + lane];
    }
  }
  uint64_t sum = 0;
  for (const uint64_t lane : sums) sum += lane;
  return sum;
}

double measure_reading(int32_t threads) {
  const size_t part = read_bytes_total / sizeof(uint64_t) / static_cast<size_t>(threads);
  const HugeMemory memory(static_cast<int64_t>(read_bytes_total), "measuring memory speed");
  const std::span<uint64_t> buffer(static_cast<uint64_t*>(static_cast<void*>(memory.data())),
                                   part * static_cast<size_t>(threads));
  std::fill(buffer.begin(), buffer.end(), 1);
  std::atomic<uint64_t> sink{0};
  double best_s = 1e9;
  for (int round = 0; round < read_rounds; ++round) {
    best_s = std::min(
        best_s, timed_on_all(threads, [&](int32_t thread) {
          sink += sum_of(std::span(buffer).subspan(part * static_cast<size_t>(thread), part));
        }));
  }
  return static_cast<double>(buffer.size() * sizeof(uint64_t)) / best_s;
}

struct FreeDeleter {
  void operator()(void* memory) const { std::free(memory); }
};
using AlignedBytes = std::unique_ptr<std::byte, FreeDeleter>;

AlignedBytes aligned_bytes(int64_t size) {
  const size_t rounded = (static_cast<size_t>(size) + 63) / 64 * 64;
  return AlignedBytes(
      static_cast<std::byte*>(std::aligned_alloc(64, std::max<size_t>(rounded, 64))));
}

// A matrix of one format and columns for it, private to a thread.
class CachedProduct {
 public:
  CachedProduct(const KernelTable& kernels, const FormatKernels& format)
      : format_(format), output_(static_cast<size_t>(gemm_rows * gemm_columns)) {
    std::mt19937 random(1);
    std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
    std::vector<float> values(static_cast<size_t>(gemm_width));
    const int64_t row_size = row_bytes(format.type, gemm_width);
    const int64_t stride = column_stride(kernels.column_bytes(format.prompt_column, gemm_width));
    weight_ = aligned_bytes(row_size * gemm_rows);
    columns_ = aligned_bytes(stride * gemm_columns);
    scratch_ = aligned_bytes(kernels.linear_scratch_bytes);
    for (int64_t row = 0; row < gemm_rows; ++row) {
      for (float& value : values) value = uniform(random);
      encode(format.type, values, {weight_.get() + row * row_size, static_cast<size_t>(row_size)});
    }
    for (int64_t column = 0; column < gemm_columns; ++column) {
      for (float& value : values) value = uniform(random);
      kernels.prepare_column(format.prompt_column, values.data(), gemm_width,
                             columns_.get() + column * stride);
    }
    args_ = {.weight = weight_.get(),
             .row_bytes = row_size,
             .width = gemm_width,
             .row_begin = 0,
             .row_end = gemm_rows,
             .columns = columns_.get(),
             .column_stride_bytes = stride,
             .column_count = gemm_columns,
             .output = output_.data(),
             .output_stride = gemm_rows,
             .scratch = scratch_.get()};
  }
  void run() const { format_.prompt(args_); }

 private:
  const FormatKernels& format_;
  std::vector<float> output_;
  AlignedBytes weight_, columns_, scratch_;
  LinearArgs args_{};
};

double measure_product(const KernelTable& kernels, const FormatKernels& format, int32_t threads) {
  std::atomic<int64_t> products{0};
  timed_on_all(threads, [&](int32_t) {
    const CachedProduct product(kernels, format);
    const auto begin = std::chrono::steady_clock::now();
    int64_t count = 0;
    do {
      product.run();
      ++count;
    } while (std::chrono::steady_clock::now() - begin < gemm_time);
    products += count;
  });
  const double operations = 2.0 * gemm_width * gemm_rows * gemm_columns;
  return static_cast<double>(products.load()) * operations / gemm_time.count();
}

}  // namespace

MachineLimits measure_limits(const KernelTable& kernels, int32_t threads) {
  MachineLimits limits;
  limits.read_bytes_per_s = measure_reading(threads);
  // A format that costs little to unpack, and is multiplied as bytes by every table.
  limits.int8_ops_per_s = measure_product(kernels, *find_format(kernels, DType::q4_0), threads);
  limits.bf16_ops_per_s = measure_product(kernels, *find_format(kernels, DType::bf16), threads);
  return limits;
}

}  // namespace hearth::engine
