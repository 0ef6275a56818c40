// The index of models: what was put is found after a start, and a damaged file is only a loss of
// time.
#include "registry/facts_index.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "base/log.h"
#include "tests/registry/temporary_folder.h"

using namespace hearth::registry;
using hearth::Error;
using hearth::ErrorCode;
using hearth::testing::put_file;
using hearth::testing::TemporaryFolder;

TEST_CASE("texts are found again, by key and generation") {
  hearth::log::start("test", hearth::log::Level::off);
  TemporaryFolder folder;
  const auto file = folder.path() / "index.db";
  {
    FactsIndex index(file, "1");
    CHECK_FALSE(index.find("a"));
    index.put("a", "one");
    index.put("a", "two 'quoted' \n");
    CHECK(index.find("a") == "two 'quoted' \n");
  }
  CHECK(FactsIndex(file, "1").find("a") == "two 'quoted' \n");
  CHECK_FALSE(FactsIndex(file, "2").find("a"));
  CHECK_FALSE(FactsIndex(file, "1").find("a"));
}

TEST_CASE("a damaged index is made again, one that cannot be made is done without") {
  hearth::log::start("test", hearth::log::Level::off);
  TemporaryFolder folder;
  put_file(folder.path() / "index.db", std::string(8192, 'x'));
  FactsIndex index(folder.path() / "index.db", "1");
  index.put("a", "one");
  CHECK(index.find("a") == "one");
  FactsIndex nowhere(folder.path() / "missing/index.db", "1");
  nowhere.put("a", "one");
  CHECK_FALSE(nowhere.find("a"));
}

TEST_CASE("a database says what is wrong") {
  TemporaryFolder folder;
  Database database(folder.path() / "a.db", "CREATE TABLE t (x TEXT)");
  database.run("INSERT INTO t VALUES (?)", {"1"});
  CHECK(database.run("SELECT x, 'y' FROM t").front() == Database::Row{"1", "y"});
  CHECK_THROWS_AS(database.run("SELECT nothing FROM t"), Error);
  put_file(folder.path() / "b.db", std::string(8192, 'x'));
  try {
    Database(folder.path() / "b.db", "CREATE TABLE t (x TEXT)");
    FAIL("expected an error");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::corrupt_data);
  }
}

TEST_CASE("a model's key follows its files") {
  TemporaryFolder folder;
  ModelStore store(folder.path());
  const StoredBlob blob = store.blobs().write("weights");
  Manifest manifest;
  manifest.layers.push_back({std::string(media_type::model), blob.digest, 7, "", ""});
  store.write(ModelName::parse("a"), print_manifest(manifest));
  const auto key = [&] { return facts_key(store, *store.read(ModelName::parse("a"))); };
  const std::string before = key();
  CHECK(key() == before);
  std::filesystem::last_write_time(
      store.blobs().path(blob.digest),
      std::filesystem::file_time_type::clock::now() - std::chrono::hours(5));
  CHECK(key() != before);
}
