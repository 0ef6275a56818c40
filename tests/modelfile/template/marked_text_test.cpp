#include "modelfile/template/marked_text.h"

#include <catch2/catch.hpp>

using namespace hearth::modelfile;

TEST_CASE("neighbours of equal trust become one run") {
  MarkedText text;
  text.append("a", true);
  text.append("b", true);
  text.append("", false);
  text.append("c", false);
  text.append(MarkedText("d", false));
  CHECK(text.bytes() == "abcd");
  CHECK(text.to_parts() == std::vector<RenderedPart>{{"ab", true}, {"cd", false}});
  CHECK_FALSE(text.is_all_trusted());
  CHECK(text.is_trusted_at(1));
  CHECK_FALSE(text.is_trusted_at(2));
  CHECK(MarkedText().to_parts().empty());
}

TEST_CASE("slices keep the marks of what they take") {
  MarkedText text("abc", true);
  text.append("def", false);
  text.append("ghi", true);
  CHECK(text.slice(2, 5).to_parts() ==
        std::vector<RenderedPart>{{"c", true}, {"def", false}, {"g", true}});
  CHECK(text.slice(3, 3).to_parts() == std::vector<RenderedPart>{{"def", false}});
  CHECK(text.slice(0, std::string::npos).to_parts() == text.to_parts());
  CHECK(text.slice(9, 1).is_empty());
  CHECK(text.slice(100, 100).is_empty());
  CHECK(text.slice(4, 0).is_empty());
}

TEST_CASE("every run is changed by itself") {
  MarkedText text("ab", true);
  text.append("cd", false);
  const auto doubled =
      text.mapped([](std::string_view bytes) { return std::string(bytes) + std::string(bytes); });
  CHECK(doubled.to_parts() == std::vector<RenderedPart>{{"abab", true}, {"cdcd", false}});
  CHECK(text.mapped([](std::string_view) { return std::string(); }).is_empty());
}
