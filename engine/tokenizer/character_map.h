// The normalisation rules SentencePiece compiles into a vocabulary (key precompiled_charsmap):
// which runs of characters are replaced by which text before anything else happens. The key holds a
// trie of all runs as a double array, then the replacements, each ended by a zero byte. Every
// access is checked: the bytes come from a file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::engine {

class CharacterMap {
 public:
  // Without rules.
  CharacterMap() = default;
  // `blob` as in the file. Throws Error{corrupt_data} naming `what` when the sizes in it contradict
  // each other.
  CharacterMap(const std::string& what, std::string_view blob);

  struct Replacement {
    size_t size = 0;        // bytes of the text it stands for
    std::string_view text;  // may be empty; valid as long as the map
  };
  // The rule for the longest run at the beginning of `text`; absent when none begins so.
  std::optional<Replacement> find(std::string_view text) const;

 private:
  std::vector<uint32_t> trie_;
  std::string replacements_;
};

}  // namespace hearth::engine
