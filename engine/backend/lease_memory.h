// The shared memory behind the compute lease: plain words, one 64-byte slot per participant, and
// the few moves on them. Both the daemon and all runners map it and none trusts what the others
// wrote: every value read is masked or compared before it is used as an index. `holder` alone
// decides whose turn it is; everything else is advice, so a participant may die between any two
// instructions without leaving the others stuck (whoever waits looks again every 2 ms).
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace hearth::engine {

inline constexpr uint32_t lease_places = 64;
inline constexpr uint64_t lease_magic = 0x3130657361656c68;  // "hlease01"

struct alignas(64) LeaseSlot {
  std::atomic<uint32_t> process;  // pid of the participant; 0: free
  std::atomic<uint32_t> bell;     // futex word, counted up to wake the participant
  std::atomic<uint64_t> used_ns;  // time the lease was held, in the fair clock's terms
};

struct LeaseMemory {
  std::atomic<uint64_t> magic;
  std::atomic<uint64_t>
      fair_clock_ns;  // least used_ns of the busy participants; newcomers start from here
  alignas(64) std::atomic<uint32_t> holder;   // place + 1, perhaps with lease_reserved; 0: nobody
  std::atomic<uint32_t> turns;                // counts acquisitions
  alignas(64) std::atomic<uint64_t> waiting;  // one bit per place
  std::array<LeaseSlot, lease_places> slots;
};

static_assert(std::atomic<uint64_t>::is_always_lock_free &&
              std::atomic<uint32_t>::is_always_lock_free);

// The holder is between two of its steps and may go on with the next one at once.
inline constexpr uint32_t lease_reserved = 0x100;

// Maps `fd` after checking that it is sealed memory of the right size. Throws
// Error{invalid_argument | internal}.
LeaseMemory* map_lease_memory(int fd);
void unmap_lease_memory(LeaseMemory* memory) noexcept;

// The place among `waiting` bits that has used least; lease_places when none waits.
uint32_t next_in_line(const LeaseMemory& memory, uint64_t waiting) noexcept;
// Gives the turn from `holder_value` to the next in line, or to nobody. Does nothing when it was
// taken away meanwhile.
void hand_over(LeaseMemory& memory, uint32_t holder_value) noexcept;
// Frees a place and, if it was its turn, hands over.
void vacate(LeaseMemory& memory, uint32_t place) noexcept;
// Sleeps until the bell no longer reads `heard`, at most `timeout_ns`.
void wait_for_bell(LeaseSlot& slot, uint32_t heard, int64_t timeout_ns) noexcept;

}  // namespace hearth::engine
