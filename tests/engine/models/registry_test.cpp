#include <catch2/catch.hpp>
#include <set>
#include <sstream>
#include <string>

#include "base/file.h"
#include "engine/models/architecture.h"

namespace hearth::engine {

TEST_CASE("docs/models.md lists the architectures of the table and no others") {
  std::set<std::string> documented;
  std::istringstream page(read_file(std::filesystem::path(HEARTH_SOURCE_DIR) / "docs/models.md"));
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("| `")) documented.insert(line.substr(3, line.find('`', 3) - 3));
  }
  std::set<std::string> rows;
  for (const ArchitectureRow& row : architecture_rows()) rows.emplace(row.name);
  CHECK(documented == rows);
  CHECK(rows.size() == architecture_rows().size());
}

TEST_CASE("architectures are found by their exact name") {
  REQUIRE(find_architecture("phi3") != nullptr);
  CHECK(find_architecture("phi3")->feed_forward == FeedForward::fused);
  CHECK(find_architecture("phi") == nullptr);
  CHECK(find_architecture("") == nullptr);
  CHECK(architecture_names().starts_with("llama, "));
}

}  // namespace hearth::engine
