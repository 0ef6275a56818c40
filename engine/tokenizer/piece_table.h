// What every token prints, worked out once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/token_id.h"

namespace hearth::engine {

// Filled in order of ids, then only read.
class PieceTable {
 public:
  void add(std::string_view bytes) {
    arena_ += bytes;
    ends_.push_back(arena_.size());
  }
  std::string_view operator[](TokenId id) const {
    const auto i = static_cast<size_t>(id);
    const uint64_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(arena_).substr(begin, ends_[i] - begin);
  }

 private:
  std::string arena_;
  std::vector<uint64_t> ends_;
};

}  // namespace hearth::engine
