// An iterative walk over RFC 8949 items: heads are read, contents skipped, open containers counted
// on a small stack.
#include "engine/runner/cbor_limits.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>

#include "base/error.h"

namespace hearth::engine {
namespace {

[[noreturn]] void fail(size_t offset, std::string_view what) {
  throw Error(ErrorCode::corrupt_data, fmt::format("CBOR at byte {}: {}", offset, what));
}

class Walker {
 public:
  explicit Walker(std::span<const std::byte> bytes) : bytes_(bytes) {}

  void walk() {
    do {
      if (++values_ > cbor_values_max) fail(offset_, "more than 262144 values");
      item();
      while (depth_ > 0 && open_[depth_ - 1] == 0) --depth_;
    } while (depth_ > 0);
    if (offset_ != bytes_.size()) fail(offset_, "bytes behind the end");
  }

 private:
  uint8_t take_byte() {
    if (offset_ >= bytes_.size()) fail(offset_, "ends early");
    return static_cast<uint8_t>(bytes_[offset_++]);
  }

  uint64_t argument(uint8_t info) {
    if (info < 24) return info;
    if (info > 27) fail(offset_, "indefinite or reserved length");
    uint64_t value = 0;
    for (int i = 0; i < 1 << (info - 24); ++i) value = value << 8 | take_byte();
    return value;
  }

  void item() {
    if (depth_ > 0) --open_[depth_ - 1];
    const uint8_t head = take_byte();
    const uint8_t major = head >> 5;
    const uint8_t info = head & 31;
    const uint64_t value = argument(info);
    if (major == 2 || major == 3) {
      if (value > bytes_.size() - offset_) fail(offset_, "a string longer than the frame");
      offset_ += value;
    } else if (major == 4 || major == 5) {
      enter(value, major == 5 ? 2 : 1);
    } else if (major == 6) {
      fail(offset_, "tags are not used");
    } else if (major == 7 && info != 20 && info != 21 && info != 22 && info != 25 && info != 26 &&
               info != 27) {
      fail(offset_, "a simple value that is not used");
    }
  }

  void enter(uint64_t count, uint64_t items_each) {
    if (count > cbor_values_max) fail(offset_, "a container of more than 262144 values");
    if (depth_ == cbor_depth_max) fail(offset_, "nested deeper than 8");
    open_[depth_++] = count * items_each;
  }

  std::span<const std::byte> bytes_;
  size_t offset_ = 0;
  size_t values_ = 0;
  size_t depth_ = 0;
  std::array<uint64_t, cbor_depth_max> open_{};  // items still missing in each open container
};

}  // namespace

void check_cbor(std::span<const std::byte> bytes) {
  Walker(bytes).walk();
}

}  // namespace hearth::engine
