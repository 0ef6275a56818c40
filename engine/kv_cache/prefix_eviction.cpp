// What a prefix index holds, in which order it gives pages up, and the check of all its invariants.
// Two kinds of lists, oldest first: the leaves, for pages of full groups, and per window group
// every node with a page.
#include <algorithm>

#include "base/check.h"
#include "engine/kv_cache/prefix_index.h"

namespace hearth::engine {

// Holds `page`, or marks the page held already as just used.
void PrefixIndex::take_page(NodeId id, size_t group, PageId page) {
  Node& n = node(id);
  if (n.pages[group] == no_page) {
    n.pages[group] = page;
    pools_[group]->add_reference(page);
    pools_[group]->set_cached(page, true);
  }
  if (!is_window(group)) return;
  if (n.page_uses[group] != 0) window_pages_[group].erase({n.page_uses[group], id});
  n.page_uses[group] = ++clock_;
  window_pages_[group].insert({n.page_uses[group], id});
}

void PrefixIndex::give_up_page(NodeId id, size_t group) {
  Node& n = node(id);
  const PageId page = std::exchange(n.pages[group], no_page);
  if (page == no_page) return;
  pools_[group]->set_cached(page, false);
  pools_[group]->release(page);
  if (is_window(group)) window_pages_[group].erase({std::exchange(n.page_uses[group], 0), id});
}

void PrefixIndex::touch(NodeId id) {
  Node& n = node(id);
  const bool is_listed = is_leaf(n);
  if (is_listed) leaves_.erase({n.last_use, id});
  n.last_use = clock_;
  if (is_listed) leaves_.insert({n.last_use, id});
}

void PrefixIndex::unpin(NodeId id) {
  HEARTH_CHECK(node(id).pins > 0);
  --node(id).pins;
  remove_if_useless(id);
}

bool PrefixIndex::is_useless(const Node& n) const {
  if (n.pins > 0 || n.first_child >= 0) return false;
  return n.is_root ||
         std::all_of(n.pages.begin(), n.pages.end(), [](PageId page) { return page == no_page; });
}

// Removes the node when nothing needs it, then its parent when that needed it only for this node,
// and so on.
void PrefixIndex::remove_if_useless(NodeId id) {
  while (id >= 0 && is_useless(node(id))) {
    const NodeId parent = node(id).parent;
    if (node(id).is_root) {
      remove_root(id);
    } else {
      remove_leaf(id);
    }
    id = parent;
  }
}

void PrefixIndex::remove_root(NodeId id) {
  const auto place = std::find_if(roots_.begin(), roots_.end(),
                                  [&](const auto& root) { return root.second == id; });
  HEARTH_CHECK(place != roots_.end());
  roots_.erase(place);
  node(id) = Node{};
  unused_.push_back(id);
}

void PrefixIndex::remove_leaf(NodeId id) {
  Node& n = node(id);
  HEARTH_CHECK(is_leaf(n) && n.pins == 0);
  leaves_.erase({n.last_use, id});
  for (size_t group = 0; group < pools_.size(); ++group) give_up_page(id, group);
  const auto [begin, end] = full_nodes_.equal_range(n.hash);
  const auto place =
      std::find_if(begin, end, [&](const auto& entry) { return entry.second == id; });
  if (place != end) full_nodes_.erase(place);

  if (n.next_sibling >= 0) node(n.next_sibling).previous_sibling = n.previous_sibling;
  if (n.previous_sibling >= 0) {
    node(n.previous_sibling).next_sibling = n.next_sibling;
  } else {
    Node& parent = node(n.parent);
    parent.first_child = n.next_sibling;
    if (is_leaf(parent)) leaves_.insert({parent.last_use, n.parent});
  }
  n = Node{};
  unused_.push_back(id);
}

bool PrefixIndex::is_evictable_leaf(const Node& n) const {
  if (n.pins > 0) return false;
  for (size_t group = 0; group < pools_.size(); ++group) {
    if (!is_window(group) && pools_[group]->references(n.pages[group]) > 1) return false;
  }
  return true;
}

bool PrefixIndex::evict_leaf() {
  for (const auto& [use, id] : leaves_) {
    if (!is_evictable_leaf(node(id))) continue;
    const NodeId parent = node(id).parent;
    remove_leaf(id);
    remove_if_useless(parent);
    return true;
  }
  return false;
}

bool PrefixIndex::evict_window_page(size_t group) {
  for (const auto& [use, id] : window_pages_[group]) {
    if (pools_[group]->references(node(id).pages[group]) > 1) continue;
    const NodeId owner = id;  // the entry dies with the page
    give_up_page(owner, group);
    remove_if_useless(owner);
    return true;
  }
  return false;
}

bool PrefixIndex::extend(SequenceCache& cache, int64_t token_count) {
  for (int32_t group = 0; group < cache.group_count(); ++group) {
    const int64_t missing =
        cache.pages_missing(group, token_count) - pools_[static_cast<size_t>(group)]->free_pages();
    if (missing > 0 && !evict(group, missing)) return false;
  }
  return cache.extend(token_count);
}

bool PrefixIndex::evict(int32_t group, int64_t page_count) {
  const size_t index = static_cast<size_t>(group);
  const int64_t wanted = pools_[index]->free_pages() + page_count;
  while (pools_[index]->free_pages() < wanted) {
    if (!(is_window(index) ? evict_window_page(index) : evict_leaf())) return false;
  }
  return true;
}

void PrefixIndex::clear() {
  for (size_t group = 0; group < pools_.size(); ++group) {
    evict(static_cast<int32_t>(group), pools_[group]->reclaimable_pages());
  }
}

void PrefixIndex::check_pages(NodeId id) const {
  const Node& n = node(id);
  for (size_t group = 0; group < pools_.size(); ++group) {
    const PageId page = n.pages[group];
    HEARTH_CHECK(!n.is_root || page == no_page);
    HEARTH_CHECK(page == no_page || pools_[group]->references(page) > 0);
    if (is_window(group)) {
      HEARTH_CHECK((page != no_page) == window_pages_[group].contains({n.page_uses[group], id}));
    } else {
      HEARTH_CHECK(n.is_root || page != no_page);
      // Whoever uses this page uses those before it: reclaimable pages can really be reached from
      // the leaves.
      const NodeId parent = n.parent;
      if (!n.is_root && n.token_count == page_tokens && !node(parent).is_root) {
        HEARTH_CHECK(pools_[group]->references(page) == 1 ||
                     pools_[group]->references(node(parent).pages[group]) > 1);
      }
    }
  }
}

int64_t PrefixIndex::check_subtree(NodeId root) const {
  std::vector<NodeId> open{root};
  int64_t count = 0;
  while (!open.empty()) {
    const NodeId id = open.back();
    open.pop_back();
    ++count;
    const Node& n = node(id);
    check_pages(id);
    HEARTH_CHECK(n.pins >= 0 && !is_useless(n));
    HEARTH_CHECK(n.is_root || (n.token_count > 0 && n.token_count <= page_tokens));
    HEARTH_CHECK(n.is_root || n.token_count == page_tokens || n.first_child < 0);
    HEARTH_CHECK(is_leaf(n) == leaves_.contains({n.last_use, id}));
    NodeId previous = -1;
    for (NodeId child = n.first_child; child >= 0; child = node(child).next_sibling) {
      HEARTH_CHECK(node(child).parent == id && node(child).previous_sibling == previous);
      if (node(child).token_count == page_tokens) {
        HEARTH_CHECK(find_child(id, node(child).tokens) == child);
      }
      previous = child;
      open.push_back(child);
    }
  }
  return count;
}

void PrefixIndex::check_integrity() const {
  int64_t reachable = 0;
  for (const auto& [name, root] : roots_) {
    HEARTH_CHECK(node(root).is_root && node(root).parent < 0);
    reachable += check_subtree(root);
  }
  HEARTH_CHECK(reachable == node_count());
  int64_t full_count = 0;
  std::vector<int64_t> reclaimable(pools_.size(), 0);
  for (const Node& n : nodes_) {
    if (n.token_count == page_tokens) ++full_count;
    for (size_t group = 0; group < n.pages.size(); ++group) {
      if (n.pages[group] != no_page && pools_[group]->references(n.pages[group]) == 1)
        ++reclaimable[group];
    }
  }
  HEARTH_CHECK(full_count == static_cast<int64_t>(full_nodes_.size()));
  for (size_t group = 0; group < pools_.size(); ++group) {
    HEARTH_CHECK(reclaimable[group] == pools_[group]->reclaimable_pages());
  }
}

}  // namespace hearth::engine
