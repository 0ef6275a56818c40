// SHA-256 against the published test vectors (FIPS 180-2).
#include "base/digest.h"

#include <catch2/catch.hpp>
#include <string_view>

using namespace hearth;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

TEST_CASE("known digests") {
  CHECK(sha256_hex(bytes_of("")) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex(bytes_of("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("pieces give the digest of the whole") {
  Sha256 stream;
  stream.update(bytes_of("a"));
  stream.update(bytes_of(""));
  stream.update(bytes_of("bc"));
  CHECK(stream.finish_hex() == sha256_hex(bytes_of("abc")));
}
