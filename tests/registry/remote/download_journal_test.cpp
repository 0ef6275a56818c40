// What is known of unfinished downloads, ours and Ollama's; their file, and its hash.
#include "registry/remote/download_journal.h"

#include <catch2/catch.hpp>

#include "base/digest.h"
#include "base/error.h"
#include "registry/remote/hash_behind.h"
#include "tests/registry/temporary_folder.h"

using namespace hearth;
using namespace hearth::registry;
using hearth::testing::put_file;
using hearth::testing::TemporaryFolder;

namespace {

const BlobDigest some_digest = BlobDigest::from_hex(std::string(64, 'a'));

ByteRanges ranges(std::initializer_list<ByteRange> list) {
  ByteRanges result;
  for (const ByteRange& range : list) result.add(range);
  return result;
}

}  // namespace

TEST_CASE("journal: what was put is found, for the same size only") {
  TemporaryFolder folder;
  const std::string hex(64, 'b');
  {
    DownloadJournal journal(folder.path() / "state.db");
    CHECK_FALSE(journal.find(some_digest, 100));
    journal.put(some_digest, 100,
                {ranges({{0, 10}, {20, 30}}), ranges({{0, 5}}), {{{40, 50}, hex}}});
    journal.put(some_digest, 100,
                {ranges({{0, 15}, {20, 30}}), ranges({{0, 5}}), {{{40, 50}, hex}}});
  }
  DownloadJournal journal(folder.path() / "state.db");
  const auto state = journal.find(some_digest, 100);
  REQUIRE(state);
  CHECK(state->arrived == ranges({{0, 15}, {20, 30}}));
  CHECK(state->on_disk == ranges({{0, 5}}));
  REQUIRE(state->digests.size() == 1);
  CHECK(state->digests[0].range == ByteRange{40, 50});
  CHECK(state->digests[0].sha256_hex == hex);
  CHECK_FALSE(journal.find(some_digest, 99));
  journal.forget(some_digest);
  CHECK_FALSE(journal.find(some_digest, 100));
}

TEST_CASE("journal: after a restart of the computer only what is on the disk counts") {
  TemporaryFolder folder;
  const auto file = folder.path() / "state.db";
  DownloadJournal journal(file);
  journal.put(some_digest, 100, {ranges({{0, 50}}), ranges({{0, 20}}), {}});
  Database database(file, "SELECT 1");
  database.run("UPDATE downloads SET boot = 'another'");
  CHECK(journal.find(some_digest, 100)->arrived == ranges({{0, 20}}));
  database.run("UPDATE downloads SET on_disk = '0-1000'");
  CHECK_FALSE(journal.find(some_digest, 100));
}

TEST_CASE("journal: what Ollama left half-way") {
  TemporaryFolder folder;
  const auto partial = folder.path() / "sha256-x-partial";
  CHECK(read_ollama_parts(partial, 1000).list().empty());
  put_file(partial, std::string(900, 'x'));
  const auto put = [&](int number, const std::string& text) {
    put_file(partial.string() + "-" + std::to_string(number), text);
  };
  put(0, R"({"N":0,"Offset":0,"Size":300,"Completed":300})");
  put(1, R"({"N":1,"Offset":300,"Size":300,"Completed":100})");
  put(2, R"({"N":2,"Offset":600,"Size":100,"Completed":200})");  // more than its size
  put(3, R"({"N":3,"Offset":850,"Size":150,"Completed":150})");  // behind the end of the file
  put(4, R"({"N":4,"Offset":18446744073709551615,"Size":9,"Completed":9})");
  put(5, "not JSON");
  put(6, R"({"N":6,"Offset":-5,"Size":10,"Completed":10})");
  put(7, R"({"N":7,"Offset":700,"Size":100,"Completed":50})");
  CHECK(read_ollama_parts(partial, 1000) == ranges({{0, 400}, {700, 750}}));
  remove_ollama_parts(partial);
  CHECK(hearth::testing::file_count(folder.path()) == 1);
}

TEST_CASE("partial file: one owner, full size, and what was there counts only when it can") {
  TemporaryFolder folder;
  const std::string text = "0123456789";
  {
    PartialFile file(folder.path(), some_digest, 10);
    CHECK_FALSE(file.was_there());
    CHECK(std::filesystem::file_size(file.path()) == 10);
    file.write(4, std::as_bytes(std::span(text).subspan(4, 3)));
    CHECK_THROWS_AS(PartialFile(folder.path(), some_digest, 10), Error);
  }
  PartialFile file(folder.path(), some_digest, 10);
  CHECK(file.was_there());
  std::array<std::byte, 3> bytes{};
  file.read(4, bytes);
  CHECK(bytes[0] == std::byte('4'));
  CHECK_THROWS_AS(file.read(8, bytes), Error);
}

TEST_CASE("partial file: a larger one is begun anew, a link is not followed") {
  TemporaryFolder folder;
  put_file(partial_path(folder.path(), some_digest), std::string(50, 'x'));
  CHECK_FALSE(PartialFile(folder.path(), some_digest, 10).was_there());
  std::filesystem::remove(partial_path(folder.path(), some_digest));
  put_file(folder.path() / "victim", "precious");
  std::filesystem::create_symlink(folder.path() / "victim",
                                  partial_path(folder.path(), some_digest));
  CHECK_THROWS_AS(PartialFile(folder.path(), some_digest, 10), Error);
  CHECK(std::filesystem::file_size(folder.path() / "victim") == 8);
}

TEST_CASE("hash behind: the digest of a file that grows") {
  TemporaryFolder folder;
  const std::string content(3'500'000, 'h');
  PartialFile file(folder.path(), some_digest, content.size());
  HashBehind hash(file, content.size());
  for (size_t at = 0; at < content.size(); at += 700'000) {
    CHECK_FALSE(hash.result(std::chrono::milliseconds(0)));
    const size_t count = std::min<size_t>(700'000, content.size() - at);
    file.write(at, std::as_bytes(std::span(content).subspan(at, count)));
    hash.advance(at + count);
  }
  const auto all = std::as_bytes(std::span(content));
  CHECK(hash.result(std::chrono::seconds(30)) == sha256_hex(all));
  CHECK(hash_range(file, {1000, 5000}, [] {}) == sha256_hex(all.subspan(1000, 4000)));
  PartialFile empty(folder.path(), BlobDigest::from_hex(std::string(64, 'c')), 0);
  CHECK(HashBehind(empty, 0).result(std::chrono::seconds(30)) == sha256_hex({}));
}
