// Dealing out numbered work items to the lanes of a team: each lane owns a contiguous share, so
// that it streams its part of a weight in order, and helps the others when it is done. Which lane
// does an item never changes its result.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace hearth::engine {

class WorkClaims {
 public:
  explicit WorkClaims(int32_t lanes) : lanes_(lanes), slots_(static_cast<size_t>(lanes)) {}

  // Calls work(item, share_end) for the items in [0, count) that this lane gets; all lanes together
  // cover each once. The items up to share_end are likely to be this lane's next ones.
  template <class Work>
  void for_each(int32_t lane, int64_t count, Work&& work) {
    for (int32_t i = 0; i < lanes_; ++i) {
      const int32_t owner = (lane + i) % lanes_;
      const int64_t begin = count * owner / lanes_;
      const int64_t size = count * (owner + 1) / lanes_ - begin;
      std::atomic<int64_t>& taken = slots_[static_cast<size_t>(owner)].taken;
      while (taken.load(std::memory_order_relaxed) < size) {
        const int64_t item = taken.fetch_add(1, std::memory_order_relaxed);
        if (item < size) work(begin + item, begin + size);
      }
    }
  }

  // Before the next use, while no lane is inside for_each (in a barrier's completion).
  void reset() {
    for (Slot& slot : slots_) slot.taken.store(0, std::memory_order_relaxed);
  }

 private:
  struct alignas(64) Slot {
    std::atomic<int64_t> taken{0};
  };

  int32_t lanes_;
  std::vector<Slot> slots_;
};

}  // namespace hearth::engine
