// The tree and its questions; what keeps it small is in prefix_eviction.cpp.
#include "engine/kv_cache/prefix_index.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace hearth::engine {
namespace {

// Children compared token by token when a match ends inside a page; the newest ones come first.
constexpr int32_t siblings_compared_max = 64;

uint64_t hash_page(PrefixIndex::NodeId parent, std::span<const TokenId> tokens) {
  uint64_t hash = 0x9E3779B97F4A7C15u ^ static_cast<uint64_t>(parent);
  for (const TokenId token : tokens) {
    hash = (hash ^ static_cast<uint64_t>(static_cast<uint32_t>(token))) * 0xBF58476D1CE4E5B9u;
    hash ^= hash >> 29;
  }
  return hash;
}

std::string root_name(const PrefixKey& key) {
  // The lengths keep ("a", "bc") and ("ab", "c") apart.
  return fmt::format("{}:{}{}:{}{}", key.tenant.size(), key.tenant, key.adapter.size(), key.adapter,
                     key.media);
}

int32_t common_length(std::span<const TokenId> a, std::span<const TokenId> b) {
  const auto end = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<int32_t>(end.first - a.begin());
}

}  // namespace

// The nodes a token sequence walks through, and how many of its tokens they stand for.
struct PrefixIndex::Path {
  NodeId root = -1;
  std::vector<NodeId> nodes;  // by page ordinal; the last one may match in part
  int64_t token_count = 0;
};

PrefixIndex::PrefixIndex(const CacheShape& shape, std::span<PagePool* const> pools)
    : shape_(shape), pools_(pools.begin(), pools.end()), window_pages_(pools.size()) {}

PrefixIndex::~PrefixIndex() {
  for (Node& n : nodes_) n.pins = 0;
  for (NodeId id = 0; id < static_cast<NodeId>(nodes_.size()); ++id) {
    for (size_t group = 0; group < node(id).pages.size(); ++group) give_up_page(id, group);
  }
}

PrefixIndex::NodeId PrefixIndex::new_node() {
  NodeId id = static_cast<NodeId>(nodes_.size());
  if (unused_.empty()) {
    nodes_.emplace_back();
  } else {
    id = unused_.back();
    unused_.pop_back();
    node(id) = Node{};
  }
  node(id).pages.assign(pools_.size(), no_page);
  node(id).page_uses.assign(pools_.size(), 0);
  return id;
}

PrefixIndex::NodeId PrefixIndex::root_for(const PrefixKey& key) {
  const auto [place, is_new] = roots_.try_emplace(root_name(key), -1);
  if (is_new) {
    place->second = new_node();
    node(place->second).is_root = true;
  }
  return place->second;
}

PrefixIndex::NodeId PrefixIndex::find_child(NodeId parent, std::span<const TokenId> page) const {
  const auto [begin, end] = full_nodes_.equal_range(hash_page(parent, page));
  for (auto place = begin; place != end; ++place) {
    const Node& n = node(place->second);
    if (n.parent == parent && std::equal(page.begin(), page.end(), n.tokens.begin()))
      return place->second;
  }
  return -1;
}

std::pair<PrefixIndex::NodeId, int32_t> PrefixIndex::closest_child(
    NodeId parent, std::span<const TokenId> tokens) const {
  std::pair<NodeId, int32_t> best{-1, 0};
  NodeId child = node(parent).first_child;
  for (int32_t seen = 0; child >= 0 && seen < siblings_compared_max; ++seen) {
    const Node& n = node(child);
    const int32_t common =
        common_length(tokens, std::span(n.tokens).first(static_cast<size_t>(n.token_count)));
    if (common > best.second) best = {child, common};
    child = n.next_sibling;
  }
  return best;
}

PrefixIndex::Path PrefixIndex::find_path(NodeId root, std::span<const TokenId> tokens) const {
  Path path{.root = root, .nodes = {}, .token_count = 0};
  NodeId place = root;
  constexpr size_t page = page_tokens;
  while (tokens.size() >= page) {
    const NodeId child = find_child(place, tokens.first(page));
    if (child < 0) break;
    path.nodes.push_back(child);
    path.token_count += page_tokens;
    tokens = tokens.subspan(page);
    place = child;
  }
  const auto [child, common] = closest_child(place, tokens);
  if (common > 0) {
    path.nodes.push_back(child);
    path.token_count += common;
  }
  return path;
}

int64_t PrefixIndex::resumable_length(const Path& path) const {
  int64_t length = path.token_count;
  for (bool has_changed = true; has_changed;) {
    has_changed = false;
    for (size_t group = 0; group < pools_.size(); ++group) {
      const int64_t first = first_visible_page(shape_.groups[group], length);
      for (int64_t ordinal = page_count_for(length) - 1; ordinal >= first; --ordinal) {
        if (node(path.nodes[static_cast<size_t>(ordinal)]).pages[group] != no_page) continue;
        // Nothing that needs this page can be resumed; what ends before it perhaps can.
        length = ordinal * page_tokens;
        has_changed = true;
        break;
      }
    }
  }
  return length;
}

void PrefixIndex::adopt_path(const Path& path, int64_t length, SequenceCache& cache) {
  const size_t page_count = static_cast<size_t>(page_count_for(length));
  std::vector<std::vector<PageId>> tables(pools_.size());
  for (size_t group = 0; group < pools_.size(); ++group) {
    tables[group].assign(page_count, no_page);
    const size_t first = static_cast<size_t>(first_visible_page(shape_.groups[group], length));
    for (size_t ordinal = first; ordinal < page_count; ++ordinal) {
      const NodeId id = path.nodes[ordinal];
      tables[group][ordinal] = node(id).pages[group];
      if (is_window(group)) take_page(id, group, node(id).pages[group]);
    }
  }
  cache.adopt(length, tables);
}

PrefixIndex::Cursor PrefixIndex::attach(const PrefixKey& key, std::span<const TokenId> tokens,
                                        SequenceCache& cache) {
  const NodeId root = root_for(key);
  const Path path = find_path(root, tokens);
  const int64_t length = resumable_length(path);
  ++clock_;
  if (length > 0) adopt_path(path, length, cache);
  for (int64_t ordinal = 0; ordinal < page_count_for(length); ++ordinal) {
    touch(path.nodes[static_cast<size_t>(ordinal)]);
  }
  const int64_t depth = length / page_tokens;
  const Cursor cursor{depth > 0 ? path.nodes[static_cast<size_t>(depth - 1)] : root, depth};
  ++node(cursor.node).pins;
  return cursor;
}

PrefixIndex::NodeId PrefixIndex::add_child(NodeId parent, std::span<const TokenId> tokens,
                                           int64_t ordinal, const SequenceCache& cache) {
  const NodeId id = new_node();
  if (is_leaf(node(parent))) leaves_.erase({node(parent).last_use, parent});
  Node& n = node(id);
  n.parent = parent;
  n.token_count = static_cast<int32_t>(tokens.size());
  std::copy(tokens.begin(), tokens.end(), n.tokens.begin());
  n.next_sibling = node(parent).first_child;
  if (n.next_sibling >= 0) node(n.next_sibling).previous_sibling = id;
  node(parent).first_child = id;
  n.last_use = ++clock_;
  leaves_.insert({n.last_use, id});
  n.hash = hash_page(parent, tokens);
  if (n.token_count == page_tokens) full_nodes_.emplace(n.hash, id);
  for (size_t group = 0; group < pools_.size(); ++group) {
    const PageId page = cache.pages(static_cast<int32_t>(group))[static_cast<size_t>(ordinal)];
    if (page != no_page) take_page(id, group, page);
  }
  return id;
}

void PrefixIndex::merge_pages(NodeId id, int64_t ordinal, SequenceCache& cache) {
  ++clock_;
  touch(id);
  for (size_t group = 0; group < pools_.size(); ++group) {
    const int32_t group_index = static_cast<int32_t>(group);
    const PageId own = cache.pages(group_index)[static_cast<size_t>(ordinal)];
    const PageId known = node(id).pages[group];
    if (own == no_page || own == known) continue;
    if (known == no_page) {
      take_page(id, group, own);
    } else {
      cache.replace_page(group_index, ordinal, known);
    }
  }
}

void PrefixIndex::insert(Cursor& cursor, std::span<const TokenId> tokens, SequenceCache& cache) {
  HEARTH_CHECK(cursor.node >= 0 && static_cast<int64_t>(tokens.size()) <= cache.length());
  while ((cursor.depth + 1) * page_tokens <= static_cast<int64_t>(tokens.size())) {
    const std::span<const TokenId> page = tokens.subspan(
        static_cast<size_t>(cursor.depth * page_tokens), static_cast<size_t>(page_tokens));
    NodeId child = find_child(cursor.node, page);
    if (child >= 0) {
      merge_pages(child, cursor.depth, cache);
    } else {
      child = add_child(cursor.node, page, cursor.depth, cache);
    }
    ++node(child).pins;
    const NodeId parent = std::exchange(cursor.node, child);
    unpin(parent);
    ++cursor.depth;
  }
}

void PrefixIndex::finish(Cursor& cursor, std::span<const TokenId> tokens, SequenceCache& cache) {
  insert(cursor, tokens, cache);
  const std::span<const TokenId> tail =
      tokens.subspan(static_cast<size_t>(cursor.depth * page_tokens));
  bool has_all_pages = !tail.empty();
  for (int32_t group = 0; has_all_pages && group < cache.group_count(); ++group) {
    has_all_pages = cache.pages(group)[static_cast<size_t>(cursor.depth)] != no_page;
  }
  if (has_all_pages) {
    const auto [child, common] = closest_child(cursor.node, tail);
    if (common < static_cast<int32_t>(tail.size())) {
      add_child(cursor.node, tail, cursor.depth, cache);
    } else if (common == node(child).token_count) {
      merge_pages(child, cursor.depth, cache);
    }
  }
  unpin(std::exchange(cursor.node, -1));
}

int64_t PrefixIndex::held_pages(int32_t group) const {
  int64_t count = 0;
  for (const Node& n : nodes_) {
    if (!n.pages.empty() && n.pages[static_cast<size_t>(group)] != no_page) ++count;
  }
  return count;
}

}  // namespace hearth::engine
