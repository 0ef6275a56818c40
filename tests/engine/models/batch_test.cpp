// A sequence must not notice its neighbours: the logits of a decoding sequence are the same bits
// alone and among others of other lengths, on other pages, beside prompts, with any number of
// threads.
#include <catch2/catch.hpp>
#include <filesystem>
#include <random>
#include <string>

#include "engine/gguf/reader.h"
#include "engine/models/architecture.h"
#include "tests/support/model_harness.h"
#include "tests/support/shared.h"

namespace hearth::testing {
namespace {

using engine::GgufFile;
using engine::Role;
using engine::TokenId;

constexpr size_t decoded_tokens = 6;

std::vector<TokenId> random_tokens(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<TokenId> tokens(count);
  for (TokenId& token : tokens) token = static_cast<TokenId>(random() % 260);
  return tokens;
}

// Logits of `tokens` decoded behind `prompt`, in steps shared with `others` further sequences.
std::vector<float> decode_among(ModelHarness& model, const std::vector<TokenId>& prompt,
                                const std::vector<TokenId>& tokens, size_t others) {
  std::vector<int32_t> sequences;
  const size_t own_place = others / 2;
  for (size_t i = 0; i <= others; ++i) {
    const std::vector<TokenId> other = random_tokens(3 + 7 * i % 60, static_cast<uint32_t>(i));
    sequences.push_back(model.add_sequence());
    model.run_silently({{sequences[i], i == own_place ? prompt : other, Role::prompt}});
  }
  std::vector<float> result;
  for (size_t step = 0; step < tokens.size(); ++step) {
    std::vector<ModelHarness::Piece> pieces;
    for (size_t i = 0; i <= others; ++i) {
      const auto at =
          static_cast<std::ptrdiff_t>(i == own_place ? step : (step + i) % tokens.size());
      pieces.push_back(
          {sequences[i], std::span<const TokenId>(tokens.data() + at, 1), Role::decode});
    }
    const std::vector<float> logits = model.run(pieces);
    const auto vocab = static_cast<size_t>(model.vocab_size());
    const auto own = logits.begin() + static_cast<std::ptrdiff_t>(own_place * vocab);
    result.insert(result.end(), own, own + static_cast<std::ptrdiff_t>(vocab));
  }
  for (int32_t sequence : sequences) model.clear_sequence(sequence);
  return result;
}

void check_file(const GgufFile& file, const std::string& name, size_t prompt_tokens,
                const std::vector<int32_t>& thread_counts = {1, 2, 3}) {
  const std::vector<TokenId> prompt = random_tokens(prompt_tokens, 1234);
  const std::vector<TokenId> tokens = random_tokens(decoded_tokens, 99);
  std::vector<float> alone;
  for (const int32_t threads : thread_counts) {
    ModelHarness::Options options;
    options.kernels = engine::find_kernels("");
    options.threads = threads;
    options.kv_type = engine::KvType::f16;
    options.step_tokens_max = static_cast<int32_t>(prompt_tokens);
    options.pages = 256;
    ModelHarness model(file, options);
    for (size_t others : {0, 1, 7, 15, 31}) {
      INFO(name << ", " << threads << " threads, among " << others);
      const std::vector<float> logits = decode_among(model, prompt, tokens, others);
      if (alone.empty()) alone = logits;
      CHECK(logits == alone);
      model.waste_pages(static_cast<int64_t>(others) / 2 + 1);
    }
  }
}

}  // namespace

TEST_CASE("a decoding sequence gives the same bits whoever else is in the batch") {
  for (const char* name :
       {"oracle/archs/llama.gguf", "oracle/archs/gemma3.gguf", "oracle/archs/qwen3.gguf",
        "oracle/archs/qwen3moe.gguf", "oracle/archs/gpt-oss.gguf",
        "oracle/quantized-models/llama.Q4_K_M.gguf", "oracle/quantized-models/moe.Q4_K.gguf"}) {
    const auto path = shared_path(name);
    if (!path) {
      WARN("skipped: shared data is absent");
      return;
    }
    check_file(GgufFile::open(*path), name, 96);
  }
}

TEST_CASE("the same for every architecture") {
  const auto folder = shared_path("oracle/archs");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  int32_t count = 0;
  for (const auto& item : std::filesystem::directory_iterator(*folder)) {
    if (item.path().extension() != ".gguf") continue;
    const GgufFile file = GgufFile::open(item.path());
    const engine::ArchitectureRow* row =
        engine::find_architecture(file.metadata().require_string("general.architecture"));
    if (row == nullptr || row->is_bidirectional) continue;
    // Embedding models made from a generating one, and rerankers, decode nothing.
    if (item.path().filename().string().starts_with("qwen3-")) continue;
    check_file(file, item.path().filename().string(), 64, {2});
    ++count;
  }
  CHECK(count >= 46);
}

TEST_CASE("the same for weights of every tensor type") {
  const auto folder = shared_path("oracle/quantized-models");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  for (const auto& item : std::filesystem::directory_iterator(*folder)) {
    const std::string name = item.path().filename().string();
    if (item.path().extension() == ".gguf" && name.starts_with("llama."))
      check_file(GgufFile::open(item.path()), name, 64, {2});
  }
}

TEST_CASE("long sequences, whose attention is cut by segments, do not depend on batch or threads") {
  const auto path = shared_path("oracle/archs/llama.gguf");
  if (!path) {
    WARN("skipped: shared data is absent");
    return;
  }
  check_file(GgufFile::open(*path), "llama", 1100);
}

TEST_CASE("a decoding sequence does not notice a prompt in its step") {
  const auto path = shared_path("oracle/quantized-models/llama.Q4_K_M.gguf");
  if (!path) {
    WARN("skipped: shared data is absent");
    return;
  }
  const GgufFile file = GgufFile::open(*path);
  ModelHarness::Options options;
  options.kernels = engine::find_kernels("");
  options.threads = 2;
  ModelHarness model(file, options);
  const std::vector<TokenId> prompt = random_tokens(40, 5);
  const std::vector<TokenId> token = {17};
  const auto vocab = static_cast<size_t>(model.vocab_size());

  const int32_t lone = model.add_sequence();
  model.run_silently({{lone, prompt, Role::prompt}});
  const std::vector<float> expected = model.run({{lone, token, Role::decode}});

  const int32_t shared = model.add_sequence();
  const int32_t reader = model.add_sequence();
  model.run_silently({{shared, prompt, Role::prompt}});
  const std::vector<TokenId> other = random_tokens(50, 6);
  const std::vector<float> both =
      model.run({{shared, token, Role::decode}, {reader, other, Role::prompt}});
  CHECK(std::vector<float>(both.begin(), both.begin() + static_cast<std::ptrdiff_t>(vocab)) ==
        expected);

  // Asking for the last rows only changes nothing either.
  const int32_t third = model.add_sequence();
  model.run_silently({{third, prompt, Role::prompt}});
  const int32_t fourth = model.add_sequence();
  const std::vector<float> last =
      model.run_last({{third, token, Role::decode}, {fourth, other, Role::prompt}});
  REQUIRE(last.size() == 2 * vocab);
  CHECK(std::vector<float>(last.begin(), last.begin() + static_cast<std::ptrdiff_t>(vocab)) ==
        expected);
  CHECK(std::equal(last.begin() + static_cast<std::ptrdiff_t>(vocab), last.end(),
                   both.end() - static_cast<std::ptrdiff_t>(vocab)));
}

}  // namespace hearth::testing
