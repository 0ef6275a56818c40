// The lines that --verbose prints.
#include "cli/answer.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace hearth::cli;

TEST_CASE("metrics are lines with labels of equal width; what is zero is left out") {
  const Json message = {{"total_duration", 2'000'000'000},
                        {"eval_count", 50},
                        {"eval_duration", 500'000'000},
                        {"load_duration", 0}};
  CHECK(describe_metrics(message) ==
        "total duration:       2s\n"
        "eval count:           50 token(s)\n"
        "eval duration:        500ms\n"
        "eval rate:            100.00 tokens/s\n");
}

TEST_CASE("thinking stands between two lines") {
  AnswerText plain(false, false);
  CHECK(plain.add("a", "") == "Thinking...\na");
  CHECK(plain.add("b", "") == "b");
  CHECK(plain.add("", "c") == "\n...done thinking.\n\nc");
  CHECK(plain.add("", "d") == "d");
  AnswerText hidden(true, true);
  CHECK(hidden.add("a", "") == "");
  CHECK(hidden.add("", "c") == "c");
  CHECK(AnswerText(false, true).add("a", "") == "Thinking...\n\x1b[90ma\x1b[0m");
}
