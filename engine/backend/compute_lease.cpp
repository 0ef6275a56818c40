// One participant of the compute lease.
#include "engine/backend/compute_lease.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "base/error.h"
#include "engine/backend/lease_memory.h"

namespace hearth::engine {
namespace {

// How far a model may run ahead of one that waits. Waking the other's thread team costs some 50
// microseconds, so tiny steps are taken in slices of this length; nobody sees it in a stream of
// words.
constexpr uint64_t slice_ns = 4'000'000;
// How long a reserved lease may lie unused before somebody else takes it, and how often a waiter
// looks.
constexpr int64_t look_again_ns = 2'000'000;

uint64_t now_ns() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

void raise_to(std::atomic<uint64_t>& value, uint64_t least) noexcept {
  if (value.load(std::memory_order_relaxed) < least) value.store(least, std::memory_order_relaxed);
}

}  // namespace

std::unique_ptr<ComputeLease> ComputeLease::attach(int fd, std::chrono::milliseconds stall_limit) {
  LeaseMemory* memory = map_lease_memory(fd);
  if (memory->magic.load() == lease_magic) {
    for (uint32_t place = 0; place < lease_places; ++place) {
      uint32_t nobody = 0;
      if (memory->slots[place].process.compare_exchange_strong(nobody,
                                                               static_cast<uint32_t>(::getpid()))) {
        const auto stall_ns =
            static_cast<uint64_t>(std::max<int64_t>(stall_limit.count(), 0)) * 1'000'000;
        return std::unique_ptr<ComputeLease>(new ComputeLease(memory, place, stall_ns));
      }
    }
  }
  const bool is_full = memory->magic.load() == lease_magic;
  unmap_lease_memory(memory);
  if (is_full) throw Error(ErrorCode::unavailable, "all 64 places of the compute lease are taken");
  throw Error(ErrorCode::invalid_argument, "the memory of the compute lease is not a lease");
}

ComputeLease::~ComputeLease() {
  vacate(*memory_, place_);
  unmap_lease_memory(memory_);
}

void ComputeLease::acquire() noexcept {
  const uint32_t mine = place_ + 1;
  uint32_t seen = memory_->holder.load();
  const bool is_open = seen == 0 || seen == (mine | lease_reserved);
  if (!is_open || !memory_->holder.compare_exchange_strong(seen, mine)) wait_for_turn();
  memory_->turns.fetch_add(1, std::memory_order_relaxed);
  // Who comes back after a rest does not get the time it did not ask for.
  raise_to(memory_->slots[place_].used_ns, memory_->fair_clock_ns.load(std::memory_order_relaxed));
  acquired_ns_ = now_ns();
}

void ComputeLease::wait_for_turn() noexcept {
  const uint32_t mine = place_ + 1;
  const uint64_t bit = uint64_t{1} << place_;
  LeaseSlot& slot = memory_->slots[place_];
  is_waiting_.store(true, std::memory_order_relaxed);
  raise_to(slot.used_ns, memory_->fair_clock_ns.load(std::memory_order_relaxed));
  memory_->waiting.fetch_or(bit);
  uint32_t last_holder = 0;
  uint32_t last_turns = 0;
  uint64_t last_change_ns = now_ns();
  for (;;) {
    const uint32_t heard = slot.bell.load();
    uint32_t holder = memory_->holder.load();
    if (holder == mine) break;
    const uint32_t turns = memory_->turns.load();
    const bool is_unchanged = holder == last_holder && turns == last_turns;
    const bool is_open = holder == 0 || holder == (mine | lease_reserved);
    const bool is_left_unused = is_unchanged && (holder & lease_reserved) != 0;
    const bool is_stalled = is_unchanged && now_ns() - last_change_ns > stall_limit_ns_;
    if (is_open || is_left_unused || is_stalled) {
      if (memory_->holder.compare_exchange_strong(holder, mine)) break;
      continue;
    }
    if (!is_unchanged) last_change_ns = now_ns();
    last_holder = holder;
    last_turns = turns;
    wait_for_bell(slot, heard, look_again_ns);
  }
  memory_->waiting.fetch_and(~bit);
  is_waiting_.store(false, std::memory_order_relaxed);
}

void ComputeLease::release() noexcept {
  const uint32_t mine = place_ + 1;
  LeaseSlot& slot = memory_->slots[place_];
  const uint64_t used_ns = slot.used_ns.load(std::memory_order_relaxed) + (now_ns() - acquired_ns_);
  slot.used_ns.store(used_ns, std::memory_order_relaxed);
  const uint64_t waiting = memory_->waiting.load() & ~(uint64_t{1} << place_);
  const uint32_t next = next_in_line(*memory_, waiting);
  if (next == lease_places) {
    raise_to(memory_->fair_clock_ns, used_ns);
  } else {
    const uint64_t next_used_ns = memory_->slots[next].used_ns.load(std::memory_order_relaxed);
    raise_to(memory_->fair_clock_ns, std::min(used_ns, next_used_ns));
    if (used_ns < next_used_ns + slice_ns) {
      uint32_t expected = mine;
      memory_->holder.compare_exchange_strong(expected, mine | lease_reserved);
      return;
    }
  }
  hand_over(*memory_, mine);
}

}  // namespace hearth::engine
