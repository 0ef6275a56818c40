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
