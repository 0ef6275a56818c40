#include "engine/tokenizer/byte_trie.h"

#include <catch2/catch.hpp>

namespace hearth::engine {

TEST_CASE("a trie knows what was put in, and nothing else", "[tokenizer]") {
  const ByteTrie trie(
      {{"ab", 1}, {"abc", 2}, {"b", 3}, {"", 4}, {std::string_view("a\0\xFF", 3), 5}, {"b", 6}});
  const auto find = [&](std::string_view text) {
    const auto node = trie.walk(ByteTrie::root, text);
    return node == ByteTrie::none ? -2 : trie.id(node);
  };
  CHECK(find("ab") == 1);
  CHECK(find("abc") == 2);
  CHECK(find("b") == 6);  // the last one holds
  CHECK(find(std::string_view("a\0\xFF", 3)) == 5);
  CHECK(find("a") == -1);
  CHECK(find("") == -1);
  CHECK(find("c") == -2);
  CHECK(find("abcd") == -2);
  CHECK(trie.walk(ByteTrie::none, "a") == ByteTrie::none);
  const auto behind_a = trie.walk(ByteTrie::root, "a");
  CHECK(trie.walk(behind_a, "bc") == trie.walk(ByteTrie::root, "abc"));
}

TEST_CASE("a trie of nothing and of all bytes", "[tokenizer]") {
  CHECK(ByteTrie({}).step(ByteTrie::root, 'a') == ByteTrie::none);
  std::string bytes;
  for (int i = 255; i >= 0; --i) bytes.push_back(static_cast<char>(i));
  std::vector<std::pair<std::string_view, TokenId>> entries;
  for (size_t i = 0; i < bytes.size(); ++i)
    entries.emplace_back(std::string_view(bytes).substr(i, 1), static_cast<TokenId>(i));
  const ByteTrie trie(entries);
  for (size_t i = 0; i < bytes.size(); ++i)
    CHECK(trie.id(trie.step(ByteTrie::root, bytes[i])) == static_cast<TokenId>(i));
}

}  // namespace hearth::engine
