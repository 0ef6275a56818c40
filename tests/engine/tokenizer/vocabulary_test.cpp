#include "engine/tokenizer/vocabulary.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "tests/engine/tokenizer/test_vocabulary.h"

namespace hearth::engine {
namespace {

Vocabulary load(const MetadataBuilder& builder) {
  return Vocabulary(builder.build(), {1, 2, 0});
}

MetadataBuilder three_tokens() {
  MetadataBuilder builder;
  builder.texts("tokenizer.ggml.tokens", {"<unk>", "<s>", "</s>"});
  return builder;
}

}  // namespace

TEST_CASE("roles come from keys, defaults and spellings", "[tokenizer]") {
  MetadataBuilder builder;
  builder.texts("tokenizer.ggml.tokens",
                {"<unk>", "<s>", "</s>", "<|im_end|>", "<|fim_prefix|>", "word"});
  builder.number("tokenizer.ggml.eos_token_id", 5);
  const auto vocabulary = load(builder);
  CHECK(vocabulary.roles().bos == 1);
  CHECK(vocabulary.roles().eos == 5);
  CHECK(vocabulary.roles().eot == 3);
  CHECK(vocabulary.roles().fim_prefix == 4);
  CHECK_FALSE(vocabulary.roles().eom);
  CHECK(vocabulary.kind(3) == TokenKind::control);
  CHECK(vocabulary.kind(5) == TokenKind::normal);
  for (const TokenId end : {2, 3, 5}) CHECK(vocabulary.is_end_of_generation(end));
  for (const TokenId other : {0, 1, 4}) CHECK_FALSE(vocabulary.is_end_of_generation(other));
}

TEST_CASE("in harmony vocabularies only return and call end an answer", "[tokenizer]") {
  MetadataBuilder builder;
  builder.texts("tokenizer.ggml.tokens", {"a", "<|return|>", "<|call|>", "<|end|>"});
  builder.number("tokenizer.ggml.eos_token_id", 1);
  const auto vocabulary = Vocabulary(builder.build(), {});
  CHECK(vocabulary.is_end_of_generation(1));
  CHECK(vocabulary.is_end_of_generation(2));
  CHECK_FALSE(vocabulary.is_end_of_generation(3));
}

TEST_CASE("odd ids that mean nothing are tolerated", "[tokenizer]") {
  auto builder = three_tokens();
  builder.number("tokenizer.ggml.seperator_token_id", 4294967295u)
      .number("tokenizer.ggml.padding_token_id", 99);
  builder.number("tokenizer.ggml.bos_token_id", 4294967295u);
  const auto vocabulary = load(builder);
  CHECK_FALSE(vocabulary.roles().separator);
  CHECK_FALSE(vocabulary.roles().padding);
  CHECK_FALSE(vocabulary.roles().bos);
}

TEST_CASE("a vocabulary that contradicts itself is one clear error", "[tokenizer]") {
  CHECK_THROWS_WITH(load(MetadataBuilder()), Catch::Contains("tokenizer.ggml.tokens"));
  CHECK_THROWS_WITH(load(MetadataBuilder().texts("tokenizer.ggml.tokens", {})),
                    Catch::Contains("empty"));
  CHECK_THROWS_WITH(
      load(MetadataBuilder().texts("tokenizer.ggml.tokens", {std::string(100'000, 'a')})),
      Catch::Contains("100000 bytes"));
  CHECK_THROWS_WITH(load(three_tokens().numbers("tokenizer.ggml.token_type", {1, 1})),
                    Catch::Contains("2 values, expected 3"));
  CHECK_THROWS_WITH(load(three_tokens().numbers("tokenizer.ggml.token_type", {1, 9, 1})),
                    Catch::Contains("token_type[1] is 9"));
  CHECK_THROWS_WITH(load(three_tokens().floats("tokenizer.ggml.scores", {1})),
                    Catch::Contains("1 values, expected 3"));
  CHECK_THROWS_WITH(load(three_tokens().number("tokenizer.ggml.eos_token_id", 3)),
                    Catch::Contains("eos_token_id is 3"));
}

}  // namespace hearth::engine
