#include "registry/blob_digest.h"

#include <catch2/catch.hpp>

#include "base/error.h"

using hearth::registry::BlobDigest;

TEST_CASE("a digest is canonical whatever its spelling") {
  const std::string hex(64, 'A');
  const BlobDigest digest = BlobDigest::parse("sha256:" + hex);
  CHECK(digest == BlobDigest::parse("sha256-" + std::string(64, 'a')));
  CHECK(digest.text() == "sha256:" + std::string(64, 'a'));
  CHECK(digest.file_name() == "sha256-" + std::string(64, 'a'));
  CHECK(digest.abbreviated() == "aaaaaaaaaaaa");
}

TEST_CASE("nothing else is a digest") {
  const std::string hex(64, 'a');
  for (const std::string& text :
       {std::string(), std::string("sha256:a"), std::string("x"), "sha256:" + hex + "a",
        "sha256_" + hex, "sha512:" + hex, "SHA256:" + hex, "sha256:" + std::string(63, 'a') + "g",
        "sha256:../" + std::string(61, 'a'), " sha256:" + hex,
        "sha256:" + std::string(63, 'a') + std::string(1, '\0')}) {
    CAPTURE(text);
    CHECK_FALSE(BlobDigest::try_parse(text));
    CHECK_THROWS_AS(BlobDigest::parse(text), hearth::Error);
  }
}
