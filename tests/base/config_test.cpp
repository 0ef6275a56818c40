// Where settings files are looked for, and what is read.
#include "base/config.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

#include "base/error.h"
#include "tests/support/temp_folder.h"

using namespace hearth;

TEST_CASE("settings files: the person's, then the system's") {
  using Paths = std::vector<std::string>;
  const std::string system = "/etc/hearth/config.toml";
  CHECK(config_file_paths({{"HOME", "/h"}}) ==
        Paths{"/h/.config/hearth/config.toml", "/h/.config/hearth/config", system});
  CHECK(config_file_paths({{"HOME", "/h"}, {"XDG_CONFIG_HOME", "/x"}}).at(0) ==
        "/x/hearth/config.toml");
  CHECK(config_file_paths({{"HOME", "/h"}, {"HEARTH_CONFIG", "/c"}}) == Paths{"/c", system});
  CHECK(config_file_paths({{"HOME", "/h"}, {"HEARTH_CONFIG", ""}}) == Paths{system});
  CHECK(config_file_paths({}) == Paths{system});
}

TEST_CASE("files that are there are read; a named one must be there") {
  const hearth::testing::TempFolder folder;
  const std::string path = folder.path() / "config";
  CHECK_THROWS_WITH(read_config_files({{"HEARTH_CONFIG", path}}), Catch::Contains(path));
  std::ofstream(path) << "debug = 1\n";
  const auto files = read_config_files({{"HEARTH_CONFIG", path}});
  REQUIRE(files.size() >= 1);
  CHECK(files[0].path == path);
  CHECK(files[0].text == "debug = 1\n");
}

TEST_CASE("the environment is a map") {
  setenv("HEARTH_TEST_VARIABLE", "a=b", 1);
  CHECK(environment_variables().at("HEARTH_TEST_VARIABLE") == "a=b");
  unsetenv("HEARTH_TEST_VARIABLE");
}
