// What belongs to no model is found exactly, and nothing else ever goes.
#include "registry/garbage.h"

#include <fcntl.h>
#include <sys/file.h>

#include <catch2/catch.hpp>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "registry/maintenance.h"
#include "registry/remote/download_journal.h"
#include "tests/registry/stored_models.h"

using namespace hearth::registry;
using hearth::Error;
using hearth::ErrorCode;
using hearth::testing::put_file;
using hearth::testing::store_model;
using hearth::testing::TemporaryFolder;

namespace fs = std::filesystem;

namespace {

std::set<std::string> names_of(const std::vector<Garbage>& garbage) {
  std::set<std::string> names;
  for (const Garbage& entry : garbage) names.insert(entry.name);
  return names;
}

std::set<std::string> files_below(const fs::path& root) {
  std::set<std::string> names;
  for (const char* folder : {"blobs", "damaged"}) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root / folder, error))
      names.insert(entry.path().lexically_relative(root).string());
  }
  return names;
}

std::string blob_name(char digit) {
  return "blobs/sha256-" + std::string(64, digit);
}

}  // namespace

TEST_CASE("exactly what belongs to nobody goes") {
  TemporaryFolder folder;
  const fs::path& root = folder.path();
  ModelStore store(root);
  store_model(store, "a", {"shared", "of a"});
  store_model(store, "b", {"shared", "of b"});
  const std::set<std::string> of_models = files_below(root);
  REQUIRE(of_models.size() == 4);  // the configs are equal

  std::set<std::string> garbage = {blob_name('1'),          blob_name('2'),  blob_name('3'),
                                   "blobs/hearth-tmp-dead", "blobs/COPY123", "damaged/sha256-x"};
  put_file(root / blob_name('1'), std::string(1000, 'x'));
  put_file(root / blob_name('2'), "");
  fs::create_symlink("/nowhere", root / blob_name('3'));
  put_file(root / "blobs/hearth-tmp-dead", "half");
  put_file(root / "blobs/COPY123/part", "half");
  put_file(root / "damaged/sha256-x", "bad");
  fs::last_write_time(root / "blobs/COPY123",
                      fs::file_time_type::clock::now() - std::chrono::hours(2));
  const std::set<std::string> downloads = {blob_name('4') + "-partial",
                                           blob_name('4') + "-partial-0"};
  for (const std::string& name : downloads) put_file(root / name, "half");

  put_file(root / "blobs/hearth-tmp-alive", "half");
  const hearth::UniqueFd lock(::open((root / "blobs/hearth-tmp-alive").c_str(), O_RDWR));
  REQUIRE(::flock(lock.get(), LOCK_EX) == 0);
  put_file(root / "blobs/Q4_K_M99", "somebody writes this now");
  put_file(root / (blob_name('5') + "-partial"), "being pulled");
  const BlobPin pin = store.blobs().pin(BlobDigest::from_hex(std::string(64, '5')));
  const StoredBlob made = store.blobs().write("of a model that is being made");
  const StoredBlob held = store.blobs().write("uploaded");
  REQUIRE(store.blobs().hold(held.digest, std::chrono::minutes(1)));
  fs::create_directories(root / "manifests/host/namespace/empty");

  const std::set<std::string> before = files_below(root);
  const GarbageReport dry = collect_garbage(store, {.is_dry_run = true});
  CHECK(names_of(dry.removed) == garbage);
  CHECK(names_of(dry.kept) == downloads);
  CHECK(files_below(root) == before);
  CHECK(fs::exists(root / "manifests/host"));
  for (const Garbage& entry : dry.removed) {
    if (entry.name == blob_name('1')) CHECK(entry.bytes == 1000);
    if (entry.name == blob_name('3')) CHECK(entry.bytes == 0);
    if (entry.name == "blobs/COPY123") CHECK(entry.bytes == 4);
  }

  CHECK(names_of(collect_garbage(store).removed) == garbage);
  std::set<std::string> left = before;
  for (const std::string& name : garbage) left.erase(name);
  CHECK(files_below(root) == left);
  CHECK_FALSE(fs::exists(root / "manifests/host"));
  CHECK(store.open(ModelName::parse("a")).stored.manifest.layers.size() == 2);
  CHECK(store.open(ModelName::parse("b")).stored.manifest.layers.size() == 2);
  CHECK(collect_garbage(store).removed.empty());
  CHECK(names_of(collect_garbage(store, {.takes_downloads = true}).removed) == downloads);
}

TEST_CASE("a download that goes is forgotten, one that stays is not") {
  TemporaryFolder folder;
  ModelStore store(folder.path());
  const BlobDigest here = BlobDigest::from_hex(std::string(64, '4'));
  const BlobDigest gone = BlobDigest::from_hex(std::string(64, '6'));
  put_file(folder.path() / (blob_name('4') + "-partial"), "half");
  DownloadJournal journal(folder.path() / "state.db");
  for (const BlobDigest& digest : {here, gone}) journal.put(digest, 9, {});
  collect_garbage(store, {.is_dry_run = true});
  CHECK(journal.find(gone, 9));
  collect_garbage(store);
  CHECK(journal.find(here, 9));
  CHECK_FALSE(journal.find(gone, 9));
  collect_garbage(store, {.takes_downloads = true});
  CHECK_FALSE(journal.find(here, 9));
}

TEST_CASE("blobs that repairs have replaced are named") {
  TemporaryFolder folder;
  ModelStore store(folder.path());
  CHECK(damaged_blobs(store).empty());
  put_file(folder.path() / "damaged/sha256-x", "bad");
  const std::vector<Garbage> damaged = damaged_blobs(store);
  REQUIRE(damaged.size() == 1);
  CHECK(damaged.front().name == "damaged/sha256-x");
  CHECK(damaged.front().bytes == 3);
}

TEST_CASE("nothing goes while a manifest cannot be read") {
  TemporaryFolder folder;
  ModelStore store(folder.path());
  put_file(folder.path() / blob_name('1'), "x");
  put_file(folder.path() / "manifests/registry.ollama.ai/library/bad/latest", "{");
  try {
    collect_garbage(store);
    FAIL("expected an error");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::corrupt_data);
    CHECK(std::string(error.what()).find("'bad:latest'") != std::string::npos);
  }
  CHECK(fs::exists(folder.path() / blob_name('1')));
}

TEST_CASE("stores of other programs are left as they are") {
  TemporaryFolder folder;
  const fs::path other = folder.path() / "other";
  put_file(other / blob_name('1'), "x");
  put_file(other / "damaged/x", "x");
  fs::create_directories(other / "manifests/host/namespace/empty");
  ModelStore store(folder.path() / "ours", {.prunes = true, .readonly_roots = {other}});
  CHECK(collect_garbage(store).removed.empty());
  CHECK(fs::exists(other / blob_name('1')));
  CHECK(fs::exists(other / "manifests/host"));
}
