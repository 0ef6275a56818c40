// Where on the network an address lies: this computer, the network around it, or the world.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace hearth {

enum class AddressKind {
  loopback,       // this computer
  private_net,    // the networks of homes, offices and carriers
  link_local,     // only the next neighbours; where clouds keep the secrets of a machine
  public_net,     // everything else that can be sent to
  not_for_hosts,  // multicast, reserved
};

// 4 or 16 bytes in network order. An IPv4 address inside an IPv6 one counts as itself.
AddressKind address_kind(std::span<const uint8_t> bytes);
// Of a host that is written as an address; absent for a name.
std::optional<AddressKind> literal_address_kind(const std::string& host);

}  // namespace hearth
