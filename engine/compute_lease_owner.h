// The memory behind the compute lease, as the daemon owns it: it creates the memory, hands the
// descriptor to every runner, and clears up after a runner that died. Runners use
// engine/backend/compute_lease.h on the same memory.
#pragma once

#include <sys/types.h>

#include <memory>

#include "base/file.h"

namespace hearth::engine {

struct LeaseMemory;

// Thread-safe. Everything read from the memory is untrusted: runners can write it.
class ComputeLeaseOwner {
 public:
  // Throws Error{internal} when the kernel gives no shared memory.
  ComputeLeaseOwner();
  ~ComputeLeaseOwner();
  ComputeLeaseOwner(const ComputeLeaseOwner&) = delete;
  ComputeLeaseOwner& operator=(const ComputeLeaseOwner&) = delete;

  // A sealed memfd, valid as long as the owner.
  int fd() const { return fd_.get(); }
  // To be called when a process that was given the descriptor is dead and reaped: its turn and its
  // place in the queue are given to the others.
  void forget(pid_t process) noexcept;

 private:
  UniqueFd fd_;
  LeaseMemory* memory_ = nullptr;  // mapped, owned
};

}  // namespace hearth::engine
