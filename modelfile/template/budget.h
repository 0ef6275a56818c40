// What one rendering may hold and do, counted while it runs; both template languages use it.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "modelfile/template.h"

namespace hearth::modelfile {

// What a rendering may hold and do; see RenderLimits. Passing a bound throws
// Error{invalid_argument}.
class Budget {
 public:
  explicit Budget(const RenderLimits& limits);
  void step(size_t count = 1);
  // Call before allocating.
  void take_bytes(size_t count);
  void give_back_bytes(size_t count) { live_bytes_ -= count; }
  // Throws when a text of that size must not be made. Call before each piece of a text that grows.
  void check_text_size(size_t size) const;
  void enter();
  void leave() { --depth_; }
  const RenderLimits& limits() const { return limits_; }

 private:
  void check_clock();

  RenderLimits limits_;
  std::chrono::steady_clock::time_point deadline_;
  size_t steps_ = 0;
  size_t next_clock_check_ = 0;
  size_t live_bytes_ = 0;
  int depth_ = 0;
};

// A mistake in the template or the data: Error{invalid_argument}.
[[noreturn]] void fail(const std::string& message);

}  // namespace hearth::modelfile
