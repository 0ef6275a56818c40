#include "engine/tokenizer/byte_map.h"

#include <catch2/catch.hpp>
#include <set>

#include "base/utf8.h"

namespace hearth::engine {

TEST_CASE("every byte has a spelling of its own and comes back", "[tokenizer]") {
  std::set<std::string> seen;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string spelling = spell_byte(static_cast<uint8_t>(byte));
    CHECK(is_valid_utf8(spelling));
    CHECK(unspell_bytes(spelling) == std::string(1, static_cast<char>(byte)));
    seen.insert(spelling);
  }
  CHECK(seen.size() == 256);
  CHECK(spell_byte('A') == "A");
  CHECK(spell_byte(' ') == "\u0120");
  CHECK(spell_byte('\n') == "\u010A");
}

TEST_CASE("what spells no byte is absent or stands for itself", "[tokenizer]") {
  CHECK_FALSE(unspell_bytes("a b"));
  CHECK_FALSE(unspell_bytes("\u4e16"));
  CHECK_FALSE(unspell_bytes("\xFF"));
  CHECK(unspell_leniently("\u0120a \u4e16") == " a \u4e16");
  CHECK(unspell_leniently("\xFFz") == "\xFFz");
}

}  // namespace hearth::engine
