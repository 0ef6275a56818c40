// hearth-runner: `serve` is how hearthd starts it; the other commands are for inspection
// (docs/hacking.md).
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <new>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/log.h"
#include "base/version.h"
#include "engine/backend/available_memory.h"
#include "engine/backend/thread_count.h"
#include "engine/backend/thread_layout.h"
#include "engine/bench.h"
#include "engine/kernels/cpu_features.h"
#include "engine/kv_type.h"
#include "engine/runner/commands.h"
#include "engine/runner/sandbox.h"
#include "engine/runner/schema_command.h"
#include "engine/runner/server.h"

namespace hearth::engine {
namespace {

volatile std::sig_atomic_t stop_asked = 0;

void ask_to_stop(int) {
  stop_asked = 1;
}

// An allocation that failed where nobody could answer for it gets its own exit code.
[[noreturn]] void end_at_once() {
  if (const std::exception_ptr thrown = std::current_exception()) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::bad_alloc&) {
      ::_exit(exit_out_of_memory);
    } catch (const std::exception& error) {
      log::error(error.what());
    } catch (...) {
    }
  }
  std::abort();
}

// Compute threads find their cores by the affinity: the topology cannot be read from inside the
// sandbox.
void settle_on_cores(RunnerServer::Options& options) {
  options.default_threads = default_thread_count();
  options.all_cpus = allowed_cpus();
  static_cast<void>(machine_cpu_nodes());
  const std::vector<int32_t> cores = physical_cores(options.all_cpus, "/sys");
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int32_t cpu : cores) CPU_SET(static_cast<size_t>(cpu), &set);
  if (!cores.empty()) ::sched_setaffinity(0, sizeof(set), &set);
}

int serve(const std::string& name, log::Level level) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  struct sigaction action {};
  action.sa_handler = ask_to_stop;
  ::sigaction(SIGTERM, &action, nullptr);
  std::set_terminate(end_at_once);
  log::start(fmt::format("runner {}", name), level);
  RunnerServer::Options options;
  options.name = name;
  settle_on_cores(options);
  options.memory_bytes = available_memory("/");
  static_cast<void>(cpu_features());
  options.stop = &stop_asked;
  log::debug(fmt::format("hearth-runner {} with {} threads", version(), options.default_threads));
  const SandboxReport report = enter_sandbox();
  if (report.has_landlock && report.has_seccomp) {
    log::info(fmt::format("sandbox: {}", report.summary));
  } else {
    log::warn(fmt::format("sandbox: {}", report.summary));
  }
  options.sandbox = report.summary;
  int exit_code = 0;
  {
    RunnerServer server{UniqueFd(runner_socket_fd), options};
    exit_code = server.run();
  }
  // Nothing is left to flush, and what runs at a normal exit (leak checkers above all) wants files
  // the sandbox denies.
  ::_exit(exit_code);
}

std::string default_isa() {
  const char* isa = std::getenv("HEARTH_ISA");
  return isa != nullptr ? isa : "";
}

bool is_precise_by_default() {
  const char* precise = std::getenv("HEARTH_PRECISE");
  return precise != nullptr &&
         (std::string_view(precise) == "1" || std::string_view(precise) == "true");
}

void add_precise(CLI::App* command, bool& is_precise) {
  command->add_flag("--precise", is_precise,
                    "Round activations as little as these instructions can, in prompts and answers "
                    "(default: HEARTH_PRECISE)");
}

void add_logits(CLI::App& app, LogitsCommand& command) {
  CLI::App* logits =
      app.add_subcommand("logits", "Logits of given tokens, as raw float32 [tokens, vocab]");
  logits->add_option("--model", command.model, "GGUF file")->required();
  logits->add_option("--tokens", command.tokens, "Token ids, separated by commas; nothing is added")
      ->required();
  logits->add_option("--out", command.out, "File to write")->required();
  logits->add_option("--kv-type", command.kv_type, "Type of the KV cache: " + kv_type_choices())
      ->capture_default_str();
  logits->add_option("--threads", command.threads,
                     "Compute threads; 0: as many as cores and quota allow");
  logits->add_option("--isa", command.isa,
                     "Instruction set: scalar, avx2, avxvnni, avx512, amx, neon, dotprod or i8mm "
                     "(default: HEARTH_ISA, else the best)");
  add_precise(logits, command.is_precise);
  logits->add_option("--batch", command.batch, "Tokens per step")->capture_default_str();
  logits->add_flag("--decode", command.decode_role,
                   "Each token as a step of its own in the decode role");
  logits->add_option("--lora", command.lora, "Adapter as FILE or FILE:SCALE");
  logits->callback([&command] { run_logits(command); });
}

void add_embed(CLI::App& app, EmbedCommand& command) {
  CLI::App* embed = app.add_subcommand(
      "embed", "Vectors of inputs, one line each: lines of standard input, or given tokens");
  embed->add_option("--model", command.model, "GGUF file")->required();
  embed->add_option("--tokens", command.tokens,
                    "Inputs as token ids, \"1,2,3;4,5\"; nothing is added");
  embed->add_option("--pooling", command.pooling,
                    "none, mean, cls, last or rank (default: as the model says, else mean)");
  embed->add_flag("--normalize", command.normalize, "Vectors to length 1");
  embed->add_flag("--truncate", command.truncate, "Cut inputs that are too long");
  embed->add_option("--threads", command.threads,
                    "Compute threads; 0: as many as cores and quota allow");
  embed->add_option("--isa", command.isa, "Instruction set (default: HEARTH_ISA, else the best)");
  add_precise(embed, command.is_precise);
  embed->add_option("--batch", command.batch, "Tokens per step")->capture_default_str();
  embed->callback([&command] { run_embed(command); });
}

struct TokenizeArguments {
  std::string model;
  bool parses_specials = false;
  bool is_exact = false;
};

void add_tokenize(CLI::App& app, TokenizeArguments& arguments) {
  CLI::App* tokenize = app.add_subcommand("tokenize", "Standard input to one token id per line");
  tokenize->add_option("--model", arguments.model, "GGUF file")->required();
  tokenize->add_flag("--special", arguments.parses_specials,
                     "Text that spells a control token becomes one");
  tokenize->footer(
      "Nothing is added in front or behind. Special text stays text unless --special is given.\n"
      "Example: printf 'Hello world' | hearth-runner tokenize --model F.gguf");
  tokenize->callback([&arguments] { run_tokenize(arguments.model, arguments.parses_specials); });
  CLI::App* detokenize = app.add_subcommand("detokenize", "Token ids from standard input to text");
  detokenize->add_option("--model", arguments.model, "GGUF file")->required();
  detokenize->add_flag("--exact", arguments.is_exact,
                       "Keep the spaces before punctuation that some vocabularies drop");
  detokenize->footer(
      "Ids are separated by white space or commas; control tokens are printed as they are "
      "spelled.\n"
      "Example: echo 15496 995 | hearth-runner detokenize --model F.gguf");
  detokenize->callback([&arguments] { run_detokenize(arguments.model, arguments.is_exact); });
}

void add_sample(CLI::App& app, std::string& model) {
  CLI::App* sample = app.add_subcommand(
      "sample", "A sampler on given logits: JSON in, probabilities after each stage out");
  sample->add_option("--model", model, "GGUF file, for the sequence breakers of DRY");
  sample->footer(
      "The request is one JSON object on standard input; docs/hacking.md has all its fields.\n"
      R"(Example: echo '{"logits": [1.5, null, 0.2], "options": {"top_k": 2, "seed": 7}, "draws": 3}')"
      " | hearth-runner sample");
  sample->callback([&model] { run_sample(model); });
}

void add_schema(CLI::App& app, SchemaCommand& command, int& exit_code) {
  CLI::App* schema = app.add_subcommand(
      "schema", "Whether a schema or grammar accepts a text: exit code 0, or 1 and one line why");
  schema->add_option("--schema", command.schema, "File with a JSON Schema");
  schema->add_option("--grammar", command.grammar, "File with a GBNF grammar");
  schema->add_option("--regex", command.regex, "Regular expression of the whole text");
  schema->add_option("--text", command.text, "The text; -: standard input")->required();
  schema->add_flag("--best-effort", command.is_best_effort,
                   "Leave out keywords that cannot be bound, and name them");
  schema->callback([&command, &exit_code] { exit_code = run_schema(command); });
}

struct CodecArguments {
  std::string type;
  std::string direction;
};

void add_codec(CLI::App& app, CodecArguments& arguments) {
  CLI::App* codec = app.add_subcommand(
      "codec", "Blocks of a tensor type to float32 and back, between the standard streams");
  codec->add_option("--type", arguments.type, "Tensor type, for example q4_k")->required();
  codec->add_option("direction", arguments.direction, "decode or encode")->required();
  codec->callback([&arguments] { run_codec(arguments.type, arguments.direction); });
}

void add_quantize(CLI::App& app, QuantizeCommand& command) {
  CLI::App* quantize = app.add_subcommand(
      "quantize",
      "Write a model again with smaller weights: hearth create --quantize as a command");
  quantize->add_option("--model", command.model, "GGUF file, in F32, F16 or BF16")->required();
  quantize->add_option("--type", command.type, "Type or mixture, for example q4_k_m")->required();
  quantize->add_option("--out", command.out, "File to write")->required();
  quantize->add_option("-t,--threads", command.threads,
                       "Threads; 0: as many as cores and quota allow");
  quantize->callback([&command] { run_quantize(command); });
}

void add_bench(CLI::App& app, BenchOptions& options) {
  CLI::App* bench =
      app.add_subcommand("bench", "Speed of a model beside the limits of this machine");
  bench->add_option("--model", options.model, "GGUF file")->required();
  bench
      ->add_option("-p,--prompt", options.prompt_tokens, "Prompt lengths, one figure each; 0: none")
      ->delimiter(',');
  bench->add_option("-n,--decode", options.decode_tokens, "Steps per decode figure; 0: none");
  bench->add_option("-b,--streams", options.streams, "Sequences decoding together, one figure each")
      ->delimiter(',');
  bench->add_option("-t,--threads", options.threads,
                    "Compute threads; 0: as many as cores and quota allow");
  bench->add_option("--isa", options.isa, "Instruction set (default: HEARTH_ISA, else the best)");
  add_precise(bench, options.is_precise);
  std::map<std::string, KvType> kv_types;
  for (const std::string_view name : kv_type_names)
    kv_types.emplace(name, *kv_type_from_name(name));
  bench->add_option("--kv-type", options.kv_type, "Type of the KV cache: " + kv_type_choices())
      ->transform(CLI::CheckedTransformer(kv_types));
  bench->add_flag("--mapped", options.keeps_mapped,
                  "Use the weights in the mapped file, as where memory is short");
  bench->add_flag("--no-check{false}", options.checks_logits,
                  "Do not compute the logits of the timed runs again in another way");
  bench->add_flag("--no-limits{false}", options.measures_limits,
                  "Do not measure the limits of this machine");
  bench->add_flag("--json", options.as_json, "One JSON object instead of a table");
  bench->callback([&options] {
    const std::string report = run_bench(options);
    std::fwrite(report.data(), 1, report.size(), stdout);
    if (!report.empty() && report.back() != '\n') std::fputc('\n', stdout);
  });
}

int run(int count, char** arguments) {
  CLI::App app("hearth-runner: one loaded model of hearthd, and commands to look inside a model",
               "hearth-runner");
  app.set_version_flag("--version", fmt::format("hearth-runner {}", version()));
  app.require_subcommand(1);
  LogitsCommand logits;
  BenchOptions bench;
  EmbedCommand embed;
  logits.isa = bench.isa = embed.isa = default_isa();
  logits.is_precise = bench.is_precise = embed.is_precise = is_precise_by_default();
  TokenizeArguments tokenize;
  CodecArguments codec;
  add_logits(app, logits);
  add_embed(app, embed);
  add_tokenize(app, tokenize);
  std::string sample_model;
  add_sample(app, sample_model);
  add_codec(app, codec);
  int exit_code = 0;
  SchemaCommand schema;
  add_schema(app, schema, exit_code);
  add_bench(app, bench);
  QuantizeCommand quantize;
  add_quantize(app, quantize);
  bool measures = false;
  CLI::App* machine =
      app.add_subcommand("machine", "What this computer offers, as one line of JSON");
  machine->add_flag("--measure", measures, "Also how fast its memory and the kernels are (2 s)");
  std::string machine_isa = default_isa();
  bool machine_is_precise = is_precise_by_default();
  machine->add_option("--isa", machine_isa, "Instruction set (default: HEARTH_ISA, else the best)");
  add_precise(machine, machine_is_precise);
  machine->callback([&] {
    std::error_code ignored;
    run_machine(machine_isa, machine_is_precise, measures,
                std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path());
  });
  std::string name;
  auto level = log::Level::info;
  const std::map<std::string, log::Level> levels = {{"debug", log::Level::debug},
                                                    {"info", log::Level::info},
                                                    {"warn", log::Level::warn},
                                                    {"error", log::Level::error},
                                                    {"off", log::Level::off}};
  CLI::App* serving = app.add_subcommand(
      "serve", "How hearthd starts it: frames on descriptor 3 (docs/runner-protocol.md)");
  serving->add_option("--name", name, "Name of the model, for the log")->required();
  serving->add_option("--log-level", level)->transform(CLI::CheckedTransformer(levels));
  serving->callback([&] { exit_code = serve(name, level); });
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    fmt::print(stderr, "hearth-runner: {}\n", error.what());
    return 2;
  }
  return exit_code;
}

}  // namespace
}  // namespace hearth::engine

int main(int count, char** arguments) {
  hearth::log::start("hearth-runner", hearth::log::Level::warn);
  try {
    return hearth::engine::run(count, arguments);
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "hearth-runner: not enough memory\n");
    return hearth::engine::exit_out_of_memory;
  } catch (const std::exception& error) {
    fmt::print(stderr, "hearth-runner: {}\n", error.what());
    return 1;
  }
}
