#include "base/nearest_word.h"

#include <catch2/catch.hpp>

using namespace hearth;

TEST_CASE("nearest word: letters put in, taken out, exchanged") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("nearest word: the nearest of several, the first of equals, none too far away") {
  const auto nearest = [](std::string_view word) {
    NearestWord search(word);
    for (const std::string_view candidate : {"temperature", "top_k", "top_p", "seed"})
      search.consider(candidate);
    return search.found();
  };
  CHECK(nearest("temprature") == "temperature");
  CHECK(nearest("seed") == "seed");
  CHECK(nearest("top_x") == "top_k");
  CHECK(nearest("something").empty());
}
