// The digest of a blob as a type of its own: a value of this type has been checked, so paths and
// short forms can be made from it without looking again (digests of hostile manifests are how
// stores are broken into).
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::registry {

// SHA-256, canonical: lower-case hex. "sha256-<hex>" and upper-case digits are accepted when
// parsing.
class BlobDigest {
 public:
  // Throws Error{invalid_argument}; the message shows at most the first characters of a wrong text.
  static BlobDigest parse(std::string_view text);
  static std::optional<BlobDigest> try_parse(std::string_view text);
  // From the 64 lower-case digits that hearth::Sha256 gives.
  static BlobDigest from_hex(std::string hex);

  const std::string& hex() const { return hex_; }
  std::string text() const { return "sha256:" + hex_; }       // as manifests and the API write it
  std::string file_name() const { return "sha256-" + hex_; }  // below the blobs folder
  std::string abbreviated() const { return hex_.substr(0, 12); }

  auto operator<=>(const BlobDigest&) const = default;

 private:
  explicit BlobDigest(std::string hex) : hex_(std::move(hex)) {}
  std::string hex_;
};

}  // namespace hearth::registry
