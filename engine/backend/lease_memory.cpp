// Moves on the lease memory. A compare-and-swap on `holder` from the exact value the caller owns is
// the only way a turn changes, so two parties that both try to clean up after a dead third do it
// once.
#include "engine/backend/lease_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>

#include "base/error.h"

namespace hearth::engine {
namespace {

uint64_t bit_of(uint32_t place) {
  return uint64_t{1} << place;
}

void ring(LeaseSlot& slot) noexcept {
  slot.bell.fetch_add(1);
  ::syscall(SYS_futex, &slot.bell, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void ring_all(LeaseMemory& memory, uint64_t waiting) noexcept {
  while (waiting != 0) {
    const auto place = static_cast<uint32_t>(std::countr_zero(waiting));
    waiting &= waiting - 1;
    ring(memory.slots[place]);
  }
}

}  // namespace

LeaseMemory* map_lease_memory(int fd) {
  struct stat status {};
  const int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || ::fstat(fd, &status) != 0 ||
      status.st_size < static_cast<off_t>(sizeof(LeaseMemory))) {
    throw Error(ErrorCode::invalid_argument, "the descriptor of the compute lease is not a lease");
  }
  void* address = ::mmap(nullptr, sizeof(LeaseMemory), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) {
    throw Error(ErrorCode::internal,
                fmt::format("cannot map the compute lease: {}", std::strerror(errno)));
  }
  return static_cast<LeaseMemory*>(address);
}

void unmap_lease_memory(LeaseMemory* memory) noexcept {
  ::munmap(memory, sizeof(LeaseMemory));
}

uint32_t next_in_line(const LeaseMemory& memory, uint64_t waiting) noexcept {
  uint32_t best = lease_places;
  uint64_t best_used_ns = 0;
  while (waiting != 0) {
    const auto place = static_cast<uint32_t>(std::countr_zero(waiting));
    waiting &= waiting - 1;
    const uint64_t used_ns = memory.slots[place].used_ns.load(std::memory_order_relaxed);
    if (best == lease_places || used_ns < best_used_ns) {
      best = place;
      best_used_ns = used_ns;
    }
  }
  return best;
}

void hand_over(LeaseMemory& memory, uint32_t holder_value) noexcept {
  // Ends: every round either returns or passes over a place that was vacated meanwhile.
  for (uint32_t round = 0; round <= lease_places; ++round) {
    const uint32_t from = (holder_value & ~lease_reserved) - 1;
    const uint64_t own = from < lease_places ? bit_of(from) : 0;
    const uint32_t next = next_in_line(memory, memory.waiting.load() & ~own);
    if (next == lease_places) {
      if (!memory.holder.compare_exchange_strong(holder_value, 0)) return;
      // Somebody may have begun to wait between our look and the exchange.
      ring_all(memory, memory.waiting.load() & ~own);
      return;
    }
    if (!memory.holder.compare_exchange_strong(holder_value, next + 1)) return;
    if (memory.slots[next].process.load() != 0) {
      ring(memory.slots[next]);
      return;
    }
    memory.waiting.fetch_and(~bit_of(next));
    holder_value = next + 1;
  }
}

void vacate(LeaseMemory& memory, uint32_t place) noexcept {
  memory.slots[place].process.store(0);
  memory.waiting.fetch_and(~bit_of(place));
  const uint32_t holder = memory.holder.load();
  if ((holder & ~lease_reserved) == place + 1) hand_over(memory, holder);
}

void wait_for_bell(LeaseSlot& slot, uint32_t heard, int64_t timeout_ns) noexcept {
  timespec timeout{};
  timeout.tv_sec = timeout_ns / 1'000'000'000;
  timeout.tv_nsec = timeout_ns % 1'000'000'000;
  ::syscall(SYS_futex, &slot.bell, FUTEX_WAIT, heard, &timeout, nullptr, 0);
}

}  // namespace hearth::engine
