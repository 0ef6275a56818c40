#include "engine/tensor/codebooks.h"

#include <catch2/catch.hpp>

using namespace hearth::engine;

namespace {

// CRC-32 of zlib over the entries as little-endian bytes.
template <typename Entry, int count>
uint32_t checksum(const Codebook<Entry, count>& book) {
  uint32_t crc = 0xffffffffu;
  for (const Entry entry : book.entries) {
    for (size_t i = 0; i < sizeof(Entry); ++i) {
      crc ^= static_cast<uint8_t>(entry >> (8 * i));
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320u : 0u);
    }
  }
  return ~crc;
}

}  // namespace

TEST_CASE("the code books have the checksums of the format's tables") {
  CHECK(checksum(iq2_xxs_codebook) == 0x9924ff02u);
  CHECK(checksum(iq2_xs_codebook) == 0xfa1e1bfdu);
  CHECK(checksum(iq2_s_codebook) == 0x25ae5bf1u);
  CHECK(checksum(iq3_xxs_codebook) == 0x07ba9ed0u);
  CHECK(checksum(iq3_s_codebook) == 0xf576e4f3u);
  CHECK(checksum(iq1_codebook) == 0xb85e6ccfu);
}
