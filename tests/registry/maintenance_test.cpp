// What a start does to a store: old names, what crashes leave, blobs without a model, one daemon.
#include "registry/maintenance.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/error.h"
#include "base/log.h"
#include "tests/registry/temporary_folder.h"

using namespace hearth::registry;
using hearth::Error;
using hearth::ErrorCode;
using hearth::testing::file_count;
using hearth::testing::put_file;
using hearth::testing::TemporaryFolder;

namespace {

void make_older(const std::filesystem::path& path, std::chrono::hours age) {
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - age);
}

void store_model(ModelStore& store, const char* name, std::string_view weights) {
  const StoredBlob blob = store.blobs().write(weights);
  Manifest manifest;
  manifest.layers.push_back({std::string(media_type::model), blob.digest, blob.size_bytes, "", ""});
  store.write(ModelName::parse(name), print_manifest(manifest));
}

}  // namespace

TEST_CASE("a start removes what nothing refers to, after its time") {
  hearth::log::start("test", hearth::log::Level::off);
  struct Row {
    const char* file;
    int hours;
    bool stays;
  };
  const std::string hex(64, 'a');
  const std::string digest = "sha256-" + hex;
  const std::string young = "sha256-" + std::string(64, 'b');
  const std::string partial = digest + "-partial";
  const std::string part = digest + "-partial-3";
  const std::string old_partial = young + "-partial";
  const Row rows[] = {
      {digest.c_str(), 2, false},
      {young.c_str(), 0, true},
      {partial.c_str(), 48, true},
      {part.c_str(), 48, true},
      {old_partial.c_str(), 200, false},
      {"sha256-12345", 2, false},
      {"COPY123", 2, false},
      {"Q4_K_M99", 0, true},
      {"split-gguf-1/part", 2, false},
  };
  TemporaryFolder folder;
  ModelStore store(folder.path());
  store_model(store, "kept", "weights");
  const auto blobs = folder.path() / "blobs";
  for (const auto& entry : std::filesystem::directory_iterator(blobs))
    make_older(entry.path(), std::chrono::hours(100));
  for (const Row& row : rows) {
    put_file(blobs / row.file, "x");
    const auto top = blobs / *std::filesystem::path(row.file).begin();
    make_older(top, std::chrono::hours(row.hours));
  }

  SECTION("as usual") {
    const MaintenanceReport report = maintain(store);
    for (const Row& row : rows) {
      INFO(row.file);
      CHECK(std::filesystem::exists(blobs / row.file) == row.stays);
    }
    CHECK(report.blobs == 1);
    CHECK(report.unfinished == 4);
    CHECK(report.why_not_pruned.empty());
  }
  SECTION("not at all when told so") {
    maintain(store, {.prunes = false});
    for (const Row& row : rows) CHECK(std::filesystem::exists(blobs / row.file));
  }
  SECTION("no blob while a manifest cannot be read") {
    put_file(folder.path() / "manifests/registry.ollama.ai/library/bad/latest", "{");
    const MaintenanceReport report = maintain(store);
    CHECK(report.why_not_pruned.find("bad") != std::string::npos);
    CHECK(std::filesystem::exists(blobs / digest));
  }
  CHECK(store.open(ModelName::parse("kept")).stored.name.display() == "kept:latest");
}

TEST_CASE("a start renames blobs of old programs and cleans the manifests") {
  TemporaryFolder folder;
  ModelStore store(folder.path());
  store_model(store, "a", "weights");
  const BlobDigest digest = store.read(ModelName::parse("a"))->manifest.layers[0].digest;
  std::filesystem::rename(store.blobs().path(digest),
                          folder.path() / "blobs" / ("sha256:" + digest.hex()));
  const auto manifests = folder.path() / "manifests";
  put_file(manifests / "registry.ollama.ai/library/half/.hearth-tmp-abc", "{");
  std::filesystem::create_directories(manifests / "host/namespace/empty");
  std::filesystem::create_directories(folder.path() / "elsewhere");
  std::filesystem::create_directory_symlink(folder.path() / "elsewhere", manifests / "linked");
  const MaintenanceReport report = maintain(store);
  CHECK(report.renamed == 1);
  CHECK(report.unfinished == 1);
  CHECK(store.open(ModelName::parse("a")).model_path == store.blobs().path(digest));
  CHECK_FALSE(std::filesystem::exists(manifests / "registry.ollama.ai/library/half"));
  CHECK_FALSE(std::filesystem::exists(manifests / "host"));
  CHECK(std::filesystem::is_symlink(manifests / "linked"));
}

TEST_CASE("a store has one daemon, and a killed one leaves it free") {
  TemporaryFolder folder;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const StoreLock lock(folder.path());
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  try {
    const StoreLock second(folder.path());
    FAIL("expected an error");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::unavailable);
    const std::string text = error.what();
    CHECK(text.find("process " + std::to_string(child)) != std::string::npos);
    CHECK(text.find(folder.path().string()) != std::string::npos);
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK_NOTHROW(StoreLock(folder.path()));
}
