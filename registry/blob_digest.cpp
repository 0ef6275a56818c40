#include "registry/blob_digest.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/error.h"

namespace hearth::registry {
namespace {

constexpr std::string_view algorithm = "sha256";
constexpr size_t hex_digits = 64;

std::string printable(std::string_view text) {
  std::string result;
  for (char c : text.substr(0, 80)) result += (c >= ' ' && c <= '~') ? c : '?';
  return result;
}

}  // namespace

std::optional<BlobDigest> BlobDigest::try_parse(std::string_view text) {
  if (text.size() != algorithm.size() + 1 + hex_digits || !text.starts_with(algorithm))
    return std::nullopt;
  const char separator = text[algorithm.size()];
  if (separator != ':' && separator != '-') return std::nullopt;
  std::string hex;
  for (char c : text.substr(algorithm.size() + 1)) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return std::nullopt;
    hex += c;
  }
  return BlobDigest(std::move(hex));
}

BlobDigest BlobDigest::parse(std::string_view text) {
  if (auto digest = try_parse(text)) return *digest;
  throw Error(
      ErrorCode::invalid_argument,
      fmt::format("invalid digest \"{}\": expected sha256: and 64 hex digits", printable(text)));
}

BlobDigest BlobDigest::from_hex(std::string hex) {
  auto digest = try_parse(fmt::format("{}:{}", algorithm, hex));
  HEARTH_CHECK(digest.has_value());
  return *digest;
}

}  // namespace hearth::registry
