#include "engine/tokenizer/special_splitter.h"

#include <catch2/catch.hpp>
#include <chrono>

#include "tests/engine/tokenizer/test_vocabulary.h"

namespace hearth::engine {
namespace {

constexpr int32_t control = 3;
constexpr int32_t user_defined = 4;

Vocabulary vocabulary_of(const std::vector<std::string>& texts, const std::vector<int32_t>& kinds) {
  MetadataBuilder builder;
  builder.texts("tokenizer.ggml.tokens", texts).numbers("tokenizer.ggml.token_type", kinds);
  return Vocabulary(builder.build(), {});
}

std::string matches(const SpecialSplitter& splitter, std::string_view text,
                    std::vector<TextRange> trusted) {
  std::string list;
  for (const auto& match : splitter.find(text, trusted)) {
    list += std::to_string(match.id) + "@" + std::to_string(match.begin) + "-" +
            std::to_string(match.end) + " ";
  }
  return list;
}

}  // namespace

TEST_CASE("the longest special token wins, then the leftmost", "[tokenizer]") {
  const auto vocabulary = vocabulary_of({"ab", "abcd", "bc", "cdefg", "x"}, {4, 4, 4, 4, 1});
  const SpecialSplitter splitter(vocabulary);
  CHECK(matches(splitter, "ab bc abab", {}) == "0@0-2 2@3-5 0@6-8 0@8-10 ");
  CHECK(matches(splitter, "abcd", {}) == "1@0-4 ");
  // A longer token further right takes bytes from a shorter one on its left.
  CHECK(matches(splitter, "abcdefg", {}) == "0@0-2 3@2-7 ");
  CHECK(matches(splitter, "xyz", {}).empty());
  CHECK(matches(splitter, "", {}).empty());
}

TEST_CASE("control tokens are found in trusted text only", "[tokenizer]") {
  const auto vocabulary = vocabulary_of({"<|s|>", "<u>", "<|"}, {control, user_defined, control});
  const SpecialSplitter splitter(vocabulary);
  const std::string_view text = "<|s|><u><|s|>";
  CHECK(matches(splitter, text, {}) == "1@5-8 ");
  CHECK(matches(splitter, text, {{0, 13}}) == "0@0-5 1@5-8 0@8-13 ");
  CHECK(matches(splitter, text, {{8, 13}}) == "1@5-8 0@8-13 ");
  // Half of a spelling does not count, but a shorter token inside the trusted half does.
  CHECK(matches(splitter, text, {{0, 4}, {9, 13}}) == "2@0-2 1@5-8 ");
}

TEST_CASE("runs of overlapping special tokens take no quadratic time", "[tokenizer]") {
  std::vector<std::string> texts;
  for (size_t length = 1; length <= 31; ++length) texts.emplace_back(length, '\n');
  const auto vocabulary = vocabulary_of(texts, std::vector<int32_t>(texts.size(), user_defined));
  const SpecialSplitter splitter(vocabulary);
  const auto start = std::chrono::steady_clock::now();
  const auto found = splitter.find(std::string(1'000'000, '\n'), {});
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(30));
  REQUIRE(found.size() == 1'000'000 / 31 + 1);
  CHECK(found.front().id == 30);
  CHECK(found.back().id == 1'000'000 % 31 - 1);
}

}  // namespace hearth::engine
