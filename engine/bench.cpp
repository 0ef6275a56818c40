#include "engine/bench.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <utility>

#include "base/error.h"
#include "engine/backend/available_memory.h"
#include "engine/backend/thread_count.h"
#include "engine/bench/machine_limits.h"
#include "engine/gguf/reader.h"
#include "engine/kv_cache/sequence_cache.h"
#include "engine/models/model_runner.h"

namespace hearth::engine {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr int32_t step_tokens = 512;
constexpr int32_t warm_up_tokens = 32;
constexpr int32_t count_max = 1 << 20;

struct Figure {
  int32_t count = 0;  // prompt tokens or streams
  double tokens_per_s = 0;
};

struct Report {
  double load_s = 0;
  int64_t weight_bytes = 0;
  int64_t matrix_values = 0;  // multiplied with every token of a prompt
  std::vector<Figure> prompt, decode;
  int64_t peak_rss_bytes = 0;
  WeightPlacement placement;
  MachineLimits limits;
};

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return Seconds(std::chrono::steady_clock::now() - begin).count();
}

void check_options(const BenchOptions& options) {
  const auto check = [](const char* flag, int32_t value, int32_t least) {
    if (value < least || value > count_max) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("{} is {}, expected {} to {}", flag, value, least, count_max));
    }
  };
  for (const int32_t tokens : options.prompt_tokens) check("-p", tokens, 1);
  for (const int32_t streams : options.streams) check("-b", streams, 1);
  check("-n", options.decode_tokens, 0);
  check("-t", options.threads, 0);
}

// Sequences over one model, without scheduler: every step is all streams, or one chunk of a prompt.
class Drive {
 public:
  Drive(ModelRunner& model, const KernelTable& kernels, const BenchOptions& options)
      : model_(model), random_(1) {
    int64_t pages = page_count_for(warm_up_tokens);
    for (const int32_t tokens : options.prompt_tokens)
      pages = std::max(pages, page_count_for(tokens));
    for (const int32_t streams : options.streams)
      pages = std::max(pages, streams * page_count_for(options.decode_tokens));
    for (const CacheGroupShape& group : model.cache_shape().groups) {
      owned_pools_.push_back(std::make_unique<PagePool>(group, options.kv_type, kernels, pages));
      pools_.push_back(owned_pools_.back().get());
    }
  }

  // Seconds to read a prompt, the logits of its last token included.
  double read_prompt(int32_t token_count) {
    start(1, token_count);
    return seconds_of([&] {
      for (int32_t done = 0; done < token_count; done += step_tokens) {
        const int32_t count = std::min(step_tokens, token_count - done);
        run(Role::prompt, count, done + count == token_count);
      }
    });
  }
  // Seconds to write `step_count` tokens in each of `streams` answers that begin with nothing.
  double write_answers(int32_t streams, int32_t step_count) {
    start(streams, step_count);
    return seconds_of([&] {
      for (int32_t step = 0; step < step_count; ++step) run(Role::decode, 1, true);
    });
  }

 private:
  void start(int32_t sequences, int64_t context_tokens) {
    caches_.clear();
    for (int32_t i = 0; i < sequences; ++i) {
      caches_.push_back(
          std::make_unique<SequenceCache>(model_.cache_shape(), pools_, context_tokens));
    }
    logits_.resize(static_cast<size_t>(sequences) * static_cast<size_t>(model_.vocab_size()));
  }

  void run(Role role, int32_t tokens_each, bool wants_logits) {
    plan_ = {};
    for (const std::unique_ptr<SequenceCache>& cache : caches_) {
      if (!cache->extend(tokens_each))
        throw Error(ErrorCode::internal, "the benchmark ran out of cache pages");
      SequenceSpan& span = plan_.sequences.emplace_back();
      span.first_token = plan_.token_count();
      span.token_count = tokens_each;
      span.cached_tokens = cache->length();
      span.role = role;
      for (int32_t group = 0; group < cache->group_count(); ++group)
        span.pages.push_back(cache->pages(group));
      for (int32_t i = 0; i < tokens_each; ++i) {
        const int32_t position = static_cast<int32_t>(cache->length()) + i;
        plan_.tokens.push_back(
            static_cast<TokenId>(random_() % static_cast<uint64_t>(model_.vocab_size())));
        plan_.positions.push_back({position, position, position});
      }
      if (wants_logits) plan_.output_tokens.push_back(plan_.token_count() - 1);
    }
    if (role == Role::decode) plan_.decode_token_count = plan_.token_count();
    const size_t values = plan_.output_tokens.size() * static_cast<size_t>(model_.vocab_size());
    model_.run(plan_, pools_, std::span(logits_).first(values), {});
    for (const std::unique_ptr<SequenceCache>& cache : caches_) {
      cache->advance(tokens_each);
      cache->slide_windows();
    }
  }

  ModelRunner& model_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<PagePool>> owned_pools_;
  std::vector<PagePool*> pools_;
  std::vector<std::unique_ptr<SequenceCache>> caches_;
  std::vector<float> logits_;
  StepPlan plan_;
};

// Weights of the layers. The table of tokens and the output matrix do not take part in every token
// of a prompt.
int64_t layer_values(const GgufFile& file) {
  int64_t values = 0;
  for (const TensorInfo& tensor : file.tensors()) {
    if (tensor.dimension_count == 2 && tensor.name.starts_with("blk."))
      values += tensor.value_count();
  }
  return values;
}

Report measure(const BenchOptions& options, const KernelTable& kernels, int32_t threads) {
  Report report;
  std::optional<GgufFile> file;
  std::unique_ptr<ModelRunner> model;
  const int32_t streams_max =
      options.streams.empty() ? 1
                              : *std::max_element(options.streams.begin(), options.streams.end());
  report.load_s = seconds_of([&] {
    file = GgufFile::open(options.model);
    model = ModelRunner::load(
        *file,
        {.kernels = &kernels,
         .threads = threads,
         .step_tokens_max = std::max(step_tokens, streams_max),
         .output_tokens_max = streams_max,
         .weight_memory_max = options.keeps_mapped ? 0 : weight_memory(available_memory("/"), 0)},
        {});
  });
  if (model->vocab_size() == 0) {
    throw Error(ErrorCode::unsupported,
                file->what() + ": this model makes embeddings only, and bench measures generation");
  }
  report.weight_bytes = model->weight_bytes();
  report.placement = model->placement();
  report.matrix_values = layer_values(*file);
  Drive drive(*model, kernels, options);
  drive.read_prompt(warm_up_tokens);
  for (const int32_t tokens : options.prompt_tokens) {
    report.prompt.push_back({tokens, tokens / drive.read_prompt(tokens)});
  }
  for (const int32_t streams : options.streams) {
    if (options.decode_tokens == 0) break;
    const double seconds = drive.write_answers(streams, options.decode_tokens);
    report.decode.push_back(
        {streams, static_cast<double>(streams) * options.decode_tokens / seconds});
  }
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  report.peak_rss_bytes = int64_t{usage.ru_maxrss} * 1024;
  if (options.measures_limits) report.limits = measure_limits(kernels, threads);
  return report;
}

// Share of a limit; 0 when it was not measured.
double share(double value, double limit) {
  return limit > 0 ? value / limit : 0;
}

double prompt_share(const Report& report, const Figure& figure) {
  return share(2.0 * static_cast<double>(report.matrix_values) * figure.tokens_per_s,
               std::max(report.limits.int8_ops_per_s, report.limits.bf16_ops_per_s));
}

double decode_share(const Report& report, const Figure& figure) {
  return share(static_cast<double>(report.weight_bytes) * figure.tokens_per_s / figure.count,
               report.limits.read_bytes_per_s);
}

std::string to_json(const Report& report, const KernelTable& kernels, int32_t threads) {
  std::string prompt, decode;
  for (const Figure& figure : report.prompt) {
    prompt += fmt::format(R"({}{{"n":{},"tokens_per_s":{:.3f},"ops_share":{:.4f}}})",
                          prompt.empty() ? "" : ",", figure.count, figure.tokens_per_s,
                          prompt_share(report, figure));
  }
  for (const Figure& figure : report.decode) {
    decode += fmt::format(R"({}{{"streams":{},"tokens_per_s":{:.3f},"read_share":{:.4f}}})",
                          decode.empty() ? "" : ",", figure.count, figure.tokens_per_s,
                          decode_share(report, figure));
  }
  return fmt::format(
      R"({{"load_s":{:.4f},"prompt":[{}],"decode":[{}],"peak_rss_bytes":{},)"
      R"("weights":{{"tile_bytes":{},"row_bytes":{},"mapped_bytes":{}}},"limits":{{"read_bytes_per_s":{:.0f},)"
      R"("int8_ops_per_s":{:.0f},"bf16_ops_per_s":{:.0f}}},"isa":"{}","threads":{}}})"
      "\n",
      report.load_s, prompt, decode, report.peak_rss_bytes, report.placement.tile_bytes,
      report.placement.row_bytes, report.placement.mapped_bytes, report.limits.read_bytes_per_s,
      report.limits.int8_ops_per_s, report.limits.bf16_ops_per_s, kernels.name, threads);
}

std::string to_text(const Report& report, const KernelTable& kernels, int32_t threads) {
  std::string text =
      fmt::format("kernels {}, {} threads\nload              {:8.2f} s\nweights           {}\n",
                  kernels.name, threads, report.load_s, report.placement.text());
  for (const Figure& figure : report.prompt) {
    text +=
        fmt::format("prompt {:6}     {:8.1f} tokens/s   {:3.0f} % of the kernels' speed in cache\n",
                    figure.count, figure.tokens_per_s, 100 * prompt_share(report, figure));
  }
  for (const Figure& figure : report.decode) {
    text += fmt::format("decode x{:<5}     {:8.1f} tokens/s   {:3.0f} % of the memory's speed\n",
                        figure.count, figure.tokens_per_s, 100 * decode_share(report, figure));
  }
  text += fmt::format("peak memory       {:8.2f} GB\n",
                      static_cast<double>(report.peak_rss_bytes) * 1e-9);
  if (report.limits.read_bytes_per_s > 0) {
    text += fmt::format(
        "memory reads      {:8.2f} GB/s\nint8 kernels      {:8.2f} Gop/s\nbf16 kernels      "
        "{:8.2f} Gop/s\n",
        report.limits.read_bytes_per_s * 1e-9, report.limits.int8_ops_per_s * 1e-9,
        report.limits.bf16_ops_per_s * 1e-9);
  }
  return text;
}

}  // namespace

std::string run_bench(const BenchOptions& options) {
  check_options(options);
  const KernelTable* kernels = find_kernels(options.isa.c_str());
  if (kernels == nullptr) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("this machine has no kernels \"{}\"", options.isa));
  }
  const int32_t threads = options.threads > 0 ? options.threads : default_thread_count();
  const Report report = measure(options, *kernels, threads);
  return options.as_json ? to_json(report, *kernels, threads) : to_text(report, *kernels, threads);
}

}  // namespace hearth::engine
