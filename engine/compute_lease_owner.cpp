// The daemon's side of the compute lease: makes the memory, cleans up after the dead.
#include "engine/compute_lease_owner.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "engine/backend/lease_memory.h"

namespace hearth::engine {

ComputeLeaseOwner::ComputeLeaseOwner()
    : fd_(::memfd_create("hearth-compute-lease", MFD_CLOEXEC | MFD_ALLOW_SEALING)) {
  if (!fd_ || ::ftruncate(fd_.get(), sizeof(LeaseMemory)) != 0 ||
      ::fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    throw Error(ErrorCode::internal, fmt::format("cannot create memory for the compute lease: {}",
                                                 std::strerror(errno)));
  }
  memory_ =
      map_lease_memory(fd_.get());  // zeroed by the kernel, which is the state of an unused lease
  memory_->magic.store(lease_magic);
}

ComputeLeaseOwner::~ComputeLeaseOwner() {
  unmap_lease_memory(memory_);
}

void ComputeLeaseOwner::forget(pid_t process) noexcept {
  for (uint32_t place = 0; place < lease_places; ++place) {
    if (memory_->slots[place].process.load() == static_cast<uint32_t>(process))
      vacate(*memory_, place);
  }
}

}  // namespace hearth::engine
