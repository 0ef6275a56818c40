#include "base/bytes.h"

#include <fmt/format.h>

#include "base/error.h"

namespace hearth {

std::span<const std::byte> ByteReader::take(uint64_t count, std::string_view field) {
  if (count > remaining()) fail(count, field);
  auto result = bytes_.subspan(offset_, static_cast<size_t>(count));
  offset_ += static_cast<size_t>(count);
  return result;
}

std::string_view ByteReader::read_string(std::string_view field, uint64_t length_max) {
  const auto length = read<uint64_t>(field);
  if (length > length_max) {
    throw Error(ErrorCode::corrupt_data,
                fmt::format("{}: {} at byte {}: length {}, at most {} allowed", what_, field,
                            offset_ - sizeof(uint64_t), length, length_max));
  }
  auto bytes = take(length, field);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void ByteReader::fail(uint64_t count, std::string_view field) const {
  throw Error(ErrorCode::corrupt_data,
              fmt::format("{}: file ends inside {} at byte {}: {} bytes needed, {} left", what_,
                          field, offset_, count, remaining()));
}

}  // namespace hearth
