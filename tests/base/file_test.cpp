// Files are read whole, written whole or not at all, and errors name path and reason.
#include "base/file.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "base/error.h"
#include "tests/support/temp_folder.h"

using namespace hearth;
using Catch::Matchers::Contains;

TEST_CASE("an atomic write replaces the file and leaves nothing beside it") {
  testing::TempFolder folder;
  const auto path = folder.path() / "a.txt";
  write_file_atomically(path, "one");
  write_file_atomically(path, "two");
  CHECK(read_file(path) == "two");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a write into a folder that is not there fails and writes nothing") {
  testing::TempFolder folder;
  CHECK_THROWS_WITH(write_file_atomically(folder.path() / "no" / "a.txt", "x"), Contains("a.txt"));
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("reading reports absence, folders and size") {
  testing::TempFolder folder;
  try {
    read_file(folder.path() / "none");
    FAIL("no error for a missing file");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::not_found);
    CHECK_THAT(error.what(), Contains("none"));
  }
  CHECK_THROWS_AS(read_file(folder.path()), Error);
  write_file_atomically(folder.path() / "big", std::string(100, 'x'));
  CHECK_THROWS_WITH(read_file(folder.path() / "big", 99), Contains("99"));
}

TEST_CASE("folders are made with all that leads to them") {
  testing::TempFolder folder;
  const std::filesystem::path deep = folder.path() / "a" / "b" / "c";
  make_folders(deep);
  make_folders(deep);
  CHECK(std::filesystem::is_directory(deep));
  write_file_atomically(deep / "file", "x");
  CHECK_THROWS_WITH(make_folders(deep / "file" / "d"), Contains("file"));
}

TEST_CASE("a descriptor has one owner") {
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  UniqueFd first(pipe_ends[0]);
  UniqueFd write_end(pipe_ends[1]);
  UniqueFd second(std::move(first));
  CHECK_FALSE(first);
  CHECK(second.get() == pipe_ends[0]);
  second.reset();
  char byte = 0;
  CHECK(::read(pipe_ends[0], &byte, 1) == -1);
}
