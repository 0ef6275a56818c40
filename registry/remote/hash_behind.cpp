// See hash_behind.h.
#include "registry/remote/hash_behind.h"

#include <algorithm>
#include <vector>

#include "base/digest.h"

namespace hearth::registry {
namespace {

constexpr uint64_t slice_bytes = uint64_t{1} << 20;
constexpr uint64_t begin_sync_bytes = uint64_t{16} << 20;
constexpr std::chrono::seconds sync_interval{5};

}  // namespace

HashBehind::HashBehind(PartialFile& file, uint64_t size_bytes)
    : file_(file), size_bytes_(size_bytes), thread_([this] { run(); }) {}

HashBehind::~HashBehind() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void HashBehind::advance(uint64_t front) {
  {
    const std::lock_guard lock(mutex_);
    if (front <= front_) return;
    front_ = front;
  }
  changed_.notify_all();
}

std::optional<std::string> HashBehind::result(std::chrono::milliseconds wait_max) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, wait_max, [this] { return digest_hex_ || failure_; });
  if (failure_) std::rethrow_exception(failure_);
  return digest_hex_;
}

void HashBehind::run() {
  try {
    run_to_end();
  } catch (...) {  // a background job's catch site: thrown again by result()
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
  }
  changed_.notify_all();
}

void HashBehind::run_to_end() {
  Sha256 hash;
  std::vector<std::byte> buffer(slice_bytes);
  uint64_t sync_begun = 0;
  auto last_sync = std::chrono::steady_clock::now();
  for (uint64_t at = 0; at < size_bytes_;) {
    uint64_t front = 0;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return is_ending_ || front_ > at; });
      if (is_ending_) return;
      front = front_;
    }
    const auto slice =
        std::span(buffer).first(static_cast<size_t>(std::min(slice_bytes, front - at)));
    file_.read(at, slice);
    hash.update(slice);
    at += slice.size();
    hashed_bytes_ = at;
    if (at - sync_begun >= begin_sync_bytes) {
      file_.begin_sync({sync_begun, at});
      sync_begun = at;
    }
    if (std::chrono::steady_clock::now() - last_sync >= sync_interval) {
      file_.sync();
      front_on_disk_ = at;
      last_sync = std::chrono::steady_clock::now();
    }
  }
  const std::lock_guard lock(mutex_);
  digest_hex_ = hash.finish_hex();
}

}  // namespace hearth::registry
