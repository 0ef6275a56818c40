#include "engine/tokenizer/merge_list.h"

#include <fmt/format.h>

#include <string>

#include "base/error.h"
#include "engine/gguf/metadata.h"

namespace hearth::engine {

PairTable read_merges(const Vocabulary& vocabulary, std::span<const std::string_view> merges) {
  PairTable pairs(merges.size());
  std::string joined;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const std::string_view line = merges[rank];
    const auto fail = [&](std::string_view problem) {
      throw Error(ErrorCode::corrupt_data,
                  fmt::format("{}: tokenizer.ggml.merges[{}] is \"{}\": {}", vocabulary.what(),
                              rank, printable(line), problem));
    };
    // The left part may itself begin with a space.
    const size_t space = line.empty() ? line.npos : line.find(' ', 1);
    if (space == line.npos || space + 1 == line.size())
      fail("expected two parts with a space between");
    const std::string_view left = line.substr(0, space);
    const std::string_view right = line.substr(space + 1);
    joined.assign(left).append(right);
    const auto left_id = vocabulary.find(left);
    const auto right_id = vocabulary.find(right);
    const auto id = vocabulary.find(joined);
    if (!left_id || !right_id || !id) fail("a part or the whole is not a token of the vocabulary");
    if (vocabulary.is_text(*id)) pairs.add(*left_id, *right_id, {static_cast<int32_t>(rank), *id});
  }
  return pairs;
}

}  // namespace hearth::engine
