// The ordinary algorithm of a vocabulary family: text without special tokens to ids.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/token_id.h"

namespace hearth::engine {

// Whether merging plain text may end in a control token.
enum class ControlTokens : uint8_t { excluded, reachable };

// Immutable and thread-safe after construction, apart from memos that do not change results.
class FragmentEncoder {
 public:
  FragmentEncoder() = default;
  FragmentEncoder(const FragmentEncoder&) = delete;
  FragmentEncoder& operator=(const FragmentEncoder&) = delete;
  virtual ~FragmentEncoder() = default;

  // Appends the ids of `text`, which is not empty and smaller than 2 GiB. `begins`: the text stands
  // at the beginning or behind a special token.
  virtual void encode(std::string_view text, bool begins, ControlTokens controls,
                      std::vector<TokenId>& ids) const = 0;
};

}  // namespace hearth::engine
