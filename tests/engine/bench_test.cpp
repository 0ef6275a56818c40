// The report of the benchmark: complete, positive, parseable.
#include "engine/bench.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "engine/bench/drive.h"
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
  REQUIRE(report["prompt"][1]["check_error"] < 0.05);
  REQUIRE(report["prompt"][0]["logits"] != report["prompt"][1]["logits"]);
  REQUIRE(report["decode"].size() == 2);
  REQUIRE(report["decode"][1]["streams"] == 3);
  REQUIRE(report["decode"][1]["tokens_per_s"] > 0.0);
  REQUIRE(report["decode"][1]["check_error"] == 0.0);
  REQUIRE(report["file_bytes"] == std::filesystem::file_size(path));
  REQUIRE(report["token_bytes"] > 0);
  REQUIRE(report["token_bytes"] < report["file_bytes"]);
  REQUIRE(report["loaded_rss_bytes"] > 0);
  REQUIRE(report["peak_rss_bytes"] > 0);
  REQUIRE(report["weights"]["tile_bytes"].get<int64_t>() +
              report["weights"]["row_bytes"].get<int64_t>() >
          0);
  REQUIRE(report["limits"]["read_bytes_per_s"] > 1e8);
  REQUIRE(report["limits"]["int8_ops_per_s"] > 1e7);
  REQUIRE(report["threads"] == 1);
  REQUIRE(report["isa"].is_string());

  options.prompt_tokens = {0};
  options.streams = {3};
  options.checks_logits = false;
  options.measures_limits = false;
  const nlohmann::json unchecked = nlohmann::json::parse(run_bench(options));
  REQUIRE(unchecked["prompt"].empty());
  REQUIRE(unchecked["decode"][0]["check_error"].is_null());
  REQUIRE(unchecked["decode"][0]["logits"] == report["decode"][1]["logits"]);

  options.as_json = false;
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

TEST_CASE("the benchmark's checks see other logits") {
  const TempFolder folder;
  const std::filesystem::path path = folder.path() / "model.gguf";
  std::ofstream(path) << SpeakingModel({.architecture = "llama", .layers = 2}).bytes();
  const GgufFile file = GgufFile::open(path);
  const KernelTable& kernels = *find_kernels("");
  const auto model = ModelRunner::load(file, {.kernels = &kernels, .threads = 1}, {});
  BenchDrive drive(*model, kernels,
                   {.prompt_tokens_max = 40, .streams_max = 3, .decode_tokens = 40});
  drive.read_prompt(40);
  const std::string digest = drive.digest();
  const std::vector<float> logits(drive.logits().begin(), drive.logits().end());
  CHECK(drive.prompt_error(40, logits) < 0.05);
  CHECK(drive.prompt_error(39, logits) > 0.05);
  drive.read_prompt(40);
  CHECK(drive.digest() == digest);
  CHECK(relative_error(drive.logits(), logits) == 0);
  drive.write_answers(3, 35);
  CHECK(drive.answers_are_exact(3, 35));
  drive.write_answers(3, 35);
  CHECK_FALSE(drive.answers_are_exact(3, 34));
}
