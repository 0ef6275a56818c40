#include "engine/logits.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "tests/support/tiny_model.h"

namespace hearth::engine {
namespace {

std::vector<float> logits_of(const GgufFile& file, const std::vector<TokenId>& tokens,
                             const LogitsOptions& options) {
  std::vector<float> all;
  evaluate_logits(file, tokens, options, [&](std::span<const float> rows, int64_t vocab_size) {
    CHECK(vocab_size == 50);
    all.insert(all.end(), rows.begin(), rows.end());
  });
  return all;
}

}  // namespace

TEST_CASE("logits of every token, the same for every batch") {
  const GgufFile file = testing::TinyModel{}.open();
  std::vector<TokenId> tokens;
  for (TokenId i = 0; i < 40; ++i) tokens.push_back(i);
  LogitsOptions options;
  options.threads = 1;
  const std::vector<float> whole = logits_of(file, tokens, options);
  REQUIRE(whole.size() == 40 * 50);
  options.batch = 7;
  CHECK(logits_of(file, tokens, options) == whole);
  options.decode_role = true;
  if (find_kernels("")->roles_agree) CHECK(logits_of(file, tokens, options) == whole);
}

TEST_CASE("tokens are cut into sequences of their own") {
  const GgufFile file = testing::TinyModel{}.open();
  std::vector<TokenId> tokens;
  for (TokenId i = 0; i < 40; ++i) tokens.push_back((i * 7) % 50);
  LogitsOptions options;
  options.threads = 1;
  std::vector<float> expected;
  for (size_t first = 0; first < tokens.size(); first += 15) {
    const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(first);
    const auto count = static_cast<std::ptrdiff_t>(std::min<size_t>(15, tokens.size() - first));
    const std::vector<float> rows = logits_of(file, {begin, begin + count}, options);
    expected.insert(expected.end(), rows.begin(), rows.end());
  }
  options.context = 15;
  for (const int32_t batch : {4, 15, 512}) {
    options.batch = batch;
    CHECK(logits_of(file, tokens, options) == expected);
  }
}

TEST_CASE("bad requests for logits are refused") {
  const GgufFile file = testing::TinyModel{}.open();
  LogitsOptions options;
  CHECK_THROWS_AS(logits_of(file, {}, options), Error);
  CHECK_THROWS_AS(logits_of(file, {-5}, options), Error);
  CHECK_THROWS_AS(logits_of(file, {-1}, options), Error);
  options.batch = 0;
  CHECK_THROWS_AS(logits_of(file, {1}, options), Error);
}

}  // namespace hearth::engine
