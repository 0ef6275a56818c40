// What a sequence said before, found again; against a search through everything.
#include "engine/speculation/lookup_index.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

using namespace hearth::engine;

namespace {

// The longest earlier occurrence of the end, by looking everywhere.
int64_t longest_match(std::span<const TokenId> tokens) {
  int64_t best = 0;
  for (size_t end = 1; end < tokens.size(); ++end) {
    int64_t length = 0;
    while (length < static_cast<int64_t>(end) &&
           tokens[end - 1 - static_cast<size_t>(length)] ==
               tokens[tokens.size() - 1 - static_cast<size_t>(length)]) {
      ++length;
    }
    best = std::max(best, std::min(length, LookupIndex::length_max));
  }
  return best < 2 ? 0 : best;
}

std::vector<TokenId> text_of(std::mt19937& random, size_t count, uint32_t vocabulary) {
  std::vector<TokenId> tokens;
  while (tokens.size() < count) {
    // Quotes of itself between new words.
    if (tokens.size() > 20 && random() % 8 == 0) {
      const size_t first = random() % (tokens.size() - 12);
      for (size_t i = 0; i < 12; ++i) tokens.push_back(tokens[first + i]);
    } else {
      tokens.push_back(static_cast<TokenId>(random() % vocabulary));
    }
  }
  return tokens;
}

}  // namespace

TEST_CASE("lookup finds where the end stood before, token by token and all at once") {
  std::mt19937 random(3);
  const std::vector<TokenId> tokens = text_of(random, 900, 400);
  LookupIndex one_by_one;
  int64_t found = 0;
  for (size_t count = 1; count <= tokens.size(); ++count) {
    const std::span<const TokenId> known = std::span(tokens).first(count);
    one_by_one.extend(known);
    const int64_t length = one_by_one.match_length();
    // A rare run has few occurrences: none can be missed.
    REQUIRE(length == longest_match(known));
    if (length == 0) continue;
    ++found;
    // The guess follows an occurrence of that length.
    const TokenId guess = one_by_one.guess(known, 0);
    bool is_right = false;
    for (size_t end = static_cast<size_t>(length); end < count && !is_right; ++end) {
      is_right = known[end] == guess &&
                 std::equal(known.end() - length, known.end(),
                            known.begin() + static_cast<std::ptrdiff_t>(end) - length);
    }
    REQUIRE(is_right);
  }
  REQUIRE(found > 200);
  LookupIndex at_once;
  at_once.extend(tokens);
  REQUIRE(at_once.match_length() == one_by_one.match_length());
}

TEST_CASE("a text that repeats itself is guessed beyond its end") {
  const std::vector<TokenId> tokens = {7, 1, 2, 3, 1, 2, 3, 1, 2};
  LookupIndex index;
  index.extend(tokens);
  REQUIRE(index.match_length() >= 5);
  const std::vector<TokenId> expected = {3, 1, 2, 3, 1, 2, 3};
  for (size_t i = 0; i < expected.size(); ++i)
    REQUIRE(index.guess(tokens, static_cast<int64_t>(i)) == expected[i]);
}

TEST_CASE("a long match is counted up to a limit, and forgotten with everything else") {
  const std::vector<TokenId> tokens(500, 9);
  LookupIndex index;
  index.extend(tokens);
  REQUIRE(index.match_length() == LookupIndex::length_max);
  index.clear();
  REQUIRE(index.match_length() == 0);
  REQUIRE(index.token_count() == 0);
  index.extend(std::vector<TokenId>{1, 2});
  REQUIRE(index.match_length() == 0);
}
