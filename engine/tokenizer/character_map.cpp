#include "engine/tokenizer/character_map.h"

#include <fmt/format.h>

#include "base/error.h"

namespace hearth::engine {
namespace {

constexpr size_t word_bytes = sizeof(uint32_t);

uint32_t read_word(std::string_view bytes, size_t at) {
  uint32_t word = 0;
  for (size_t i = 0; i < word_bytes; ++i)
    word |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return word;
}

// The fields of a trie word: the byte that leads here (bit 31 marks values, which no byte equals),
// whether a run ends here, and by what the place of the children differs.
uint32_t label(uint32_t word) {
  return word & 0x800000FFu;
}
bool ends_run(uint32_t word) {
  return (word & 0x100u) != 0;
}
uint32_t offset(uint32_t word) {
  return (word >> 10) << ((word & 0x200u) != 0 ? 8 : 0);
}

}  // namespace

CharacterMap::CharacterMap(const std::string& what, std::string_view blob) {
  const size_t trie_bytes = blob.size() < word_bytes ? 0 : read_word(blob, 0);
  if (blob.size() < word_bytes || trie_bytes == 0 || trie_bytes % word_bytes != 0 ||
      trie_bytes >= blob.size() - word_bytes) {
    throw Error(
        ErrorCode::corrupt_data,
        fmt::format("{}: tokenizer.ggml.precompiled_charsmap of {} bytes says its trie has {}",
                    what, blob.size(), trie_bytes));
  }
  trie_.resize(trie_bytes / word_bytes);
  for (size_t i = 0; i < trie_.size(); ++i) trie_[i] = read_word(blob, (i + 1) * word_bytes);
  replacements_ = blob.substr(word_bytes + trie_bytes);
}

std::optional<CharacterMap::Replacement> CharacterMap::find(std::string_view text) const {
  if (trie_.empty()) return std::nullopt;
  std::optional<Replacement> longest;
  uint32_t at = offset(trie_[0]);
  for (size_t i = 0; i < text.size() && text[i] != '\0'; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    at ^= byte;
    if (at >= trie_.size() || label(trie_[at]) != byte) break;
    const uint32_t word = trie_[at];
    at ^= offset(word);
    if (!ends_run(word) || at >= trie_.size()) continue;
    const size_t begin = trie_[at] & 0x7FFFFFFFu;
    if (begin >= replacements_.size()) continue;
    const auto rest = std::string_view(replacements_).substr(begin);
    longest = {i + 1, rest.substr(0, rest.find('\0'))};
  }
  return longest;
}

}  // namespace hearth::engine
