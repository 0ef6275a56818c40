// Whole models against independent results: logits of every position for each architecture, on
// every kernel table of this machine, however the tokens are cut into steps; and greedy
// continuations of small real models.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "base/file.h"
#include "engine/gguf/reader.h"
#include "engine/gguf/writer.h"
#include "engine/models/architecture.h"
#include "tests/support/gguf_files.h"
#include "tests/support/kernel_tables.h"
#include "tests/support/model_harness.h"
#include "tests/support/shared.h"

namespace hearth::testing {
namespace {

using engine::GgufFile;
using engine::KernelTable;
using engine::KernelTables;
using engine::Role;
using engine::TokenId;

struct Prompt {
  std::vector<TokenId> tokens;
  std::vector<float> expected;  // [tokens, vocab]
};

struct Tolerance {
  double max = 0;
  double rms = 0;
};

struct OracleEntry {
  std::vector<Prompt> prompts;
  Tolerance tolerance;
  int64_t context_tokens = 0;  // what the reference was configured with
};

std::vector<float> floats_at(const std::string& bytes, size_t offset, size_t count) {
  REQUIRE(bytes.size() >= offset + count * sizeof(float));
  std::vector<float> values(count);
  std::memcpy(values.data(), bytes.data() + offset, count * sizeof(float));
  return values;
}

Tolerance tolerance_of(const nlohmann::json& json) {
  return {json.at("max").get<double>(), json.at("rms").get<double>()};
}

// `output` names the member with the file of expected logits.
std::vector<Prompt> read_prompts(const std::filesystem::path& folder, const nlohmann::json& json,
                                 const char* output) {
  const std::string bytes = read_file(folder / json.at(output).get<std::string>());
  std::vector<Prompt> prompts;
  for (const nlohmann::json& prompt : json.at("prompts")) {
    const auto count = prompt.at("rows").get<size_t>() * prompt.at("cols").get<size_t>();
    prompts.push_back({prompt.at("tokens").get<std::vector<TokenId>>(),
                       floats_at(bytes, prompt.at("offset_bytes").get<size_t>(), count)});
  }
  return prompts;
}

OracleEntry read_entry(const std::filesystem::path& folder, const std::string& name) {
  const nlohmann::json json = nlohmann::json::parse(read_file(folder / (name + ".json")));
  return {read_prompts(folder, json, "output"), tolerance_of(json.at("tolerance").at("f32")),
          json.at("n_ctx").get<int64_t>()};
}

void check_close(const Tolerance& tolerance, const std::vector<float>& expected,
                 const std::vector<float>& logits) {
  REQUIRE(logits.size() == expected.size());
  double largest = 0;
  double squares = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double difference = std::abs(static_cast<double>(logits[i]) - expected[i]);
    // A NaN must not slip through the comparison.
    largest = difference <= largest ? largest : difference;
    squares += difference * difference;
  }
  CHECK(largest <= tolerance.max);
  CHECK(std::sqrt(squares / static_cast<double>(logits.size())) <= tolerance.rms);
}

// Logits of all tokens, cut into steps of the given sizes.
std::vector<float> run_in_steps(ModelHarness& model, const std::vector<TokenId>& tokens,
                                const std::vector<size_t>& sizes, Role role) {
  const int32_t sequence = model.add_sequence();
  std::vector<float> logits;
  size_t done = 0;
  for (size_t size : sizes) {
    const std::vector<float> rows =
        model.run({{sequence, std::span<const TokenId>(tokens).subspan(done, size), role}});
    logits.insert(logits.end(), rows.begin(), rows.end());
    done += size;
  }
  REQUIRE(done == tokens.size());
  model.clear_sequence(sequence);
  return logits;
}

std::vector<size_t> random_sizes(size_t total, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<size_t> sizes;
  while (total > 0) {
    sizes.push_back(1 + random() % std::min<size_t>(total, 40));
    total -= sizes.back();
  }
  return sizes;
}

// The second half of the prompt behind a first half that another sequence read.
std::vector<float> run_behind_prefix(ModelHarness& model, const std::vector<TokenId>& tokens,
                                     size_t prefix) {
  const std::span<const TokenId> all(tokens);
  const int32_t first = model.add_sequence();
  std::vector<float> logits = model.run({{first, all.first(prefix), Role::prompt}});
  const int32_t second = model.fork_sequence(first);
  model.clear_sequence(first);
  const std::vector<float> rest = model.run({{second, all.subspan(prefix), Role::prompt}});
  logits.insert(logits.end(), rest.begin(), rest.end());
  model.clear_sequence(second);
  return logits;
}

// The names of the entries that hearth runs; says which ones it leaves out.
std::vector<std::string> runnable_entries(const std::filesystem::path& folder) {
  const nlohmann::json index = nlohmann::json::parse(read_file(folder / "index.json"));
  std::vector<std::string> names;
  std::string skipped;
  for (const auto& [name, entry] : index.items()) {
    // Embeddings have a test of their own, and diffusion models do not generate.
    if (entry.at("kind").get<std::string>() == "embed") continue;
    const bool runs = entry.at("kind").get<std::string>() == "causal" &&
                      engine::find_architecture(entry.at("arch").get<std::string>()) != nullptr;
    if (runs) {
      names.push_back(name);
    } else {
      skipped += " " + name;
    }
  }
  WARN(names.size() << " entries of the oracle run; skipped:" << skipped);
  return names;
}

// Token by token, in pieces, behind a cached prefix and as an answer: as the whole prompt.
void check_every_way(ModelHarness& model, const OracleEntry& entry, const Prompt& prompt,
                     const std::vector<float>& whole) {
  const size_t count = prompt.tokens.size();
  const std::vector<size_t> ones(count, 1);
  // Token by token below too, in the other role.
  if (count <= engine::page_tokens)
    CHECK(run_in_steps(model, prompt.tokens, ones, Role::prompt) == whole);
  CHECK(run_in_steps(model, prompt.tokens, random_sizes(count, 7), Role::prompt) == whole);
  if (count > engine::page_tokens) {
    const size_t prefix = count / 2 / engine::page_tokens * engine::page_tokens;
    CHECK(run_behind_prefix(model, prompt.tokens, prefix) == whole);
  }
  const std::vector<float> decoded = run_in_steps(model, prompt.tokens, ones, Role::decode);
  check_close(entry.tolerance, prompt.expected, decoded);
  if (engine::find_kernels("")->roles_agree) CHECK(decoded == whole);
}

// Whether the daily run does without: the scalar table takes long, and all tables give the same
// bits, so for long prompts one of them stands for all.
enum class Extent { daily, full };

void check_entry(const std::filesystem::path& folder, const std::string& name, Extent extent) {
  const OracleEntry entry = read_entry(folder, name);
  const GgufFile file = GgufFile::open(folder / (name + ".gguf"));
  std::vector<std::vector<float>> first(entry.prompts.size());
  for (const KernelTable* kernels : tables()) {
    ModelHarness::Options options;
    options.kernels = kernels;
    options.context_tokens = entry.context_tokens;
    ModelHarness model(file, options);
    for (size_t p = 0; p < entry.prompts.size(); ++p) {
      const Prompt& prompt = entry.prompts[p];
      const size_t count = prompt.tokens.size();
      const bool is_short = count <= engine::page_tokens;
      if (extent == Extent::daily && kernels->isa == engine::Isa::scalar && !is_short) continue;
      INFO(name << ", " << kernels->name << ", " << count << " tokens");
      const std::vector<float> whole = run_in_steps(model, prompt.tokens, {count}, Role::prompt);
      check_close(entry.tolerance, prompt.expected, whole);
      if (first[p].empty()) first[p] = whole;
      CHECK(whole == first[p]);
      if (extent == Extent::full || is_short || kernels == engine::find_kernels(""))
        check_every_way(model, entry, prompt, whole);
    }
  }
}

void check_all_entries(Extent extent) {
  const auto folder = shared_path("oracle/archs");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  for (const std::string& name : runnable_entries(*folder)) check_entry(*folder, name, extent);
}

}  // namespace

TEST_CASE("logits of every architecture agree with the oracle") {
  check_all_entries(Extent::daily);
}

// By name only: docs/hacking.md.
TEST_CASE("logits of every architecture agree with the oracle, in full", "[.full]") {
  check_all_entries(Extent::full);
}

namespace {

// Architectures that differ from one of the oracle in names only: its file under their name.
struct Relabelled {
  const char* architecture;
  const char* entry;
  std::map<std::string, std::string> renamed_parts = {};  // of layers' tensors
  int64_t window = 0;                                     // on every layer
};

std::string relabelled_bytes(const GgufFile& file, const Relabelled& as) {
  const std::string from(file.metadata().require_string("general.architecture"));
  const std::string to = as.architecture;
  engine::GgufWriter writer;
  for (const auto& [key, value] : file.metadata().entries()) {
    const bool is_own = key.starts_with(from + ".");
    if (key != "general.architecture")
      writer.add(is_own ? to + std::string(key.substr(from.size())) : std::string(key), value);
  }
  writer.add("general.architecture", to);
  if (as.window > 0) {
    const auto layers = static_cast<size_t>(file.metadata().require_int(from + ".block_count"));
    writer.add(to + ".attention.sliding_window", as.window);
    writer.add_array(to + ".attention.sliding_window_pattern", std::vector<int32_t>(layers, 1));
  }
  for (const engine::TensorInfo& tensor : file.tensors()) {
    std::string name(tensor.name);
    for (const auto& [part, replacement] : as.renamed_parts) {
      const size_t at = name.find("." + part + ".");
      if (at != std::string::npos) name.replace(at + 1, part.size(), replacement);
    }
    writer.add_tensor(name, tensor.type,
                      std::span(tensor.shape).first(static_cast<size_t>(tensor.dimension_count)),
                      tensor.data);
  }
  return writer.file_bytes();
}

}  // namespace

TEST_CASE("architectures that differ from another in names alone give its logits") {
  const auto folder = shared_path("oracle/archs");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  const std::vector<Relabelled> cases = {
      {"xverse", "llama"},
      {"granite", "minicpm"},
      {"seed_oss", "qwen2", {{"ffn_norm", "post_attention_norm"}}},
      {"cohere2", "command-r", {}, 1000}};
  for (const Relabelled& as : cases) {
    INFO(as.architecture);
    const OracleEntry entry = read_entry(*folder, as.entry);
    const GgufFile original = GgufFile::open(*folder / (std::string(as.entry) + ".gguf"));
    const GgufFile file = open_gguf(relabelled_bytes(original, as));
    ModelHarness::Options options;
    options.kernels = engine::find_kernels("");
    ModelHarness model(file, options);
    const Prompt& prompt = entry.prompts.back();
    check_close(entry.tolerance, prompt.expected,
                run_in_steps(model, prompt.tokens, {prompt.tokens.size()}, Role::prompt));
  }
}

TEST_CASE("a prompt gives the same bits however it is cut into steps") {
  const auto folder = shared_path("oracle/archs");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  for (const std::string name : {"llama", "gemma3"}) {
    const OracleEntry entry = read_entry(*folder, name);
    const GgufFile file = GgufFile::open(*folder / (name + ".gguf"));
    ModelHarness::Options options;
    options.kernels = engine::find_kernels("");
    options.threads = 2;
    ModelHarness model(file, options);
    const Prompt& prompt = entry.prompts.back();
    const std::vector<float> whole =
        run_in_steps(model, prompt.tokens, {prompt.tokens.size()}, Role::prompt);
    for (uint32_t seed = 0; seed < 100; ++seed) {
      INFO(name << ", seed " << seed);
      REQUIRE(run_in_steps(model, prompt.tokens, random_sizes(prompt.tokens.size(), seed),
                           Role::prompt) == whole);
    }
  }
}

namespace {

// What logits may differ by from the reference's and from those of exact activations.
struct QuantizedLimits {
  Tolerance reference, exact;
};

// The reference rounds activations as we do but per 32 values for some types, and is as far from
// exact activations as it says itself. Prompts on tiles round per 512 values, and F16 and BF16 to
// bf16 (docs/numerics.md): 8 bits instead of 11, in every product.
QuantizedLimits quantized_limits(const nlohmann::json& json, bool on_tiles) {
  const nlohmann::json& limits = json.at("tolerance");
  const Tolerance rounding = tolerance_of(json.at("statistics").at("activation_rounding"));
  const bool is_float = json.at("type") == "F16" || json.at("type") == "BF16";
  if (is_float && on_tiles) return {{0.2, 0.04}, {0.2, 0.04}};
  if (is_float)
    return {tolerance_of(limits.at("reference")), tolerance_of(limits.at("dequantised"))};
  const double factor = on_tiles ? 2.5 : 2.0;
  return {tolerance_of(limits.at("reference")), {factor * rounding.max, factor * rounding.rms}};
}

void check_quantized(const std::filesystem::path& folder, const nlohmann::json& json) {
  const GgufFile file = GgufFile::open(folder / json.at("model").get<std::string>());
  const std::vector<Prompt> reference = read_prompts(folder, json, "output");
  const std::vector<Prompt> exact = read_prompts(folder, json, "output_dequantised");
  const KernelTables tables = engine::available_kernels();
  for (int32_t t = tables.count - 1; t >= 0; --t) {
    ModelHarness::Options options;
    options.kernels = tables.tables[t];
    options.threads = 2;
    ModelHarness model(file, options);
    const bool agree = options.kernels->roles_agree;
    // The scalar table takes long.
    const size_t count = options.kernels->isa == engine::Isa::scalar ? 1 : exact.size();
    for (size_t i = 0; i < count; ++i) {
      const std::vector<TokenId>& tokens = exact[i].tokens;
      for (const Role role : {Role::prompt, Role::decode}) {
        if (role == Role::decode && agree) continue;
        INFO(options.kernels->name << ", " << tokens.size() << " tokens, "
                                   << (role == Role::prompt ? "prompt" : "decode"));
        const QuantizedLimits limits = quantized_limits(json, role == Role::prompt && !agree);
        const std::vector<float> logits = run_in_steps(model, tokens, {tokens.size()}, role);
        check_close(limits.reference, reference[i].expected, logits);
        check_close(limits.exact, exact[i].expected, logits);
        if (t < tables.count - 1) continue;
        const std::vector<size_t> ones(tokens.size(), 1);
        CHECK(run_in_steps(model, tokens, ones, role) == logits);
        if (agree) CHECK(run_in_steps(model, tokens, ones, Role::decode) == logits);
        for (uint32_t seed = 0; seed < 5; ++seed)
          CHECK(run_in_steps(model, tokens, random_sizes(tokens.size(), seed), role) == logits);
      }
    }
  }
}

}  // namespace

TEST_CASE("logits of models of every tensor type agree with the oracle") {
  const auto folder = shared_path("oracle/quantized-models");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  for (const auto& item : std::filesystem::directory_iterator(*folder)) {
    if (item.path().extension() != ".json") continue;
    const nlohmann::json json = nlohmann::json::parse(read_file(item.path()));
    const auto name = json.at("name").get<std::string>();
    const auto architecture = json.at("arch").get<std::string>();
    INFO(name);
    if (engine::find_architecture(architecture) == nullptr) {
      WARN("skipped: " << name << ", there is no architecture " << architecture);
      continue;
    }
    check_quantized(*folder, json);
  }
}

namespace {

double rms_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double squares = 0;
  for (size_t i = 0; i < a.size(); ++i)
    squares += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
  return std::sqrt(squares / static_cast<double>(a.size()));
}

// Rows whose largest value is at the same place.
double agreement(const std::vector<float>& a, const std::vector<float>& b, size_t width) {
  const auto best = [&](const std::vector<float>& logits, size_t row) {
    const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(row * width);
    return std::max_element(begin, begin + static_cast<std::ptrdiff_t>(width)) - begin;
  };
  size_t same = 0;
  for (size_t row = 0; row < a.size() / width; ++row) same += best(a, row) == best(b, row);
  return static_cast<double>(same) / static_cast<double>(a.size() / width);
}

}  // namespace

TEST_CASE("precise kernels: nearer to exact arithmetic, and the same bits in every step") {
  const auto folder = shared_path("oracle/quantized-models");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  for (const std::string name : {"llama.Q4_K", "llama.Q6_K", "llama.Q4_0", "moe.Q4_K"}) {
    const nlohmann::json json = nlohmann::json::parse(read_file(*folder / (name + ".json")));
    const GgufFile file = GgufFile::open(*folder / json.at("model").get<std::string>());
    const Prompt exact = read_prompts(*folder, json, "output_dequantised").back();
    const auto logits_of = [&](const KernelTable& kernels, Role role, std::vector<size_t> steps) {
      ModelHarness::Options options;
      options.kernels = &kernels;
      options.threads = 2;
      options.kv_type = engine::KvType::f32;
      ModelHarness model(file, options);
      return run_in_steps(model, exact.tokens, std::move(steps), role);
    };
    const std::vector<size_t> whole = {exact.tokens.size()};
    const KernelTables tables = engine::available_kernels();
    for (int32_t t = 1; t < tables.count; ++t) {
      const KernelTable& usual = *tables.tables[t];
      const KernelTable& precise = *usual.precise;
      for (const Role role : {Role::prompt, Role::decode}) {
        const std::vector<float> logits = logits_of(precise, role, whole);
        const double error = rms_difference(logits, exact.expected);
        const double before = rms_difference(logits_of(usual, role, whole), exact.expected);
        INFO(name << ", " << precise.name << (role == Role::prompt ? ", prompt: " : ", decode: ")
                  << error << " instead of " << before);
        // Prompts of Q6_K are in bf16 on tiles anyway.
        const bool is_f32 = role == Role::decode || precise.roles_agree;
        CHECK((error < (is_f32 ? 0.01 : 0.5) * before || (!is_f32 && error == before)));
        const std::vector<float> cut =
            logits_of(precise, role, random_sizes(exact.tokens.size(), 1));
        CHECK((cut == logits));
      }
    }
  }
}

TEST_CASE("caches of fewer bits stay close to one of f32") {
  const auto folder = shared_path("oracle/archs");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  struct Bound {
    engine::KvType type;
    double rms;        // logits of random models have a deviation of about 3
    double agreement;  // of the likeliest token
  };
  // Models with heads of 32 values.
  for (const std::string name : {"llama3", "qwen3"}) {
    const OracleEntry entry = read_entry(*folder, name);
    const GgufFile file = GgufFile::open(*folder / (name + ".gguf"));
    const std::vector<TokenId>& tokens = entry.prompts.back().tokens;
    ModelHarness::Options options;
    options.kernels = engine::find_kernels("");
    ModelHarness exact(file, options);
    const std::vector<float> expected = run_in_steps(exact, tokens, {tokens.size()}, Role::decode);
    for (const Bound& bound : {Bound{engine::KvType::f16, 0.01, 0.99},
                               {engine::KvType::q8_0, 0.1, 0.97},
                               {engine::KvType::q4_0, 0.95, 0.65}}) {
      options.kv_type = bound.type;
      ModelHarness model(file, options);
      const std::vector<float> logits = run_in_steps(model, tokens, {tokens.size()}, Role::decode);
      const double rms = rms_difference(logits, expected);
      const double same = agreement(logits, expected, static_cast<size_t>(model.vocab_size()));
      INFO(name << ", type " << static_cast<int>(bound.type) << ": rms " << rms << ", agreement "
                << same);
      CHECK(rms < bound.rms);
      CHECK(same >= bound.agreement);
      CHECK(run_in_steps(model, tokens, random_sizes(tokens.size(), 3), Role::decode) == logits);
      // Prompts on tiles round queries, keys, probabilities and values to bf16.
      const std::vector<float> read = run_in_steps(model, tokens, {tokens.size()}, Role::prompt);
      CHECK(rms_difference(read, logits) < 0.15);
      for (uint32_t seed = 0; seed < 5; ++seed)
        CHECK(run_in_steps(model, tokens, random_sizes(tokens.size(), seed), Role::prompt) == read);
    }
  }
}

TEST_CASE("kernel tables and thread counts give the same bits") {
  const auto folder = shared_path("oracle/archs");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  const KernelTables tables = engine::available_kernels();
  for (const std::string name : {"llama", "qwen2", "gemma3", "bloom"}) {
    const OracleEntry entry = read_entry(*folder, name);
    const GgufFile file = GgufFile::open(*folder / (name + ".gguf"));
    const Prompt& prompt = entry.prompts.back();
    std::vector<float> first;
    for (int32_t t = 0; t < tables.count; ++t) {
      for (int32_t threads = 1; threads <= 3; ++threads) {
        INFO(name << ", " << tables.tables[t]->name << ", " << threads << " threads");
        ModelHarness::Options options;
        options.kernels = tables.tables[t];
        options.threads = threads;
        ModelHarness model(file, options);
        const std::vector<float> logits =
            run_in_steps(model, prompt.tokens, {90, 1, 5}, Role::prompt);
        if (first.empty()) first = logits;
        CHECK(logits == first);
      }
    }
  }
}

namespace {

// Greedy: the continuation of a prompt, prompt as one step, answer token by token in the decode
// role.
std::vector<TokenId> continue_greedily(ModelHarness& model, const std::vector<TokenId>& prompt,
                                       const std::vector<TokenId>& banned, size_t count) {
  const int32_t sequence = model.add_sequence();
  std::vector<TokenId> answer;
  std::vector<float> logits = model.run_last({{sequence, prompt, Role::prompt}});
  while (answer.size() < count) {
    for (TokenId token : banned) logits[static_cast<size_t>(token)] = -INFINITY;
    answer.push_back(
        static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
    logits =
        model.run_last({{sequence, std::span<const TokenId>(&answer.back(), 1), Role::decode}});
  }
  model.clear_sequence(sequence);
  return answer;
}

void check_golden(const std::filesystem::path& folder, Extent extent) {
  const nlohmann::json golden = nlohmann::json::parse(read_file(folder / "golden.json"));
  auto model_file = golden.at("model").get<std::string>();
  if (!std::filesystem::exists(folder / model_file)) {
    // The largest one is there in half precision only; its tokens are the same.
    model_file.replace(model_file.find("-f32"), 4, "-f16");
    model_file.insert(0, "quantised/");
  }
  const GgufFile file = GgufFile::open(folder / model_file);
  const KernelTables tables = engine::available_kernels();
  for (int32_t t = 0; t < tables.count; ++t) {
    const bool is_slow = tables.tables[t]->isa == engine::Isa::scalar && tables.count > 1;
    if (extent == Extent::daily && is_slow) continue;
    ModelHarness::Options options;
    options.kernels = tables.tables[t];
    options.threads = 2;
    ModelHarness model(file, options);
    for (const nlohmann::json& item : golden.at("cases")) {
      INFO(model_file << ", " << tables.tables[t]->name << ": " << item.at("prompt"));
      const auto expected = item.at("continuation_tokens").get<std::vector<TokenId>>();
      CHECK(continue_greedily(model, item.at("prompt_tokens").get<std::vector<TokenId>>(),
                              item.at("banned_tokens").get<std::vector<TokenId>>(),
                              expected.size()) == expected);
    }
  }
}

void check_all_golden(Extent extent) {
  const auto folder = shared_path("data/models");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  int32_t count = 0;
  for (const auto& item : std::filesystem::directory_iterator(*folder)) {
    if (!std::filesystem::exists(item.path() / "golden.json")) continue;
    check_golden(item.path(), extent);
    ++count;
  }
  CHECK(count == 6);
}

}  // namespace

TEST_CASE("greedy continuations of small real models are the known ones") {
  check_all_golden(Extent::daily);
}

TEST_CASE("greedy continuations of small real models are the known ones, in full", "[.full]") {
  check_all_golden(Extent::full);
}

}  // namespace hearth::testing
