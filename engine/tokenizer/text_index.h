// A hash table from byte strings to token ids, filled once and then only read.
// The strings stay where they are; the table keeps views. The hash is seeded at random, so a
// hostile vocabulary cannot choose strings that collide.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/token_id.h"

namespace hearth::engine {

class TextIndex {
 public:
  // Room for `count` strings.
  explicit TextIndex(size_t count);

  // A string added twice finds the id added last. The bytes must outlive the index.
  void add(std::string_view text, TokenId id);
  std::optional<TokenId> find(std::string_view text) const;
  // Length of the longest string added; longer ones need not be looked up.
  size_t text_size_max() const { return text_size_max_; }

 private:
  struct Slot {
    const char* data = nullptr;  // null: free
    uint32_t size = 0;
    TokenId id = -1;
  };

  uint64_t hash(std::string_view text) const;
  size_t slot_of(std::string_view text) const;

  std::vector<Slot> slots_;
  uint64_t mask_;
  uint64_t seed_;
  size_t text_size_max_ = 0;
};

}  // namespace hearth::engine
