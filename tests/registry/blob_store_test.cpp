// Blobs: visible only when complete and right, nothing left behind otherwise.
#include "registry/blob_store.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "base/error.h"
#include "tests/registry/temporary_folder.h"

using namespace hearth::registry;
using hearth::Error;
using hearth::ErrorCode;
using hearth::testing::file_count;
using hearth::testing::put_file;
using hearth::testing::TemporaryFolder;

namespace {

const std::string hello_digest =
    "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  FAIL("expected an error");
  return {};
}

}  // namespace

TEST_CASE("a committed blob is there under its digest") {
  TemporaryFolder folder;
  BlobStore store(folder.path());
  BlobWriter writer = store.begin_write();
  writer.append("hel");
  CHECK_FALSE(store.has(BlobDigest::parse(hello_digest)));
  writer.append("lo");
  const StoredBlob blob = writer.commit(BlobDigest::parse(hello_digest));
  CHECK(blob.digest.text() == hello_digest);
  CHECK(blob.is_new);
  CHECK(blob.size_bytes == 5);
  CHECK(store.size(blob.digest) == 5);
  CHECK(store.read(blob.digest) == "hello");
  CHECK(store.path(blob.digest) == folder.path() / "blobs" / blob.digest.file_name());
  CHECK((std::filesystem::status(store.path(blob.digest)).permissions() &
         std::filesystem::perms::others_read) != std::filesystem::perms::none);
  CHECK_FALSE(store.write("hello").is_new);
  CHECK(file_count(folder.path() / "blobs") == 1);
}

TEST_CASE("a wrong digest stores nothing") {
  TemporaryFolder folder;
  BlobStore store(folder.path());
  {
    BlobWriter writer = store.begin_write();
    writer.append("hullo");
    try {
      writer.commit(BlobDigest::parse(hello_digest));
      FAIL("expected an error");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::invalid_argument);
      CHECK(std::string(error.what()).find(hello_digest) != std::string::npos);
    }
  }
  CHECK(file_count(folder.path() / "blobs") == 0);
}

TEST_CASE("a dropped writer leaves nothing") {
  TemporaryFolder folder;
  BlobStore store(folder.path());
  { store.begin_write().append("half"); }
  CHECK(file_count(folder.path() / "blobs") == 0);
}

TEST_CASE("a blob of the right name and the wrong size is replaced") {
  TemporaryFolder folder;
  BlobStore store(folder.path());
  put_file(store.path(BlobDigest::parse(hello_digest)), "hel");
  CHECK(store.write("hello").is_new);
  CHECK(store.read(BlobDigest::parse(hello_digest)) == "hello");
}

TEST_CASE("a start removes what a dead process left and nothing else") {
  TemporaryFolder folder;
  put_file(folder.path() / "blobs/hearth-tmp-abc123", "half");
  put_file(folder.path() / "blobs/sha256-123-partial", "somebody else's download");
  BlobStore store(folder.path());
  CHECK(file_count(folder.path() / "blobs") == 1);
  BlobWriter writer = store.begin_write();
  writer.append("hello");
  BlobStore second(folder.path());  // the writer lives: its file stays
  CHECK(writer.commit().digest.text() == hello_digest);
}

TEST_CASE("import copies, hashes and reports progress") {
  TemporaryFolder folder;
  BlobStore store(folder.path() / "models");
  std::string content(9'000'001, 'x');
  content[5'000'000] = 'y';
  put_file(folder.path() / "weights.gguf", content);
  uint64_t last = 0;
  const StoredBlob blob =
      store.import_file(folder.path() / "weights.gguf", [&](uint64_t done, uint64_t total) {
        CHECK(done > last);
        CHECK(total == content.size());
        last = done;
      });
  CHECK(last == content.size());
  CHECK(store.read(blob.digest) == content);
  put_file(folder.path() / "weights.gguf", "changed later");
  CHECK(store.read(blob.digest) == content);
}

TEST_CASE("import refuses what is not a file and stops when told to") {
  TemporaryFolder folder;
  BlobStore store(folder.path() / "models");
  CHECK(code_of([&] { store.import_file(folder.path() / "absent"); }) == ErrorCode::not_found);
  CHECK(code_of([&] { store.import_file(folder.path()); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { store.import_file("/dev/zero"); }) == ErrorCode::invalid_argument);
  const auto pipe = folder.path() / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(code_of([&] { store.import_file(pipe); }) == ErrorCode::invalid_argument);
  put_file(folder.path() / "file", "content");
  const auto stop = [](uint64_t, uint64_t) { throw Error(ErrorCode::cancelled, "stop"); };
  CHECK(code_of([&] { store.import_file(folder.path() / "file", stop); }) == ErrorCode::cancelled);
  CHECK(file_count(folder.path() / "models/blobs") == 0);
}

TEST_CASE("a blob may be written by somebody else") {
  TemporaryFolder folder;
  BlobStore store(folder.path());
  BlobWriter writer = store.begin_write();
  REQUIRE(::write(writer.descriptor(), "hello", 5) == 5);
  const StoredBlob blob = writer.commit_written();
  CHECK(blob.digest.text() == hello_digest);
  CHECK(blob.size_bytes == 5);
  CHECK(store.read(blob.digest) == "hello");
}

TEST_CASE("pinned blobs are not removed") {
  TemporaryFolder folder;
  BlobStore store(folder.path());
  const BlobDigest digest = BlobDigest::parse(hello_digest);
  {
    StoredBlob blob = store.write("hello");
    BlobPin moved = std::move(blob.pin);
    const BlobPin second = store.pin(digest);
    CHECK_FALSE(store.remove_unless_pinned(digest));
    CHECK(store.has(digest));
  }
  CHECK(store.remove_unless_pinned(digest));
  CHECK_FALSE(store.has(digest));
  CHECK(store.remove_unless_pinned(digest));
  CHECK(code_of([&] { store.open(digest); }) == ErrorCode::not_found);
}

TEST_CASE("missing blobs do not tell where the store lies") {
  TemporaryFolder folder;
  const BlobStore store(folder.path());
  try {
    store.read(BlobDigest::parse(hello_digest));
    FAIL("expected an error");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find(folder.path().string()) == std::string::npos);
  }
}

TEST_CASE("several threads write the same blob") {
  TemporaryFolder folder;
  BlobStore store(folder.path());
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&store] {
      for (int round = 0; round < 20; ++round) {
        const StoredBlob blob = store.write("hello");
        if (store.read(blob.digest) != "hello") std::abort();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(file_count(folder.path() / "blobs") == 1);
}
