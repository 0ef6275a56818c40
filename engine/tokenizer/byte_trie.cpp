#include "engine/tokenizer/byte_trie.h"

#include <algorithm>

namespace hearth::engine {
namespace {

// Entries [begin, end) share their first `depth` bytes; the node of that prefix comes next.
struct Group {
  size_t begin, end, depth;
};

}  // namespace

ByteTrie::ByteTrie(std::vector<std::pair<std::string_view, TokenId>> entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  labels_.push_back('\0');
  ids_.push_back(-1);
  std::vector<Group> groups{{0, entries.size(), 0}};  // by node, breadth first
  for (size_t node = 0; node < groups.size(); ++node) {
    const Group group = groups[node];
    first_child_.push_back(static_cast<uint32_t>(groups.size()));
    size_t at = group.begin;
    while (at < group.end && entries[at].first.size() == group.depth) {
      if (group.depth > 0) ids_[node] = entries[at].second;
      ++at;
    }
    while (at < group.end) {
      const char byte = entries[at].first[group.depth];
      size_t end = at + 1;
      while (end < group.end && entries[end].first[group.depth] == byte) ++end;
      groups.push_back({at, end, group.depth + 1});
      labels_.push_back(byte);
      ids_.push_back(-1);
      at = end;
    }
  }
  first_child_.push_back(static_cast<uint32_t>(groups.size()));
}

}  // namespace hearth::engine
