// Mapped files show the bytes on disk, through the mapping and beside it; an empty file and a
// folder are no trap.
#include "base/mapped_file.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <filesystem>

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

TEST_CASE("a file is read beside its mapping") {
  testing::TempFolder folder;
  const auto path = folder.path() / "a";
  write_file_atomically(path, "hello");
  const MappedFile file = MappedFile::open(path);
  std::array<std::byte, 3> part{};
  file.read(2, part, "a");
  CHECK(std::equal(part.begin(), part.end(), file.bytes().begin() + 2));
  file.forget(0, 5);
  std::filesystem::resize_file(path, 4);
  const auto read = [&] { file.read(2, part, "a.gguf"); };
  CHECK_THROWS_WITH(read(),
                    Catch::StartsWith("a.gguf: the file ends at offset 4, 1 bytes too early"));
}
