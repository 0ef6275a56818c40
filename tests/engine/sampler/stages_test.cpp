// Each stage and chains of them against the oracle, and what the oracle cannot see: order, ties,
// selection, windows.
#include "engine/sampler/stages.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "engine/engine/dry_breakers.h"
#include "engine/gguf/reader.h"
#include "engine/sampler/dry.h"
#include "engine/sampler/random.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/support/shared.h"

namespace hearth::engine {
namespace {

using Json = nlohmann::json;
constexpr float infinity = std::numeric_limits<float>::infinity();

std::vector<float> read_floats(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

std::vector<Candidate> candidates_of(std::span<const float> logits) {
  std::vector<Candidate> items;
  for (size_t i = 0; i < logits.size(); ++i)
    items.push_back({static_cast<TokenId>(i), logits[i], 0});
  return items;
}

struct Run {
  const Json& oracle;
  std::shared_ptr<const Tokenizer> tokenizer;  // shared by the runs of a test
};

// Bias and penalties work on the logits, everything behind them on candidates.
void run_on_logits(const Json& stage, const Run& run, std::span<float> logits) {
  const auto vocab_size = static_cast<int64_t>(logits.size());
  if (stage["sampler"] == "logit_bias") {
    for (const auto& pair : stage["bias"]) logits[pair[0].get<size_t>()] += pair[1].get<float>();
  }
  if (stage["sampler"] == "penalties") {
    PenaltyWindow window(
        {stage["repeat"], stage["presence"], stage["frequency"], stage["last_n"].get<int64_t>()},
        vocab_size);
    for (const TokenId id : run.oracle["history"]) window.accept(id);
    window.apply(logits);
  }
  if (stage["sampler"] == "dry") {
    auto last_n = stage["last_n"].get<int64_t>();
    if (last_n < 0) last_n = stage["context"].get<int64_t>();
    DryPenalty dry(
        {stage["multiplier"], stage["base"], stage["allowed_length"].get<int64_t>(), last_n},
        find_breakers(*run.tokenizer, stage["sequence_breakers"].get<std::vector<std::string>>()),
        vocab_size);
    for (const TokenId id : run.oracle["history"]) dry.accept(id);
    dry.apply(logits);
  }
}

void run_on_candidates(const Json& stage, Candidates& candidates) {
  const std::string name = stage["sampler"];
  const auto keep_min = static_cast<size_t>(stage.value("min_keep", 0.0));
  if (name == "top_n_sigma") top_n_sigma(candidates, stage["n"]);
  if (name == "top_k") top_k(candidates, stage["k"].get<int64_t>());
  if (name == "top_p") top_p(candidates, stage["p"], keep_min);
  if (name == "min_p") min_p(candidates, stage["p"], keep_min);
  if (name == "typical") typical_p(candidates, stage["p"], keep_min);
  if (name == "xtc") xtc(candidates, {stage["probability"], stage["threshold"]}, 0.5, keep_min);
  if (name == "temp") temperature(candidates, {stage["t"]});
  if (name == "temp_ext") temperature(candidates, {stage["t"], stage["range"], stage["exponent"]});
}

}  // namespace

TEST_CASE("sampling stages agree with the oracle", "[sampler]") {
  const auto folder = testing::shared_path("oracle/sampling");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  std::ifstream stream(*folder / "tests.json");
  const Json oracle = Json::parse(stream);
  const auto n = oracle["n"].get<size_t>();
  const auto logits = read_floats(*folder / "logits.f32");
  const auto probabilities = read_floats(*folder / "probabilities.f32");
  const auto vocabulary = testing::shared_path("oracle/tokenizers/vocabs/bpe-gpt-2.gguf");
  REQUIRE(vocabulary);
  const Run run{oracle, make_tokenizer(GgufFile::open(*vocabulary))};
  int checked = 0;
  for (const auto& test : oracle["tests"]) {
    const auto& stages = test["chain"];
    ++checked;
    const auto vector = test["vector"].get<size_t>();
    const auto row = test["row"].get<size_t>();
    std::vector<float> used(logits.begin() + static_cast<ptrdiff_t>(vector * n),
                            logits.begin() + static_cast<ptrdiff_t>((vector + 1) * n));
    for (const auto& stage : stages) run_on_logits(stage, run, used);
    auto items = candidates_of(used);
    Candidates candidates{items, false, 0};
    for (const auto& stage : stages) run_on_candidates(stage, candidates);
    softmax(candidates);
    std::vector<float> found(n, 0.0f);
    for (const Candidate& item : candidates.items) found[static_cast<size_t>(item.id)] = item.p;
    const double tolerance = oracle["vectors"][vector] == "large values" ? 1e-4 : 1e-5;
    double worst = 0;
    int wrong_survivors = 0;
    for (size_t i = 0; i < n; ++i) {
      const float wanted = probabilities[row * n + i];
      worst = std::max(worst, static_cast<double>(std::abs(found[i] - wanted)));
      // Probabilities at the edge of what a float can hold may be there or not.
      if ((found[i] > 0) != (wanted > 0) && std::max(found[i], wanted) > 1e-37f) ++wrong_survivors;
    }
    INFO("row " << row << ": " << stages.dump());
    CHECK(worst <= tolerance);
    CHECK(wrong_survivors == 0);
  }
  CHECK(checked == 150);
}

TEST_CASE("selecting the best finds what sorting finds, whatever the order", "[sampler]") {
  constexpr size_t n = 5000;
  std::vector<float> logits(n);
  const auto shape = GENERATE(0, 1, 2, 3, 4);
  for (size_t i = 0; i < n; ++i) {
    const auto noise = static_cast<float>(random_bits(7, i) % 1000) / 10;
    const float shapes[] = {noise, static_cast<float>(i), -static_cast<float>(i), 1.0f,
                            i % 3 == 0 ? -infinity : std::floor(noise / 20)};
    logits[i] = shapes[shape];
  }
  logits[17] = std::numeric_limits<float>::quiet_NaN();
  std::vector<Candidate> expected;
  for (const Candidate& item : candidates_of(logits)) {
    if (item.logit > -infinity) expected.push_back(item);
  }
  std::sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  });
  for (const int64_t keep : {1, 2, 40, 1000, 4999}) {
    CandidateBuffer buffer(n, keep);
    const Candidates found = buffer.select(logits);
    REQUIRE(found.items.size() == std::min<size_t>(static_cast<size_t>(keep), expected.size()));
    REQUIRE(found.is_sorted);
    for (size_t i = 0; i < found.items.size(); ++i) REQUIRE(found.items[i].id == expected[i].id);
  }
  CHECK(best_token(logits) == expected[0].id);
  CandidateBuffer all(n, 0);
  CHECK(all.select(logits).items.size() == expected.size());
}

TEST_CASE("nothing to choose from is said, not guessed", "[sampler]") {
  const std::vector<float> logits(100, -infinity);
  CHECK(best_token(logits) == -1);
  CHECK(CandidateBuffer(100, 40).select(logits).items.empty());
  CHECK(CandidateBuffer(100, 0).select(logits).items.empty());
}

TEST_CASE("the penalty window forgets what has left it", "[sampler]") {
  PenaltyWindow window({1.0f, 0.5f, 1.0f, 3}, 10);
  for (const TokenId id : {1, 1, 2, 3, 3, -1, 99}) window.accept(id);
  std::vector<float> logits(10, 4.0f);
  window.apply(logits);
  CHECK(logits == std::vector<float>{4, 4, 2.5f, 1.5f, 4, 4, 4, 4, 4, 4});
  std::fill(logits.begin(), logits.end(), 4.0f);
  window.apply(logits);
  CHECK(logits[3] == 1.5f);
}

TEST_CASE("XTC leaves the least likely of the likely ones, when it happens", "[sampler]") {
  const auto run = [](float probability, float threshold, double u, size_t keep_min) {
    std::vector<Candidate> items{
        {0, std::log(0.1f), 0}, {1, std::log(0.5f), 0}, {2, std::log(0.4f), 0}};
    Candidates candidates{items, false, 0};
    xtc(candidates, {probability, threshold}, u, keep_min);
    return candidates.items.size();
  };
  CHECK(run(0.5f, 0.2f, 0.49, 1) == 2);
  CHECK(run(0.5f, 0.2f, 0.5, 1) == 3);
  CHECK(run(0.5f, 0.45f, 0, 1) == 3);
  CHECK(run(0.5f, 0.51f, 0, 1) == 3);
  CHECK(run(0.5f, 0.05f, 0, 1) == 1);
  CHECK(run(0.5f, 0.05f, 0, 2) == 3);
}

TEST_CASE("draws follow the probabilities", "[sampler]") {
  std::vector<Candidate> items{
      {5, std::log(0.5f), 0}, {6, std::log(0.3f), 0}, {7, std::log(0.2f), 0}, {8, -infinity, 0}};
  Candidates candidates{items, true, 0};
  CHECK(draw(candidates, 0.0).id == 5);
  CHECK(draw(candidates, 0.49).id == 5);
  CHECK(draw(candidates, 0.51).id == 6);
  CHECK(draw(candidates, 0.79).id == 6);
  CHECK(draw(candidates, 0.81).id == 7);
  CHECK(draw(candidates, std::nextafter(1.0, 0.0)).id == 7);
}

}  // namespace hearth::engine
