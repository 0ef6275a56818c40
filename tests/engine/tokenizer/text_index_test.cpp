#include "engine/tokenizer/text_index.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace hearth::engine {

TEST_CASE("strings of every length are found, others are not", "[tokenizer]") {
  std::vector<std::string> texts;
  for (size_t i = 1; i <= 2000; ++i)
    texts.push_back(std::string(i % 40, 'a') + std::to_string(i) + std::string(1, '\0'));
  TextIndex index(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) index.add(texts[i], static_cast<TokenId>(i));
  for (size_t i = 0; i < texts.size(); ++i) {
    CHECK(index.find(texts[i]) == static_cast<TokenId>(i));
    CHECK_FALSE(index.find(texts[i] + "x"));
  }
  CHECK_FALSE(index.find(""));
  index.add(texts[5], 77);
  CHECK(index.find(texts[5]) == 77);
}

TEST_CASE("an empty index finds nothing", "[tokenizer]") {
  const TextIndex index(0);
  CHECK_FALSE(index.find("a"));
  CHECK(index.text_size_max() == 0);
}

}  // namespace hearth::engine
