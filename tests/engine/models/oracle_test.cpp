// Whole models against independent results: logits of every position for each architecture, on
// every kernel table of this machine, however the tokens are cut into steps; and greedy
// continuations of small real models.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "base/file.h"
#include "engine/gguf/reader.h"
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

struct OracleEntry {
  std::vector<Prompt> prompts;
  double tolerance_max = 0;
  double tolerance_rms = 0;
};

std::vector<float> floats_at(const std::string& bytes, size_t offset, size_t count) {
  REQUIRE(bytes.size() >= offset + count * sizeof(float));
  std::vector<float> values(count);
  std::memcpy(values.data(), bytes.data() + offset, count * sizeof(float));
  return values;
}

OracleEntry read_entry(const std::filesystem::path& folder, const std::string& name) {
  const nlohmann::json json = nlohmann::json::parse(read_file(folder / (name + ".json")));
  const std::string bytes = read_file(folder / json.at("output").get<std::string>());
  OracleEntry entry;
  for (const nlohmann::json& prompt : json.at("prompts")) {
    const auto count = prompt.at("rows").get<size_t>() * prompt.at("cols").get<size_t>();
    entry.prompts.push_back({prompt.at("tokens").get<std::vector<TokenId>>(),
                             floats_at(bytes, prompt.at("offset_bytes").get<size_t>(), count)});
  }
  entry.tolerance_max = json.at("tolerance").at("f32").at("max").get<double>();
  entry.tolerance_rms = json.at("tolerance").at("f32").at("rms").get<double>();
  return entry;
}

void check_close(const OracleEntry& entry, const Prompt& prompt, const std::vector<float>& logits) {
  REQUIRE(logits.size() == prompt.expected.size());
  double largest = 0;
  double squares = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double difference = std::abs(static_cast<double>(logits[i]) - prompt.expected[i]);
    // A NaN must not slip through the comparison.
    largest = difference <= largest ? largest : difference;
    squares += difference * difference;
  }
  CHECK(largest <= entry.tolerance_max);
  CHECK(std::sqrt(squares / static_cast<double>(logits.size())) <= entry.tolerance_rms);
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

const std::vector<std::string> architectures = {"llama",   "llama-linear", "llama-yarn", "llama3",
                                                "mistral", "qwen2",        "qwen3",      "gemma3",
                                                "mixtral", "qwen2moe",     "qwen3moe",   "gpt-oss"};

}  // namespace

TEST_CASE("logits of every architecture agree with the oracle") {
  const auto folder = shared_path("oracle/archs");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  const KernelTables tables = engine::available_kernels();
  for (const std::string& name : architectures) {
    const OracleEntry entry = read_entry(*folder, name);
    const GgufFile file = GgufFile::open(*folder / (name + ".gguf"));
    for (int32_t t = 0; t < tables.count; ++t) {
      ModelHarness::Options options;
      options.kernels = tables.tables[t];
      options.threads = 2;
      ModelHarness model(file, options);
      for (const Prompt& prompt : entry.prompts) {
        INFO(name << ", " << tables.tables[t]->name << ", " << prompt.tokens.size() << " tokens");
        const std::vector<size_t> ones(prompt.tokens.size(), 1);
        const std::vector<float> whole =
            run_in_steps(model, prompt.tokens, {prompt.tokens.size()}, Role::prompt);
        check_close(entry, prompt, whole);
        CHECK(run_in_steps(model, prompt.tokens, ones, Role::prompt) == whole);
        CHECK(run_in_steps(model, prompt.tokens, random_sizes(prompt.tokens.size(), 7),
                           Role::prompt) == whole);
        const std::vector<float> decoded = run_in_steps(model, prompt.tokens, ones, Role::decode);
        check_close(entry, prompt, decoded);
        if (options.kernels->roles_agree) CHECK(decoded == whole);
      }
    }
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

TEST_CASE("kernel tables and thread counts give the same bits") {
  const auto folder = shared_path("oracle/archs");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  const KernelTables tables = engine::available_kernels();
  for (const std::string& name : architectures) {
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

void check_golden(const std::filesystem::path& folder, const std::string& model_file) {
  const nlohmann::json golden = nlohmann::json::parse(read_file(folder / "golden.json"));
  const GgufFile file = GgufFile::open(folder / model_file);
  const KernelTables tables = engine::available_kernels();
  for (int32_t t = 0; t < tables.count; ++t) {
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

}  // namespace

TEST_CASE("greedy continuations of small real models are the known ones") {
  const auto folder = shared_path("data/models");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  check_golden(*folder / "stories260K", "stories260K-f32.gguf");
  check_golden(*folder / "babyllama-tok361", "babyllama-tok361-f32.gguf");
  check_golden(*folder / "tinystories-656k", "tinystories-656k-f32.gguf");
}

}  // namespace hearth::testing
