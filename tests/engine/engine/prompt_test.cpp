// Prompts of parts, and prompts that are too long.
#include "engine/engine/prompt.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

#include "base/error.h"
#include "tests/support/gguf_files.h"
#include "tests/support/speaking_model.h"

using namespace hearth;
using namespace hearth::engine;
using namespace hearth::testing;

namespace {

std::vector<TokenId> tokens_up_to(TokenId count) {
  std::vector<TokenId> tokens(static_cast<size_t>(count));
  std::iota(tokens.begin(), tokens.end(), 0);
  return tokens;
}

}  // namespace

TEST_CASE("a begin-of-sequence token stands in front exactly once") {
  const GgufFile file = open_gguf(SpeakingModel({}).bytes());
  const std::unique_ptr<const Tokenizer> tokenizer = make_tokenizer(file);
  const TokenId bos = tokenizer->bos().value();
  const std::vector<TokenId> plain =
      tokenize_prompt(*tokenizer, std::vector<PromptPart>{{"abc", false, {}}});
  REQUIRE(plain.front() == bos);
  REQUIRE(plain[1] != bos);
  // A template that writes it itself.
  REQUIRE(tokenize_prompt(*tokenizer, std::vector<PromptPart>{{"<s>", true, {}},
                                                              {"abc", false, {}}})[1] != bos);
  // What people write never becomes one.
  const std::vector<TokenId> typed =
      tokenize_prompt(*tokenizer, std::vector<PromptPart>{{"<s>", false, {}}});
  REQUIRE(std::count(typed.begin(), typed.end(), bos) == 1);
  REQUIRE(typed.size() > 3);
  // Ready tokens stay what they are.
  REQUIRE(tokenize_prompt(*tokenizer, std::vector<PromptPart>{{"", false, {bos, 261, 262}}}) ==
          std::vector<TokenId>{bos, 261, 262});
  REQUIRE(tokenize_prompt(*tokenizer, {}) == std::vector<TokenId>{bos});
  REQUIRE_THROWS_AS(tokenize_prompt(*tokenizer, std::vector<PromptPart>{{"", true, {-1}}}), Error);
  REQUIRE_THROWS_AS(tokenize_prompt(*tokenizer, std::vector<PromptPart>{{"", true, {286}}}), Error);
}

TEST_CASE("a prompt that leaves room for one token fits") {
  REQUIRE(fit_prompt(tokens_up_to(99), {.context_tokens = 100}).size() == 99);
  REQUIRE_THROWS_WITH(fit_prompt(tokens_up_to(100), {.context_tokens = 100}),
                      "prompt is 100 tokens, but the context length is 100 tokens, all that this "
                      "model has here: shorten it, or send \"truncate\": true");
  REQUIRE_THROWS_WITH(
      fit_prompt(tokens_up_to(100), {.context_tokens = 100, .context_tokens_max = 101}),
      "prompt is 100 tokens, but the context length is 100 tokens: shorten it, raise num_ctx, or "
      "send \"truncate\": true");
}

TEST_CASE("truncation keeps the beginning it was asked for and the end") {
  const std::vector<TokenId> all = tokens_up_to(1000);
  const std::vector<TokenId> cut =
      fit_prompt(all, {.context_tokens = 80, .truncate = true, .keep_tokens = 4});
  REQUIRE(cut.size() == 70);
  REQUIRE(cut[3] == 3);
  REQUIRE(cut[4] == 934);
  REQUIRE(cut.back() == 999);
  REQUIRE(
      fit_prompt(all, {.context_tokens = 80, .truncate = true, .answer_tokens_max = 2}).size() ==
      78);
  REQUIRE(fit_prompt(all, {.context_tokens = 80, .truncate = true, .keep_tokens = -1}).back() ==
          69);
  REQUIRE(
      fit_prompt(all, {.context_tokens = 80, .truncate = true, .keep_tokens = 1 << 30}).back() ==
      69);
  REQUIRE(fit_prompt(all, {.context_tokens = 2, .truncate = true}) == std::vector<TokenId>{999});
  REQUIRE_THROWS_AS(fit_prompt(all, {.context_tokens = 1, .truncate = true}), Error);
}
