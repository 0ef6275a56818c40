// The SHA-256 of a file that is still growing, computed behind its front by a thread of its own,
// and what of it is known to be on the disk.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "registry/remote/partial_file.h"

namespace hearth::registry {

// `file` must outlive it.
class HashBehind {
 public:
  HashBehind(PartialFile& file, uint64_t size_bytes);
  ~HashBehind();

  // Everything before `front` is final. Never goes back.
  void advance(uint64_t front);
  // Everything before it is on the disk.
  uint64_t front_on_disk() const { return front_on_disk_; }
  uint64_t hashed_bytes() const { return hashed_bytes_; }

  // The digest of the whole, in hex, once the front is at the end. Waits at most `wait_max`; absent
  // when it is not there yet. Rethrows what reading the file threw.
  std::optional<std::string> result(std::chrono::milliseconds wait_max);

 private:
  void run();
  void run_to_end();

  PartialFile& file_;
  const uint64_t size_bytes_;
  std::atomic<uint64_t> front_on_disk_{0};
  std::atomic<uint64_t> hashed_bytes_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t front_ = 0;
  bool is_ending_ = false;
  std::optional<std::string> digest_hex_;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace hearth::registry
