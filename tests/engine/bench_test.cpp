// The report of the benchmark: complete, positive, parseable.
#include "engine/bench.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "engine/bench/machine_limits.h"
#include "tests/support/speaking_model.h"
#include "tests/support/temp_folder.h"

using namespace hearth;
using namespace hearth::engine;
using namespace hearth::testing;

TEST_CASE("the benchmark reports every figure") {
  const TempFolder folder;
  const std::filesystem::path path = folder.path() / "model.gguf";
  std::ofstream(path)
      << SpeakingModel({.architecture = "gemma3", .layers = 7, .window = 40}).bytes();
  BenchOptions options;
  options.model = path;
  options.prompt_tokens = {1, 600};
  options.decode_tokens = 70;
  options.streams = {1, 3};
  options.threads = 1;
  options.as_json = true;
  const nlohmann::json report = nlohmann::json::parse(run_bench(options));
  REQUIRE(report["load_s"] > 0.0);
  REQUIRE(report["prompt"].size() == 2);
  REQUIRE(report["prompt"][1]["n"] == 600);
  REQUIRE(report["prompt"][1]["tokens_per_s"] > 0.0);
  REQUIRE(report["decode"].size() == 2);
  REQUIRE(report["decode"][1]["streams"] == 3);
  REQUIRE(report["decode"][1]["tokens_per_s"] > 0.0);
  REQUIRE(report["peak_rss_bytes"] > 0);
  REQUIRE(report["weights"]["tile_bytes"].get<int64_t>() +
              report["weights"]["row_bytes"].get<int64_t>() >
          0);
  REQUIRE(report["limits"]["read_bytes_per_s"] > 1e8);
  REQUIRE(report["limits"]["int8_ops_per_s"] > 1e7);
  REQUIRE(report["threads"] == 1);
  REQUIRE(report["isa"].is_string());

  options.as_json = false;
  options.measures_limits = false;
  options.keeps_mapped = true;
  const std::string text = run_bench(options);
  REQUIRE(text.find("decode x3") != std::string::npos);
  REQUIRE(text.find("GB mapped") != std::string::npos);
  options.streams = {0};
  REQUIRE_THROWS_AS(run_bench(options), Error);
  options.streams = {1};
  options.isa = "sparc";
  REQUIRE_THROWS_AS(run_bench(options), Error);
}
