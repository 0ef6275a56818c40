#include "engine/tokenizer/character_map.h"

#include <catch2/catch.hpp>

#include "base/error.h"

namespace hearth::engine {
namespace {

std::string word(uint32_t value) {
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(value >> shift));
  return bytes;
}

// "a" becomes "xy", "ab" nothing. Children of the node at i stand at i ^ offset ^ byte; the value
// of a run stands where the byte zero would.
std::string blob() {
  std::vector<uint32_t> trie(256, 0x80000000u);
  trie[0] = 128u << 10;                         // children from 128 on
  trie[128 ^ 'a'] = (64u << 10) | 0x100 | 'a';  // 225: children at 225 ^ 64 = 161
  trie[161] = 0x80000000u | 0;                  // value: replacement at 0
  trie[161 ^ 'b'] = (1u << 10) | 0x100 | 'b';   // 195: value at 194
  trie[194] = 0x80000000u | 3;
  std::string bytes = word(static_cast<uint32_t>(trie.size() * 4));
  for (const uint32_t entry : trie) bytes += word(entry);
  return bytes + std::string("xy\0\0", 4);
}

}  // namespace

TEST_CASE("the longest run is replaced", "[tokenizer]") {
  const CharacterMap map("test", blob());
  REQUIRE(map.find("ac"));
  CHECK(map.find("ac")->size == 1);
  CHECK(map.find("ac")->text == "xy");
  REQUIRE(map.find("abc"));
  CHECK(map.find("abc")->size == 2);
  CHECK(map.find("abc")->text.empty());
  CHECK_FALSE(map.find("b"));
  CHECK_FALSE(map.find(""));
  CHECK_FALSE(CharacterMap().find("a"));
}

TEST_CASE("a map that contradicts itself is refused, and one that points outside does nothing",
          "[tokenizer]") {
  for (const std::string& bad :
       {std::string("ab"), word(8) + word(0), word(3) + "abcdef", word(0) + "x"})
    CHECK_THROWS_WITH(CharacterMap("test.gguf", bad), Catch::Contains("precompiled_charsmap"));
  const CharacterMap outside("test", word(4) + word(0x3FFFFu << 10) + std::string("x"));
  CHECK_FALSE(outside.find("abc"));
  const CharacterMap cut("test", blob().substr(0, blob().size() - 2));
  CHECK(cut.find("ab")->size == 1);  // the replacement of "ab" lies behind the end
}

}  // namespace hearth::engine
