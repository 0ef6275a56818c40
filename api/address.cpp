#include "api/address.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"

namespace hearth::api {
namespace {

[[noreturn]] void fail(std::string_view found) {
  throw Error(ErrorCode::invalid_argument,
              fmt::format("expected host, host:port or http://host:port, found \"{}\"", found));
}

uint16_t parse_port(std::string_view text, std::string_view whole) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) fail(whole);
  return port;
}

}  // namespace

Address parse_address(std::string_view text) {
  const std::string_view whole = text;
  Address address;
  if (const size_t mark = text.find("://"); mark != std::string_view::npos) {
    address.scheme = std::string(text.substr(0, mark));
    if (address.scheme != "http" && address.scheme != "https") fail(whole);
    address.port = address.scheme == "https" ? 443 : 80;
    text.remove_prefix(mark + 3);
  }
  if (const size_t slash = text.find('/'); slash != std::string_view::npos) {
    address.path = std::string(text.substr(slash));
    while (address.path.ends_with('/')) address.path.pop_back();
    text = text.substr(0, slash);
  }
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) fail(whole);
    address.host = std::string(text.substr(1, close - 1));
    text.remove_prefix(close + 1);
    if (!text.empty() && !text.starts_with(':')) fail(whole);
    if (!text.empty()) address.port = parse_port(text.substr(1), whole);
    return address;
  }
  const size_t colon = text.find(':');
  const bool is_bare_ipv6 = colon != text.rfind(':');
  if (colon != std::string_view::npos && !is_bare_ipv6) {
    address.port = parse_port(text.substr(colon + 1), whole);
    text = text.substr(0, colon);
  }
  if (text.find_first_of(" \t\"'@") != std::string_view::npos) fail(whole);
  if (!text.empty()) address.host = std::string(text);
  return address;
}

}  // namespace hearth::api
