// Words that were encoded before in the same text: most words of a text come again. A small table
// that forgets what is in the way, so its size is bounded whatever the text.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "engine/token_id.h"

namespace hearth::engine {

// Belongs to one call of encode.
class WordCache {
 public:
  // The words looked up are parts of one text of this size, which outlives the cache.
  explicit WordCache(size_t text_bytes)
      : slots_(std::bit_ceil(std::clamp<size_t>(text_bytes / 8, 1, slots_max))) {}

  // Appends to `ids` what `encode()` appends to it for this word: from the table where the word is
  // known. The table refers to tokens of `ids`, which must only grow.
  template <typename Encode>
  void append(std::string_view word, std::vector<TokenId>& ids, const Encode& encode) {
    if (word.size() > word_bytes_max) return encode();
    Slot& slot = slots_[hash(word) & (slots_.size() - 1)];
    if (std::string_view(slot.data, slot.size) == word) {
      for (uint32_t i = 0; i < slot.count; ++i) ids.push_back(ids[slot.first + i]);
      return;
    }
    const size_t first = ids.size();
    encode();
    slot = {word.data(), static_cast<uint32_t>(word.size()), static_cast<uint32_t>(first),
            static_cast<uint32_t>(ids.size() - first)};
  }

 private:
  static constexpr size_t slots_max = 8192;
  static constexpr size_t word_bytes_max = 64;

  struct Slot {
    const char* data = nullptr;
    uint32_t size = 0;
    uint32_t first = 0;  // its tokens are ids[first] to ids[first + count - 1]
    uint32_t count = 0;
  };

  static uint64_t load(const char* data, size_t size) {
    uint64_t value = 0;
    std::memcpy(&value, data, size);
    return value;
  }
  static uint64_t hash(std::string_view word) {
    constexpr uint64_t factor = 0x9E3779B97F4A7C15u;
    uint64_t h = word.size();
    size_t at = 0;
    for (; at + 8 <= word.size(); at += 8) h = (h ^ load(word.data() + at, 8)) * factor;
    for (; at < word.size(); ++at) h = h * 31 + static_cast<unsigned char>(word[at]);
    h *= factor;
    return h ^ (h >> 32);
  }

  std::vector<Slot> slots_;
};

}  // namespace hearth::engine
