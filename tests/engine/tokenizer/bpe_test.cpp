// Byte-level merging against its definition, on random vocabularies and texts: whatever the encoder
// does to be fast (cuts, heaps, remembered words) must not show.
#include "engine/tokenizer/bpe.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/tokenizer/tokenizer.h"
#include "tests/engine/tokenizer/test_vocabulary.h"

namespace hearth::engine {
namespace {

struct RandomVocabulary {
  std::vector<std::string> tokens{"a", "b", "c", "d"};
  std::map<std::pair<std::string, std::string>, size_t> ranks;
  std::vector<std::string> merges;

  RandomVocabulary(std::mt19937& random, size_t count) {
    while (merges.size() < count) {
      const std::string left = tokens[random() % tokens.size()];
      const std::string right = tokens[random() % tokens.size()];
      if (!ranks.emplace(std::pair(left, right), merges.size()).second) continue;
      merges.push_back(left + " " + right);
      const std::string whole = left + right;
      if (std::find(tokens.begin(), tokens.end(), whole) == tokens.end()) tokens.push_back(whole);
    }
  }

  std::unique_ptr<const Tokenizer> make() const {
    MetadataBuilder builder;
    // A rule that leaves letters together.
    builder.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", "superbpe");
    builder.texts("tokenizer.ggml.tokens", tokens).texts("tokenizer.ggml.merges", merges);
    return make_tokenizer(builder.build());
  }

  // The lowest rank first, the leftmost of equal ones.
  std::vector<TokenId> merge(const std::string& text) const {
    std::vector<std::string> parts;
    for (const char c : text) parts.emplace_back(1, c);
    while (true) {
      size_t best = parts.size();
      size_t best_rank = merges.size();
      for (size_t i = 0; i + 1 < parts.size(); ++i) {
        const auto place = ranks.find({parts[i], parts[i + 1]});
        if (place == ranks.end() || place->second >= best_rank) continue;
        best = i;
        best_rank = place->second;
      }
      if (best == parts.size()) break;
      parts[best] += parts[best + 1];
      parts.erase(parts.begin() + static_cast<ptrdiff_t>(best) + 1);
    }
    std::vector<TokenId> ids;
    for (const std::string& part : parts) {
      ids.push_back(
          static_cast<TokenId>(std::find(tokens.begin(), tokens.end(), part) - tokens.begin()));
    }
    return ids;
  }
};

}  // namespace

TEST_CASE("merging is as defined, for every length of word and again", "[tokenizer]") {
  std::mt19937 random(11);
  for (const size_t merges : {3, 8, 14, 40}) {
    for (int round = 0; round < 20; ++round) {
      const RandomVocabulary vocabulary(random, merges);
      const auto tokenizer = vocabulary.make();
      for (size_t length = 1; length <= 120; length += 1 + random() % 7) {
        std::string word;
        while (word.size() < length) word.push_back("abcd"[random() % 4]);
        const auto expected = vocabulary.merge(word);
        INFO(word);
        CHECK(tokenizer->encode(word, Specials::as_text) == expected);
        CHECK(tokenizer->encode(word, Specials::as_text) == expected);
      }
    }
  }
}

TEST_CASE("words that come again in a text give the same tokens", "[tokenizer]") {
  std::mt19937 random(12);
  const RandomVocabulary vocabulary(random, 20);
  const auto tokenizer = vocabulary.make();
  std::string text;
  std::vector<TokenId> expected;
  for (int i = 0; i < 3000; ++i) {
    std::string word;
    for (size_t size = 1 + random() % 4; size > 0; --size) word.push_back("abcd"[random() % 4]);
    const auto ids = vocabulary.merge(word);
    expected.insert(expected.end(), ids.begin(), ids.end());
    // The rule keeps digits apart, and the vocabulary has none: they are dropped.
    text += word + "1";
  }
  CHECK(tokenizer->encode(text, Specials::as_text) == expected);
}

}  // namespace hearth::engine
