#include "engine/bench.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.h"
#include "engine/backend/available_memory.h"
#include "engine/backend/thread_count.h"
#include "engine/backend/thread_layout.h"
#include "engine/bench/drive.h"
#include "engine/bench/machine_limits.h"
#include "engine/gguf/keys.h"
#include "engine/gguf/reader.h"
#include "engine/models/model_runner.h"

namespace hearth::engine {
namespace {

constexpr int32_t warm_up_tokens = 32;
constexpr int32_t count_max = 1 << 20;
// What the roundings of the prompt role (docs/numerics.md) may make of the logits over all layers,
// as squared error over their variance. A wrong kernel or cache gives about 2.
constexpr double prompt_error_max = 0.05;

struct Figure {
  int32_t count = 0;  // prompt tokens or streams
  double tokens_per_s = 0;
  std::string digest;                 // of the logits after the last token
  std::vector<float> logits;          // of a prompt's last token
  std::optional<double> check_error;  // as relative_error; 0 for answers, which are exact
};

struct Report {
  int32_t threads = 0;
  double load_s = 0;
  int64_t file_bytes = 0;
  int64_t token_bytes = 0;    // weights that one token reads
  int64_t matrix_values = 0;  // multiplied with every token of a prompt
  std::vector<Figure> prompt, decode;
  int64_t loaded_rss_bytes = 0;  // when the weights are there, and no cache page is in use yet
  int64_t peak_rss_bytes = 0;
  WeightPlacement placement;
  MachineLimits limits;
};

int32_t largest(std::span<const int32_t> values, int32_t least) {
  for (const int32_t value : values) least = std::max(least, value);
  return least;
}

// Memory of this process that is in use now; 0 where the system does not say.
int64_t resident_bytes() {
  int64_t all_pages = 0, resident_pages = 0;
  std::ifstream("/proc/self/statm") >> all_pages >> resident_pages;
  return resident_pages * ::sysconf(_SC_PAGESIZE);
}

void check_options(const BenchOptions& options) {
  const auto check = [](const char* flag, int32_t value, int32_t least) {
    if (value < least || value > count_max) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("{} is {}, expected {} to {}", flag, value, least, count_max));
    }
  };
  for (const int32_t tokens : options.prompt_tokens) check("-p", tokens, 0);
  for (const int32_t streams : options.streams) check("-b", streams, 1);
  check("-n", options.decode_tokens, 0);
  check("-t", options.threads, 0);
}

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

// Bytes of the matrices that one token reads: of experts those that are chosen, of the table of
// tokens nothing but where it is the output matrix too.
int64_t token_bytes_of(const GgufFile& file) {
  const std::string_view architecture = file.metadata().require_string(key_architecture);
  const auto count = [&](std::string_view suffix) {
    return file.metadata().find_int(arch_key(architecture, suffix)).value_or(0);
  };
  const int64_t experts = count(suffix_expert_count);
  const int64_t experts_used = count(suffix_expert_used_count);
  const bool has_output = file.find_tensor("output.weight") != nullptr;
  int64_t bytes = 0;
  for (const TensorInfo& tensor : file.tensors()) {
    if (tensor.dimension_count < 2) continue;
    if (has_output && tensor.name == "token_embd.weight") continue;
    const bool is_chosen = tensor.dimension_count == 3 && experts > 0;
    bytes += is_chosen ? tensor.size_bytes / experts * experts_used : tensor.size_bytes;
  }
  return bytes;
}

std::unique_ptr<ModelRunner> load_model(const GgufFile& file, const BenchOptions& options,
                                        const KernelTable& kernels, int32_t threads) {
  const int32_t streams_max = largest(options.streams, 1);
  std::unique_ptr<ModelRunner> model = ModelRunner::load(
      file,
      {.kernels = &kernels,
       .threads = threads,
       .step_tokens_max = std::max(bench_step_tokens, streams_max),
       .output_tokens_max = streams_max,
       .weight_memory_max = options.keeps_mapped ? 0 : weight_memory(available_memory("/"), 0)},
      {});
  if (model->vocab_size() == 0) {
    throw Error(ErrorCode::unsupported,
                file.what() + ": this model makes embeddings only, and bench measures generation");
  }
  return model;
}

Figure time_prompt(BenchDrive& drive, int32_t tokens) {
  Figure figure{tokens, tokens / drive.read_prompt(tokens), drive.digest(), {}, {}};
  figure.logits.assign(drive.logits().begin(), drive.logits().end());
  return figure;
}

Figure time_answers(BenchDrive& drive, int32_t streams, const BenchOptions& options) {
  const double seconds = drive.write_answers(streams, options.decode_tokens);
  Figure figure{streams,
                static_cast<double>(streams) * options.decode_tokens / seconds,
                drive.digest(),
                {},
                {}};
  if (!options.checks_logits) return figure;
  if (!drive.answers_are_exact(streams, options.decode_tokens)) {
    throw Error(ErrorCode::internal,
                fmt::format("the logits of {} timed streams are wrong: not the bits that each "
                            "stream has alone",
                            streams));
  }
  figure.check_error = 0;
  return figure;
}

BenchDriveOptions drive_options(const BenchOptions& options) {
  return {.kv_type = options.kv_type,
          .prompt_tokens_max = std::max(largest(options.prompt_tokens, 1), warm_up_tokens),
          .streams_max = largest(options.streams, 0),
          .decode_tokens = options.decode_tokens};
}

// Computes the timed prompts again in another way and compares the logits. Where there are kernels
// that round less these are the other way: the decode role, too, rounds what a massive activation
// stands beside. Weights that the model itself leaves to these kernels give the same bits, and
// then, as everywhere else, the decode role is the other way.
void check_prompts(BenchDrive& drive, const BenchOptions& options, const GgufFile& file,
                   const KernelTable& kernels, Report& report) {
  std::unique_ptr<ModelRunner> precise;
  std::optional<BenchDrive> reference;
  if (kernels.fine != nullptr && !report.prompt.empty()) {
    BenchOptions in_file = options;
    in_file.keeps_mapped = true;  // the same values, without memory of their own
    precise = load_model(file, in_file, *kernels.fine, report.threads);
    reference.emplace(*precise, *kernels.fine, drive_options(options));
  }
  for (Figure& figure : report.prompt) {
    if (reference) {
      reference->read_prompt(figure.count);
      figure.check_error = relative_error(figure.logits, reference->logits());
    }
    if (figure.check_error.value_or(0) == 0)
      figure.check_error = drive.prompt_error(figure.count, figure.logits);
    // Written so that NaN fails too.
    if (*figure.check_error <= (kernels.roles_agree ? 0.0 : prompt_error_max)) continue;
    throw Error(ErrorCode::internal,
                fmt::format("the logits of the timed prompt of {} tokens are wrong: error {:.3g} "
                            "against the same tokens computed in another way",
                            figure.count, *figure.check_error));
  }
}

Report measure(const BenchOptions& options, const KernelTable& kernels, int32_t threads) {
  Report report;
  report.threads = threads;
  std::optional<GgufFile> file;
  std::unique_ptr<ModelRunner> model;
  report.load_s = seconds_of([&] {
    file = GgufFile::open(options.model);
    model = load_model(*file, options, kernels, threads);
  });
  report.loaded_rss_bytes = resident_bytes();
  report.file_bytes = static_cast<int64_t>(file->file_size_bytes());
  report.token_bytes = token_bytes_of(*file);
  report.placement = model->placement();
  report.matrix_values = layer_values(*file);
  BenchDrive drive(*model, kernels, drive_options(options));
  drive.read_prompt(warm_up_tokens);
  for (const int32_t tokens : options.prompt_tokens) {
    if (tokens > 0) report.prompt.push_back(time_prompt(drive, tokens));
  }
  for (const int32_t streams : options.streams) {
    if (options.decode_tokens == 0) break;
    report.decode.push_back(time_answers(drive, streams, options));
  }
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  report.peak_rss_bytes = int64_t{usage.ru_maxrss} * 1024;
  if (options.checks_logits) check_prompts(drive, options, *file, kernels, report);
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
  return share(static_cast<double>(report.token_bytes) * figure.tokens_per_s / figure.count,
               report.limits.read_bytes_per_s);
}

// The members that say whether a figure's logits were checked, and what they were.
std::string logits_members(const Figure& figure) {
  const std::string error =
      figure.check_error ? fmt::format("{:.6g}", *figure.check_error) : "null";
  return fmt::format(R"("logits":"{}","check_error":{})", figure.digest, error);
}

std::string to_json(const Report& report, const KernelTable& kernels, int32_t threads) {
  std::string prompt, decode;
  for (const Figure& figure : report.prompt) {
    prompt += fmt::format(R"({}{{"n":{},"tokens_per_s":{:.3f},"ops_share":{:.4f},{}}})",
                          prompt.empty() ? "" : ",", figure.count, figure.tokens_per_s,
                          prompt_share(report, figure), logits_members(figure));
  }
  for (const Figure& figure : report.decode) {
    decode += fmt::format(R"({}{{"streams":{},"tokens_per_s":{:.3f},"read_share":{:.4f},{}}})",
                          decode.empty() ? "" : ",", figure.count, figure.tokens_per_s,
                          decode_share(report, figure), logits_members(figure));
  }
  return fmt::format(
      R"({{"load_s":{:.4f},"prompt":[{}],"decode":[{}],"file_bytes":{},"token_bytes":{},)"
      R"("loaded_rss_bytes":{},"peak_rss_bytes":{},)"
      R"("weights":{{"tile_bytes":{},"row_bytes":{},"mapped_bytes":{}}},"limits":{{"read_bytes_per_s":{:.0f},)"
      R"("int8_ops_per_s":{:.0f},"bf16_ops_per_s":{:.0f}}},"isa":"{}","threads":{},"memory_nodes":{}}})"
      "\n",
      report.load_s, prompt, decode, report.file_bytes, report.token_bytes, report.loaded_rss_bytes,
      report.peak_rss_bytes, report.placement.tile_bytes, report.placement.row_bytes,
      report.placement.mapped_bytes, report.limits.read_bytes_per_s, report.limits.int8_ops_per_s,
      report.limits.bf16_ops_per_s, kernels.name, threads, lay_out_threads(threads).node_count);
}

// Nothing where the limit was not measured.
std::string percents(double share, std::string_view limit) {
  return share > 0 ? fmt::format("   {:3.0f} % of {}", 100 * share, limit) : "";
}

std::string to_text(const Report& report, const KernelTable& kernels, int32_t threads) {
  std::string text = fmt::format(
      "kernels {}, {}\nload              {:8.2f} s\nweights           {}\n", kernels.name,
      lay_out_threads(threads).text(), report.load_s, report.placement.text());
  for (const Figure& figure : report.prompt) {
    text += fmt::format("prompt {:6}     {:8.1f} tokens/s{}\n", figure.count, figure.tokens_per_s,
                        percents(prompt_share(report, figure), "the kernels' speed in cache"));
  }
  for (const Figure& figure : report.decode) {
    text += fmt::format("decode x{:<5}     {:8.1f} tokens/s{}\n", figure.count, figure.tokens_per_s,
                        percents(decode_share(report, figure), "the memory's speed"));
  }
  if (!report.prompt.empty() && report.prompt.front().check_error) {
    text += fmt::format("logits            checked; error of the prompt role {:.2g}\n",
                        *report.prompt.front().check_error);
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
  const KernelTable* kernels = find_kernels(options.isa.c_str(), options.is_precise);
  if (kernels == nullptr) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("this machine has no kernels \"{}\"", options.isa));
  }
  const int32_t threads = options.threads > 0 ? options.threads : default_thread_count();
  const Report report = measure(options, *kernels, threads);
  return options.as_json ? to_json(report, *kernels, threads) : to_text(report, *kernels, threads);
}

}  // namespace hearth::engine
