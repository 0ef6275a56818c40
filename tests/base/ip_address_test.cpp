// Where addresses lie.
#include "base/ip_address.h"

#include <catch2/catch.hpp>
#include <utility>

using namespace hearth;

TEST_CASE("ip_address: blocks of both families, and one inside the other") {
  using enum AddressKind;
  for (const auto& [text, kind] : std::initializer_list<std::pair<const char*, AddressKind>>{
           {"127.0.0.1", loopback},
           {"0.0.0.0", loopback},
           {"10.1.2.3", private_net},
           {"100.64.0.1", private_net},
           {"100.128.0.1", public_net},
           {"172.16.0.1", private_net},
           {"172.32.0.1", public_net},
           {"192.168.1.1", private_net},
           {"169.254.169.254", link_local},
           {"224.0.0.1", not_for_hosts},
           {"255.255.255.255", not_for_hosts},
           {"8.8.8.8", public_net},
           {"::1", loopback},
           {"::", loopback},
           {"fe80::1", link_local},
           {"fe80::1%eth0", link_local},
           {"fd00:ec2::254", private_net},
           {"fec0::1", private_net},
           {"ff02::1", not_for_hosts},
           {"2001:4860:4860::8888", public_net},
           {"::ffff:127.0.0.1", loopback},
           {"::ffff:169.254.169.254", link_local},
           {"64:ff9b::a00:1", private_net},
           {"2002:7f00:1::", loopback},
           {"::10.0.0.1", private_net}}) {
    INFO(text);
    CHECK(literal_address_kind(text) == kind);
  }
  CHECK_FALSE(literal_address_kind("localhost"));
  CHECK_FALSE(literal_address_kind("127.1"));  // the resolver's business
}
