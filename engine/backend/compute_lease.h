// The compute lease: engines that are busy at once, each in its process, take turns per step, so
// that their thread teams never fight for the same cores. Turns are fair by time used, not by
// count: whoever used least among those who want the lease goes next (docs/runner-protocol.md).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

namespace hearth::engine {

struct LeaseMemory;

// One participant, used by one thread; is_waiting() may be asked by any. Uncontended acquire and
// release cost well under a microsecond and make no system call.
class ComputeLease {
 public:
  // Maps the memory of a ComputeLeaseOwner; the descriptor is not kept. Throws
  // Error{invalid_argument} when it is something else, Error{unavailable} when all 64 places are
  // taken.
  static std::unique_ptr<ComputeLease> attach(
      int fd, std::chrono::milliseconds stall_limit = std::chrono::seconds(10));
  ~ComputeLease();
  ComputeLease(const ComputeLease&) = delete;
  ComputeLease& operator=(const ComputeLease&) = delete;

  // Waits for the turn. Returns without it when no turn has changed for stall_limit: going on
  // slowly beats standing still.
  void acquire() noexcept;
  void release() noexcept;
  bool is_waiting() const noexcept { return is_waiting_.load(std::memory_order_relaxed); }

  // Holds the lease for a scope. `lease` may be null.
  class Turn {
   public:
    explicit Turn(ComputeLease* lease) noexcept : lease_(lease) {
      if (lease_ != nullptr) lease_->acquire();
    }
    ~Turn() {
      if (lease_ != nullptr) lease_->release();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    ComputeLease* lease_;
  };

 private:
  ComputeLease(LeaseMemory* memory, uint32_t place, uint64_t stall_limit_ns)
      : memory_(memory), place_(place), stall_limit_ns_(stall_limit_ns) {}
  void wait_for_turn() noexcept;

  LeaseMemory* memory_;  // mapped, owned
  uint32_t place_;       // index of our slot
  uint64_t stall_limit_ns_;
  uint64_t acquired_ns_ = 0;
  std::atomic<bool> is_waiting_{false};
};

}  // namespace hearth::engine
