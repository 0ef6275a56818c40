// How fast the kernels are beside what the machine can do: decode at 1..32 columns against the
// speed of reading memory, prompts in int8 operations per second, attention, and the small
// operations. Figures: docs/numerics.md.
//
//   kernels_bench [--isa NAME] [--threads N] [--only WORD] [--smoke] [--huge]
//
// Every decode figure is the median of rounds that alternate with the plain reading loop, so that a
// busy machine slows both. Weights lie in 4 KiB pages as those of a mapped file do; --huge asks for
// large ones.
#include <fmt/core.h>
#include <sys/mman.h>
#include <time.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/kernels/kernels.h"
#include "engine/kv_type.h"
#include "engine/tape/column_stride.h"
#include "engine/tensor/codec.h"
#include "tests/support/kernel_tables.h"
#include "tests/support/random_blocks.h"

using namespace hearth::engine;

namespace {

struct Options {
  const KernelTable* table = find_kernels("");
  int threads = 2;
  std::string only;
  bool smoke = false;
  bool huge = false;
};

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Processor time of the calling thread: what others take from it on a busy machine does not count.
double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Runs `work(thread)` on all threads at once; the longest processor time of a thread.
double timed(int threads, const std::function<void(int)>& work) {
  std::barrier start(threads);
  std::vector<std::thread> team;
  std::vector<double> seconds(static_cast<size_t>(threads));
  for (int t = 0; t < threads; ++t) {
    team.emplace_back([&, t] {
      start.arrive_and_wait();
      const double begin = thread_seconds();
      work(t);
      seconds[static_cast<size_t>(t)] = thread_seconds() - begin;
    });
  }
  for (std::thread& thread : team) thread.join();
  return *std::max_element(seconds.begin(), seconds.end());
}

class Mapping {
 public:
  Mapping(size_t size, bool huge) : size_(size) {
    data_ = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data_ == MAP_FAILED) std::abort();
    madvise(data_, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  }
  ~Mapping() { munmap(data_, size_); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  std::byte* data() const { return static_cast<std::byte*>(data_); }
  size_t size() const { return size_; }

 private:
  void* data_;
  size_t size_;
};

// A matrix of about `bytes` bytes of sensible weights: random ones, repeated.
struct Matrix {
  DType type;
  Layout layout;
  int64_t width, rows;
  Mapping memory;

  Matrix(const FormatKernels& format, Layout order, int64_t columns, int64_t bytes, bool huge)
      : Matrix(format.type, order, columns, bytes, huge) {
    if (layout == Layout::tiles) {
      const size_t piece = static_cast<size_t>(tile_rows * row_bytes(type, width));
      const std::vector<std::byte> first(memory.data(), memory.data() + piece);
      format.pack(first.data(), tile_rows, width, memory.data());
      repeat(piece);
    }
  }

 private:
  Matrix(DType dtype, Layout order, int64_t columns, int64_t bytes, bool huge)
      : type(dtype),
        layout(order),
        width(columns),
        rows(std::max<int64_t>(64, bytes / row_bytes(dtype, columns) / 64 * 64)),
        memory(static_cast<size_t>(rows * row_bytes(dtype, columns)), huge) {
    std::mt19937 random(1);
    const size_t piece = static_cast<size_t>(16 * row_bytes(type, width));
    if (info(type).block_values > 1) {
      fill_random_blocks(type, {memory.data(), piece}, random);
    } else {
      std::normal_distribution<float> normal(0.0f, 0.05f);
      std::vector<float> values(static_cast<size_t>(width * 16));
      for (float& value : values) value = normal(random);
      encode(type, values, {memory.data(), piece});
    }
    repeat(piece);
  }
  // The first `piece` bytes again and again.
  void repeat(size_t piece) {
    for (size_t at = piece; at < memory.size(); at += piece)
      std::memcpy(memory.data() + at, memory.data(), std::min(piece, memory.size() - at));
  }
};

std::vector<Layout> layouts_of(const FormatKernels& format) {
  if (format.pack == nullptr) return {Layout::rows};
  return {Layout::rows, Layout::tiles};
}
const char* name_of(Layout layout) {
  return layout == Layout::tiles ? "tiles" : "rows";
}

// Sum of all bytes as 64-bit words, eight at a time: as fast as the memory goes.
uint64_t read_all(const std::byte* data, size_t size) {
  using Words = uint64_t __attribute__((vector_size(64), aligned(1), may_alias));
  Words sums[4] = {};
  for (size_t at = 0; at + 256 <= size; at += 256) {
    for (size_t i = 0; i < 4; ++i) sums[i] += *reinterpret_cast<const Words*>(data + at + 64 * i);
  }
  const Words sum = sums[0] + sums[1] + sums[2] + sums[3];
  return sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] + sum[7];
}

volatile uint64_t sink;

double read_seconds(const Matrix& matrix, int threads) {
  const size_t part = matrix.memory.size() / static_cast<size_t>(threads);
  return timed(threads, [&](int t) {
    sink = read_all(matrix.memory.data() + part * static_cast<size_t>(t), part);
  });
}

struct Columns {
  int64_t stride;
  AlignedBytes data;

  Columns(const KernelTable& table, ColumnKind kind, int64_t width, int64_t count)
      : stride(column_stride(table.column_bytes(kind, width))), data(stride * count) {
    std::mt19937 random(2);
    std::normal_distribution<float> normal;
    std::vector<float> x(static_cast<size_t>(width));
    for (int64_t c = 0; c < count; ++c) {
      for (float& value : x) value = normal(random);
      table.prepare_column(kind, x.data(), width, data.data() + c * stride);
    }
  }
};

// The whole matrix times `count` columns, each thread an even share of the rows.
double linear_seconds(const Options& options, const Matrix& matrix, int64_t count, int threads) {
  const FormatKernels& format = *find_format(*options.table, matrix.type);
  const ColumnKind kind = count > 32 ? format.prompt_column : format.column;
  Columns columns(*options.table, kind, matrix.width, count);
  std::vector<float> output(static_cast<size_t>(matrix.rows * count));
  return timed(threads, [&](int t) {
    AlignedBytes scratch(options.table->linear_scratch_bytes);
    const int64_t share = (matrix.rows / threads + 31) / 32 * 32;
    const int64_t end = std::min(matrix.rows, share * (t + 1));
    // Prompts go in pieces that stay in the second-level cache, decoding in one run.
    const int64_t piece = count > 32 ? 128 : share;
    for (int64_t row = share * t; row < end; row += piece) {
      const LinearArgs args{matrix.memory.data(),
                            row_bytes(matrix.type, matrix.width),
                            matrix.width,
                            row,
                            std::min(end, row + piece),
                            columns.data.data(),
                            columns.stride,
                            count,
                            output.data(),
                            matrix.rows,
                            scratch.data(),
                            0,
                            matrix.layout};
      (count > 32 ? format.prompt : format.decode)(args);
    }
  });
}

constexpr DType bench_types[] = {
    DType::q4_k,   DType::q5_k,  DType::q6_k,  DType::q8_0,    DType::q4_0,  DType::f16,
    DType::q4_1,   DType::q5_0,  DType::q5_1,  DType::q2_k,    DType::q3_k,  DType::iq4_nl,
    DType::iq4_xs, DType::mxfp4, DType::nvfp4, DType::iq2_xxs, DType::iq2_s, DType::iq3_xxs,
    DType::iq3_s,  DType::iq1_s, DType::iq1_m, DType::tq1_0,   DType::tq2_0,
};

bool wanted(const Options& options, const std::string& name) {
  return options.only.empty() || name.find(options.only) != std::string::npos;
}

void bench_decode(const Options& options, const FormatKernels& format, Layout layout) {
  const Matrix matrix(format, layout, 2048, options.smoke ? 1 << 20 : 320 << 20, options.huge);
  const double gigabytes = static_cast<double>(matrix.memory.size()) * 1e-9;
  for (int threads = 1; threads <= options.threads; threads *= 2) {
    std::string line =
        fmt::format("  {:5} {:5} {} threads:", info(format.type).name, name_of(layout), threads);
    std::vector<double> reads;
    for (const int64_t count : {1, 2, 4, 8, 16, 32}) {
      std::vector<double> times, ratios;
      for (int round = 0; round < (options.smoke ? 1 : 5); ++round) {
        const double read = read_seconds(matrix, threads);
        times.push_back(linear_seconds(options, matrix, count, threads));
        ratios.push_back(read / times.back());
        reads.push_back(read);
      }
      line += fmt::format("  {}: {:.1f} ({:.0f} %)", count, gigabytes / median(times),
                          100 * median(ratios));
    }
    fmt::print("{}  read {:.1f}\n", line, gigabytes / median(reads));
    std::fflush(stdout);
  }
}

void bench_decode(const Options& options) {
  fmt::print("decode, GB/s of weights (share of the reading loop's), {}\n", options.table->name);
  for (const DType type : bench_types) {
    if (!wanted(options, fmt::format("decode {}", info(type).name))) continue;
    const FormatKernels& format = *find_format(*options.table, type);
    for (const Layout layout : layouts_of(format)) bench_decode(options, format, layout);
  }
}

void bench_prompt(const Options& options) {
  fmt::print("prompt, 512 columns, TOPS (2 per multiplication), best of 15 rounds, {}\n",
             options.table->name);
  for (const DType type : bench_types) {
    if (!wanted(options, fmt::format("prompt {}", info(type).name))) continue;
    const FormatKernels& format = *find_format(*options.table, type);
    for (const int64_t width : {2048, 8192}) {
      const Matrix matrix(format, layouts_of(format).back(), width,
                          options.smoke ? 1 << 18 : 24 << 20, options.huge);
      std::string line = fmt::format("  {:5} width {}:", info(type).name, width);
      for (int threads = 1; threads <= options.threads; threads *= 2) {
        std::vector<double> times;
        for (int round = 0; round < (options.smoke ? 1 : 15); ++round) {
          times.push_back(linear_seconds(options, matrix, options.smoke ? 40 : 512, threads));
        }
        const double operations = 2.0 * 512 * static_cast<double>(matrix.width * matrix.rows);
        line += fmt::format("  {} threads {:.3f}", threads,
                            operations / *std::min_element(times.begin(), times.end()) * 1e-12);
      }
      fmt::print("{}\n", line);
      std::fflush(stdout);
    }
  }
}

// Caches of `kv_heads` KV heads of 64 with `tokens` tokens each.
struct Caches {
  const KernelTable& table;
  KvHeadShape shape;
  int64_t tokens, kv_heads, bytes;
  Mapping memory;
  std::vector<float> values = std::vector<float>(1 << 16);

  Caches(const Options& options, KvType type, int64_t count, int64_t heads)
      : table(*options.table),
        shape{type, 64, 64},
        tokens(count),
        kv_heads(heads),
        bytes(table.kv_head_bytes(shape)),
        memory(static_cast<size_t>(bytes * (count / page_tokens) * heads), options.huge) {
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    for (float& value : values) value = normal(random);
    for (int64_t i = 0; i < tokens / page_tokens * kv_heads; ++i) {
      for (int64_t slot = 0; slot < page_tokens; ++slot) {
        table.store_kv(shape, values.data() + slot * 64, values.data() + 64 * (slot % 7), slot,
                       memory.data() + i * bytes);
      }
    }
  }

  // Query tokens [first, first + count) with 4 heads each over everything up to them.
  void attend(bool is_prompt, int64_t head, int64_t first, int64_t count, float* state,
              void* scratch) const {
    const int64_t rows = count * 4;
    const int64_t last = first + count - 1;
    if (is_prompt) {
      std::fill_n(state, rows, -INFINITY);
      std::fill_n(state + rows, rows * 65, 0.0f);
    }
    std::vector<const void*> pages(segment_pages);
    for (int64_t p = 0; p * page_tokens <= last; p += segment_pages) {
      AttentionArgs args{};
      args.queries = values.data();
      args.query_token_stride = 256;
      args.query_token_count = static_cast<int32_t>(count);
      args.group_heads = 4;
      args.shape = shape;
      args.pages = pages.data();
      args.page_count = static_cast<int32_t>(std::min(segment_pages, last / page_tokens + 1 - p));
      for (int64_t i = 0; i < args.page_count; ++i) {
        pages[static_cast<size_t>(i)] =
            memory.data() + (head * (tokens / page_tokens) + p + i) * bytes;
      }
      args.segment_start = p * page_tokens;
      args.query_start = first;
      args.scale = 0.125f;
      args.state_max = state;
      args.state_sum = state + rows;
      args.state_out = state + 2 * rows;
      args.scratch = scratch;
      (is_prompt ? table.attention_prompt : table.attention_segment)(args);
    }
  }
};

std::string name_of(KvType type) {
  return std::string(kv_type_name(type));
}

// The last `query_count` tokens of `tokens`, as a prompt.
void bench_attention_prompt(const Options& options, KvType type, int64_t tokens,
                            int64_t query_count) {
  const Caches caches(options, type, tokens, options.smoke ? 1 : 8);
  const bool is_prompt = options.table->attention_prompt != nullptr;
  const int64_t together =
      (is_prompt ? options.table->prompt_query_rows : attention_queries_max) / 4;
  const int64_t parts = (query_count + together - 1) / together;
  std::vector<double> times;
  for (int round = 0; round < (options.smoke ? 1 : 5); ++round) {
    times.push_back(timed(options.threads, [&](int t) {
      AlignedBytes scratch(options.table->attention_scratch_bytes);
      std::vector<float> state(static_cast<size_t>(together * 4 * 66));
      for (int64_t item = t; item < parts * caches.kv_heads; item += options.threads) {
        const int64_t done = item / caches.kv_heads * together;
        caches.attend(is_prompt, item % caches.kv_heads, tokens - query_count + done,
                      std::min(together, query_count - done), state.data(), scratch.data());
      }
    }));
  }
  const double seconds = *std::min_element(times.begin(), times.end());
  const auto queries = static_cast<double>(query_count);
  const double seen = queries * (static_cast<double>(tokens) - (queries - 1) / 2);
  const double operations = 4.0 * 64 * 4 * seen * static_cast<double>(caches.kv_heads);
  fmt::print("  {} {} queries x 4 heads at the end of {} tokens: {:.1f} GFLOPS\n", name_of(type),
             query_count, tokens, operations / seconds * 1e-9);
  std::fflush(stdout);
}

void bench_attention_decode(const Options& options, KvType type, int64_t tokens) {
  const Caches caches(options, type, tokens, options.smoke ? 1 : (int64_t{1} << 20) / tokens);
  std::vector<double> times;
  std::vector<double> reads;
  for (int round = 0; round < (options.smoke ? 1 : 9); ++round) {
    const size_t part = caches.memory.size() / static_cast<size_t>(options.threads);
    reads.push_back(timed(options.threads, [&](int t) {
      sink = read_all(caches.memory.data() + part * static_cast<size_t>(t), part);
    }));
    times.push_back(timed(options.threads, [&](int t) {
      AlignedBytes scratch(options.table->attention_scratch_bytes);
      std::vector<float> state(4 * 66);
      for (int64_t head = t; head < caches.kv_heads; head += options.threads)
        caches.attend(false, head, tokens - 1, 1, state.data(), scratch.data());
    }));
  }
  const auto gigabytes = static_cast<double>(caches.memory.size()) * 1e-9;
  fmt::print(
      "  {} 1 query x 4 heads at the end of {} tokens: {:.1f} GB/s of cache, {:.1f} read in a "
      "loop\n",
      name_of(type), tokens, gigabytes / median(times), gigabytes / median(reads));
  std::fflush(stdout);
}

void bench_small(const Options& options) {
  const KernelTable& table = *options.table;
  const int64_t width = 2048;
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  std::vector<float> a(width), b(width), y(width), angles(64);
  for (float& value : a) value = normal(random);
  for (float& value : b) value = normal(random);
  AlignedBytes column(table.column_bytes(ColumnKind::q8, width));
  const auto report = [&](const char* name, const std::function<void()>& work) {
    const int repeat = options.smoke ? 1 : 20000;
    const double begin = seconds_now();
    for (int i = 0; i < repeat; ++i) work();
    fmt::print("  {}: {:.3f} us\n", name, (seconds_now() - begin) / repeat * 1e6);
  };
  fmt::print("small operations on {} values, one thread\n", width);
  report("rms_norm", [&] { table.rms_norm(a.data(), b.data(), width, 1e-5f, y.data()); });
  report("quantize", [&] { table.prepare_column(ColumnKind::q8, a.data(), width, column.data()); });
  report("gate silu", [&] { table.gate(GateKind::silu, a.data(), b.data(), width, y.data()); });
  report("gate gelu_tanh",
         [&] { table.gate(GateKind::gelu_tanh, a.data(), b.data(), width, y.data()); });
  report("rope of 32 heads of 64", [&] {
    for (int64_t head = 0; head < 32; ++head)
      table.rope(a.data() + 64 * head, angles.data(), 32, RopeStyle::halves);
  });
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--smoke") {
      options.smoke = true;
    } else if (word == "--huge") {
      options.huge = true;
    } else if (i + 1 < argc && word == "--isa") {
      options.table = find_kernels(argv[++i]);
    } else if (i + 1 < argc && word == "--threads") {
      options.threads = std::max(1, std::atoi(argv[++i]));
    } else if (i + 1 < argc && word == "--only") {
      options.only = argv[++i];
    } else {
      return false;
    }
  }
  return options.table != nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    fmt::print(stderr,
               "kernels_bench [--isa NAME] [--threads N] [--only WORD] [--smoke] "
               "[--huge]\n");
    return 2;
  }
  if (wanted(options, "decode") || options.only.find("decode") == 0) bench_decode(options);
  if (wanted(options, "prompt") || options.only.find("prompt") == 0) bench_prompt(options);
  if (wanted(options, "attention")) {
    fmt::print("attention, {} threads, {}\n", options.threads, options.table->name);
    for (const KvType type : {KvType::f16, KvType::q8_0, KvType::q4_0, KvType::f32}) {
      bench_attention_prompt(options, type, 512, options.smoke ? 5 : 512);
      if (options.smoke) continue;
      bench_attention_prompt(options, type, 2048, 2048);
      bench_attention_prompt(options, type, 8192, 512);
    }
    for (const KvType type : {KvType::f16, KvType::q8_0, KvType::q4_0}) {
      for (const int64_t tokens : {4096, 16384})
        bench_attention_decode(options, type, options.smoke ? 512 : tokens);
    }
  }
  if (wanted(options, "small")) bench_small(options);
  return 0;
}
