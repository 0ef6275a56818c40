// See ip_address.h. The blocks are those of RFC 6890 and its successors.
#include "base/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "base/check.h"

namespace hearth {
namespace {

struct Block {
  uint32_t address;
  int bits;
  AddressKind kind;
};

constexpr std::array blocks{
    Block{0x00000000, 8, AddressKind::loopback},      // "this host": connects to ourselves
    Block{0x7f000000, 8, AddressKind::loopback},      // 127.0.0.0
    Block{0x0a000000, 8, AddressKind::private_net},   // 10.0.0.0
    Block{0x64400000, 10, AddressKind::private_net},  // 100.64.0.0, carriers
    Block{0xac100000, 12, AddressKind::private_net},  // 172.16.0.0
    Block{0xc0a80000, 16, AddressKind::private_net},  // 192.168.0.0
    Block{0xc0000000, 24, AddressKind::private_net},  // 192.0.0.0
    Block{0xc6120000, 15, AddressKind::private_net},  // 198.18.0.0, benchmarks
    Block{0xa9fe0000, 16, AddressKind::link_local},   // 169.254.0.0
    Block{0xe0000000, 3, AddressKind::not_for_hosts},
};

AddressKind kind_of_4(std::span<const uint8_t> bytes) {
  uint32_t address = 0;
  for (const uint8_t byte : bytes) address = address << 8 | byte;
  for (const Block& block : blocks) {
    const uint32_t mask = ~uint32_t{0} << (32 - block.bits);
    if ((address & mask) == block.address) return block.kind;
  }
  return AddressKind::public_net;
}

bool starts_with(std::span<const uint8_t> bytes, std::initializer_list<uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

AddressKind kind_of_16(std::span<const uint8_t> bytes) {
  const bool is_zero_12 =
      std::all_of(bytes.begin(), bytes.begin() + 12, [](uint8_t b) { return b == 0; });
  const bool is_mapped = starts_with(bytes, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff});
  const bool is_translated = starts_with(bytes, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0});
  if (is_zero_12 && bytes[12] == 0 && bytes[13] == 0 && bytes[14] == 0)
    return AddressKind::loopback;
  if (is_zero_12 || is_mapped || is_translated) return kind_of_4(bytes.last(4));
  if (starts_with(bytes, {0x20, 0x02})) return kind_of_4(bytes.subspan(2, 4));  // 6to4
  if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) return AddressKind::link_local;
  if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0xc0) return AddressKind::private_net;
  if ((bytes[0] & 0xfe) == 0xfc) return AddressKind::private_net;
  if (bytes[0] == 0xff) return AddressKind::not_for_hosts;
  return AddressKind::public_net;
}

}  // namespace

AddressKind address_kind(std::span<const uint8_t> bytes) {
  HEARTH_CHECK(bytes.size() == 4 || bytes.size() == 16);
  return bytes.size() == 4 ? kind_of_4(bytes) : kind_of_16(bytes);
}

std::optional<AddressKind> literal_address_kind(const std::string& host) {
  std::array<uint8_t, 16> bytes{};
  if (::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1)
    return address_kind(std::span(bytes).first(4));
  // A zone ("fe80::1%eth0") says which neighbour, not what kind.
  if (::inet_pton(AF_INET6, host.substr(0, host.find('%')).c_str(), bytes.data()) == 1)
    return address_kind(bytes);
  return std::nullopt;
}

}  // namespace hearth
