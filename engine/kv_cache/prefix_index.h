// Cache pages of earlier and running sequences, found again by the tokens they stand for
// (docs/steps-and-cache.md).
//
// A tree of pages below one root per PrefixKey. A node is up to page_tokens tokens behind its
// parent; only leaves may have fewer. The index holds one reference on each of its pages and gives
// up the least recently used ones on request: in full groups only leaves (a prefix loses its tail
// first), in window groups any page. Used by the engine worker only.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/kv_cache/cache_shape.h"
#include "engine/kv_cache/page_pool.h"
#include "engine/kv_cache/sequence_cache.h"
#include "engine/token_id.h"

namespace hearth::engine {

// Prefixes are shared only between sequences whose keys are equal.
struct PrefixKey {
  std::string tenant;
  std::string adapter;
  std::string media;  // digest of the pictures in the prompt; empty for text

  bool operator==(const PrefixKey&) const = default;
};

class PrefixIndex {
 public:
  using NodeId = int32_t;
  // Where a running sequence stands in the tree: its deepest page that is indexed. The node stays
  // while a cursor is on it; every cursor from attach() must reach finish() exactly once.
  struct Cursor {
    NodeId node = -1;
    int64_t depth = 0;  // full pages from the root to the node
  };

  // `shape` and `pools` must outlive the index.
  PrefixIndex(const CacheShape& shape, std::span<PagePool* const> pools);
  ~PrefixIndex();
  PrefixIndex(const PrefixIndex&) = delete;
  PrefixIndex& operator=(const PrefixIndex&) = delete;

  // Gives the empty `cache` the longest known prefix of `tokens` at which all groups can resume;
  // its length() tells how long that is. The caller leaves out what it must compute itself (the
  // last token of a prompt).
  Cursor attach(const PrefixKey& key, std::span<const TokenId> tokens, SequenceCache& cache);
  // Indexes the full pages among the sequence's first tokens.size() tokens. Where an equal page is
  // known already the sequence takes that one. To be called before the sequence's windows slide.
  void insert(Cursor& cursor, std::span<const TokenId> tokens, SequenceCache& cache);
  // As insert, and the page that is not full too; then the cursor leaves the tree. The sequence
  // must not write to that page afterwards.
  void finish(Cursor& cursor, std::span<const TokenId> tokens, SequenceCache& cache);

  // Gives up pages until `page_count` more are free in the group's pool; false when there were too
  // few.
  bool evict(int32_t group, int64_t page_count);
  // SequenceCache::extend, giving up as many pages as that takes.
  bool extend(SequenceCache& cache, int64_t token_count);
  // Gives up every page that no sequence uses.
  void clear();

  int64_t node_count() const { return static_cast<int64_t>(nodes_.size() - unused_.size()); }
  int64_t held_pages(int32_t group) const;
  // Checks every invariant of the tree and the pools' reference counts; a violation is a bug and
  // aborts. O(nodes).
  void check_integrity() const;

 private:
  struct Node {
    NodeId parent = -1;
    NodeId first_child = -1;
    NodeId next_sibling = -1;
    NodeId previous_sibling = -1;
    int32_t pins = 0;         // cursors on this node
    int32_t token_count = 0;  // 0: unused or a root
    bool is_root = false;
    uint64_t last_use = 0;
    uint64_t hash = 0;  // of parent and tokens; full nodes only
    std::array<TokenId, page_tokens> tokens{};
    std::vector<PageId> pages;        // per group
    std::vector<uint64_t> page_uses;  // per group; 0: not in the group's list
  };
  // Ascending by last use; ids break ties.
  using UseList = std::set<std::pair<uint64_t, NodeId>>;
  struct Path;

  Node& node(NodeId id) { return nodes_[static_cast<size_t>(id)]; }
  const Node& node(NodeId id) const { return nodes_[static_cast<size_t>(id)]; }
  bool is_window(size_t group) const { return shape_.groups[group].kind == CacheGroupKind::window; }
  bool is_leaf(const Node& n) const { return !n.is_root && n.first_child < 0; }

  NodeId root_for(const PrefixKey& key);
  NodeId find_child(NodeId parent, std::span<const TokenId> page) const;
  std::pair<NodeId, int32_t> closest_child(NodeId parent, std::span<const TokenId> tokens) const;
  Path find_path(NodeId root, std::span<const TokenId> tokens) const;
  int64_t resumable_length(const Path& path) const;
  void adopt_path(const Path& path, int64_t length, SequenceCache& cache);

  NodeId new_node();
  NodeId add_child(NodeId parent, std::span<const TokenId> tokens, int64_t ordinal,
                   const SequenceCache& cache);
  void merge_pages(NodeId id, int64_t ordinal, SequenceCache& cache);
  void take_page(NodeId id, size_t group, PageId page);
  void give_up_page(NodeId id, size_t group);
  void touch(NodeId id);
  void unpin(NodeId id);
  bool is_useless(const Node& n) const;
  void remove_if_useless(NodeId id);
  void remove_root(NodeId id);
  void remove_leaf(NodeId id);
  bool evict_window_page(size_t group);
  bool evict_leaf();
  bool is_evictable_leaf(const Node& n) const;
  int64_t check_subtree(NodeId id) const;
  void check_pages(NodeId id) const;

  const CacheShape& shape_;
  std::vector<PagePool*> pools_;
  std::vector<Node> nodes_;
  std::vector<NodeId> unused_;
  std::map<std::string, NodeId> roots_;
  std::unordered_multimap<uint64_t, NodeId> full_nodes_;  // by hash of parent and tokens
  UseList leaves_;
  std::vector<UseList> window_pages_;  // per group; empty for full ones
  uint64_t clock_ = 0;                 // counts uses, not time
};

}  // namespace hearth::engine
