// Files used where they lie: found, noticed when they change or go, and never removed.
#include "registry/linked_files.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "registry/model_store.h"
#include "tests/registry/temporary_folder.h"

using namespace hearth::registry;
using hearth::Error;
using hearth::ErrorCode;
using hearth::testing::file_count;
using hearth::testing::put_file;
using hearth::testing::TemporaryFolder;

namespace {

std::string refusal(ModelStore& store, const char* name) {
  try {
    store.open(ModelName::parse(name));
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::corrupt_data);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a model may use a file where it lies") {
  TemporaryFolder folder;
  const auto weights = folder.path() / "elsewhere/weights.gguf";
  put_file(weights, "hello weights");
  ModelStore store(folder.path() / "models");
  BlobDigest digest = store.link_file(weights, {}).digest;
  CHECK(store.link_file(weights, {}).digest == digest);
  Manifest manifest;
  manifest.layers.push_back({std::string(media_type::model), digest, 13, "", ""});
  store.write(ModelName::parse("linked"), print_manifest(manifest));
  CHECK(refusal(store, "linked").empty());
  CHECK(std::filesystem::read_symlink(store.blobs().path(digest)) == weights);
  CHECK(store.blobs().read(digest) == "hello weights");

  SECTION("changed") {
    put_file(weights, "other weights");
    std::filesystem::last_write_time(
        weights, std::filesystem::file_time_type::clock::now() - std::chrono::hours(5));
    CHECK(refusal(store, "linked").find("has changed since it was linked") != std::string::npos);
    store.link_file(weights, {});
    CHECK(refusal(store, "linked").find("changed") != std::string::npos);
  }
  SECTION("gone") {
    std::filesystem::remove(weights);
    CHECK(refusal(store, "linked").find(weights.string()) != std::string::npos);
    CHECK_FALSE(store.blobs().has(digest));
  }
  SECTION("without its history") {
    std::filesystem::remove(folder.path() / "models/state.db");
    CHECK(refusal(store, "linked").empty());
  }
  SECTION("removed from the store") {
    store.remove(ModelName::parse("linked"));
    CHECK(file_count(folder.path() / "models/blobs") == 0);
    CHECK(std::filesystem::exists(weights));
  }
}

TEST_CASE("a blob that is there needs no link") {
  TemporaryFolder folder;
  ModelStore store(folder.path() / "models");
  const BlobDigest digest = store.blobs().write("hello").digest;
  put_file(folder.path() / "a", "hello");
  CHECK(store.link_file(folder.path() / "a", {}).digest == digest);
  CHECK_FALSE(std::filesystem::is_symlink(store.blobs().path(digest)));
  CHECK_THROWS_AS(store.link_file(folder.path(), {}), Error);
  CHECK_THROWS_AS(store.link_file("relative", {}), Error);
}
