// Files that are used without having been read: a name of their own, until somebody reads them.
#include "registry/file_description.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <chrono>

#include "base/digest.h"
#include "base/error.h"
#include "registry/verify.h"
#include "tests/registry/stored_models.h"

using namespace hearth::registry;
using hearth::Error;
using hearth::ErrorCode;
using hearth::testing::file_count;
using hearth::testing::put_file;
using hearth::testing::TemporaryFolder;

namespace fs = std::filesystem;

namespace {

std::string true_hex(const std::string& text) {
  return hearth::sha256_hex(std::as_bytes(std::span(text.data(), text.size())));
}

BlobDigest store_unread(ModelStore& store, std::string_view name, const fs::path& file) {
  const StoredBlob blob = store.link_unread_file(file);
  const StoredBlob config = store.blobs().write("{}");
  Manifest manifest;
  manifest.layers.push_back(
      {std::string(media_type::model), blob.digest, blob.size_bytes, "", "weights.gguf"});
  manifest.config = {std::string(media_type::config), config.digest, 2, "", ""};
  store.write(ModelName::parse(name), print_manifest(manifest));
  return blob.digest;
}

}  // namespace

TEST_CASE("a description changes with place, size, date and the first bytes") {
  TemporaryFolder folder;
  const fs::path file = folder.path() / "a";
  put_file(file, "content");
  const auto date = fs::last_write_time(file);
  const FileDescription first = describe_file(file);
  CHECK(first.size_bytes == 7);
  CHECK(first.digest.hex() != true_hex("content"));
  CHECK(describe_file(file).digest == first.digest);

  put_file(file, "contend");
  fs::last_write_time(file, date);
  CHECK(describe_file(file).digest != first.digest);
  put_file(file, "content");
  fs::last_write_time(file, date);
  CHECK(describe_file(file).digest == first.digest);
  fs::last_write_time(file, date + std::chrono::nanoseconds(1000));
  CHECK(describe_file(file).digest != first.digest);
  fs::copy_file(file, folder.path() / "b");
  fs::last_write_time(folder.path() / "b", date);
  CHECK(describe_file(folder.path() / "b").digest != first.digest);

  CHECK_THROWS_AS(describe_file(folder.path()), Error);
  CHECK_THROWS_AS(describe_file(folder.path() / "none"), Error);
  REQUIRE(::mkfifo((folder.path() / "pipe").c_str(), 0600) == 0);
  CHECK_THROWS_AS(describe_file(folder.path() / "pipe"), Error);
}

TEST_CASE("a file of any size is linked at once, and read when its digest is wanted") {
  TemporaryFolder folder;
  const fs::path file = folder.path() / "weights.gguf";
  put_file(file, "the weights");
  ModelStore store(folder.path() / "store");
  const BlobDigest described = store_unread(store, "a", file);
  store.copy(ModelName::parse("a"), ModelName::parse("user/b"));
  const fs::path blob = store.blobs().path(described);
  CHECK(described_file(described, blob) == file);
  CHECK(store.open(ModelName::parse("a")).model_path == blob);
  CHECK(fs::read_symlink(blob) == file);

  SECTION("verify reads it and renames it in every manifest") {
    const auto findings = verify(store, {.model = ModelName::parse("a"), .threads = 2}, {});
    const BlobDigest actual = BlobDigest::from_hex(true_hex("the weights"));
    CHECK(findings.size() == 2);
    for (const BlobFinding& finding : findings) {
      if (finding.digest == described) {
        CHECK(finding.health == BlobHealth::read);
        CHECK(finding.actual == actual);
      } else {
        CHECK(finding.health == BlobHealth::good);
      }
    }
    for (const char* name : {"a", "user/b"}) {
      const auto stored = store.read(ModelName::parse(name));
      CHECK(stored->manifest.layers[0].digest == actual);
      CHECK(stored->manifest.layers[0].name == "weights.gguf");
      CHECK_NOTHROW(store.open(ModelName::parse(name)));
    }
    CHECK(fs::read_symlink(store.blobs().path(actual)) == file);
    CHECK(file_count(folder.path() / "store/blobs") == 2);
    for (const BlobFinding& finding : verify(store, {}, {}))
      CHECK(finding.health == BlobHealth::good);
  }
  SECTION("it changes") {
    put_file(file, "the weighty");
    fs::last_write_time(file, fs::last_write_time(file) + std::chrono::hours(1));
    CHECK_FALSE(described_file(described, blob));
    CHECK_THROWS_WITH(store.open(ModelName::parse("a")), Catch::Contains("has changed"));
    CHECK(verify(store, {}, {}).front().health == BlobHealth::moved);
    CHECK(store.read_linked_file(described, {}) == described);
  }
  SECTION("its date changes, and it is linked again") {
    fs::last_write_time(file, fs::last_write_time(file) + std::chrono::hours(1));
    CHECK_THROWS_WITH(store.open(ModelName::parse("a")), Catch::Contains("has changed"));
    store_unread(store, "a", file);
    CHECK_NOTHROW(store.open(ModelName::parse("a")));
  }
  SECTION("what is known about links is lost") {
    for (const char* suffix : {"", "-wal", "-shm"})
      fs::remove(folder.path() / (std::string("store/state.db") + suffix));
    ModelStore again(folder.path() / "store");
    CHECK_NOTHROW(again.open(ModelName::parse("a")));
    CHECK(verify(again, {}, {}).front().health == BlobHealth::read);
  }
}

TEST_CASE("a link to a file that was moved is replaced by one to its new place") {
  TemporaryFolder folder;
  ModelStore store(folder.path() / "store");
  put_file(folder.path() / "old", "weights");
  const BlobDigest digest = store.link_file(folder.path() / "old", {}).digest;
  put_file(folder.path() / "new", "weights");
  CHECK(store.link_file(folder.path() / "new", {}).digest == digest);
  CHECK(fs::read_symlink(store.blobs().path(digest)) == folder.path() / "new");
  fs::last_write_time(folder.path() / "new",
                      fs::last_write_time(folder.path() / "new") + std::chrono::hours(1));
  CHECK_FALSE(store.link_problem(digest).empty());
  store.link_file(folder.path() / "new", {});
  CHECK(store.link_problem(digest).empty());
}
