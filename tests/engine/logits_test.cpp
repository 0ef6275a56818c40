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
