#include "modelfile/template/budget.h"

#include <fmt/format.h>

#include "base/error.h"

namespace hearth::modelfile {

void fail(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message);
}

Budget::Budget(const RenderLimits& limits)
    : limits_(limits), deadline_(std::chrono::steady_clock::now() + limits.time_max) {}

void Budget::step(size_t count) {
  steps_ += count;
  if (steps_ > limits_.steps_max)
    fail(fmt::format("template ran longer than {} steps", limits_.steps_max));
  if (steps_ >= next_clock_check_) check_clock();
}

void Budget::check_clock() {
  next_clock_check_ = steps_ + 1000;
  if (std::chrono::steady_clock::now() > deadline_) {
    fail(fmt::format("template ran longer than {} ms", limits_.time_max.count()));
  }
}

void Budget::take_bytes(size_t count) {
  constexpr size_t factor = 4;  // intermediate texts beside the output
  if (count > factor * limits_.output_bytes_max ||
      live_bytes_ + count > factor * limits_.output_bytes_max) {
    fail(fmt::format("template needs more memory than allowed ({} MiB)",
                     factor * limits_.output_bytes_max >> 20));
  }
  live_bytes_ += count;
  step(count / 256);
}

void Budget::check_text_size(size_t size) const {
  if (size > limits_.output_bytes_max) {
    fail(fmt::format("template makes a text of more than {} bytes", limits_.output_bytes_max));
  }
}

void Budget::enter() {
  if (++depth_ > limits_.depth_max)
    fail("template is nested too deeply or calls itself without end");
}

}  // namespace hearth::modelfile
