// The Jinja language, piece by piece: expressions, filters, tests, methods, statements and white
// space against what the reference implementation gave for the same templates
// (tests/cases/jinja-language.json).
#include <catch2/catch.hpp>

#include "base/error.h"
#include "base/file.h"
#include "modelfile/template.h"

using namespace hearth::modelfile;

TEST_CASE("the language does what the reference does") {
  const Json file = Json::parse(hearth::read_file(std::filesystem::path(HEARTH_SOURCE_DIR) /
                                                  "tests/cases/jinja-language.json"));
  REQUIRE(file["cases"].size() > 400);
  for (const Json& entry : file["cases"]) {
    const auto source = entry["template"].get<std::string>();
    CAPTURE(source);
    std::string found;
    bool is_error = false;
    try {
      found = render_for_debug(source, file["context"]);
    } catch (const hearth::Error& error) {
      found = error.what();
      is_error = true;
    }
    CAPTURE(found);
    CHECK(is_error == entry.contains("error"));
    if (entry.contains("output")) CHECK(found == entry["output"].get<std::string>());
  }
}
