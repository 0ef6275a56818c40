// Mapped files show the bytes on disk; an empty file and a folder are no trap.
#include "base/mapped_file.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "tests/support/temp_folder.h"

using namespace hearth;

TEST_CASE("a mapping holds the file's bytes and moves") {
  testing::TempFolder folder;
  write_file_atomically(folder.path() / "a", "hello");
  MappedFile first = MappedFile::open(folder.path() / "a");
  MappedFile second = std::move(first);
  REQUIRE(second.bytes().size() == 5);
  CHECK(static_cast<char>(second.bytes()[4]) == 'o');
  CHECK(first.bytes().empty());
}

TEST_CASE("an empty file maps to nothing") {
  testing::TempFolder folder;
  write_file_atomically(folder.path() / "a", "");
  CHECK(MappedFile::open(folder.path() / "a").bytes().empty());
}

TEST_CASE("what is not a regular file is refused") {
  testing::TempFolder folder;
  CHECK_THROWS_AS(MappedFile::open(folder.path()), Error);
  CHECK_THROWS_AS(MappedFile::open(folder.path() / "none"), Error);
}
