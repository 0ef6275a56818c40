// The inspection commands through the real program: plain data out, one line and a code when
// something is wrong.
#include "engine/runner/commands.h"

#include <sys/wait.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/file.h"
#include "tests/support/shared.h"
#include "tests/support/temp_folder.h"

using hearth::read_file;
using hearth::testing::shared_path;
using hearth::testing::TempFolder;

namespace {

struct Result {
  int exit_code = -1;
  std::string out;
  std::string error;
};

// Runs hearth-runner with these arguments; `input` goes to its standard input.
Result run(const std::string& arguments, const std::string& input = "") {
  TempFolder folder;
  const std::string base = folder.path().string();
  std::ofstream(base + "/in", std::ios::binary) << input;
  const std::string program = (std::filesystem::path(HEARTH_BIN_DIR) / "hearth-runner").string();
  const std::string command =
      program + " " + arguments + " <" + base + "/in >" + base + "/out 2>" + base + "/error";
  const int status = std::system(command.c_str());
  return {WEXITSTATUS(status), read_file(base + "/out"), read_file(base + "/error")};
}

int lines_in(const std::string& text) {
  return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("commands: wrong usage and missing files are one line and a code") {
  for (const std::string arguments : {"", "nonsense", "logits", "codec --type q8_0", "tokenize",
                                      "logits --model x --tokens 1 --out y --batch many"}) {
    const Result result = run(arguments);
    INFO(arguments << ": " << result.error);
    CHECK(result.exit_code == 2);
    CHECK(lines_in(result.error) == 1);
    CHECK(result.out.empty());
  }
  for (const std::string arguments :
       {"logits --model /nonexistent --tokens 1 --out /dev/null", "tokenize --model /nonexistent",
        "detokenize --model /dev/null", "codec --type q9_9 decode", "codec --type iq1_s encode",
        "codec --type q8_0 sideways", "logits --model /nonexistent --tokens 1,x --out /dev/null",
        "logits --model x --tokens 1 --out y --isa z80",
        "logits --model x --tokens 1 --out y --kv-type q9"}) {
    const Result result = run(arguments);
    INFO(arguments << ": " << result.error);
    CHECK(result.exit_code == 1);
    CHECK(lines_in(result.error) == 1);
    CHECK(result.out.empty());
  }
}

TEST_CASE("commands: help and version succeed") {
  CHECK(run("--help").exit_code == 0);
  for (const std::string command : {"logits", "tokenize", "detokenize", "sample"}) {
    const Result help = run(command + " --help");
    CHECK(help.exit_code == 0);
    CHECK_THAT(help.out, Catch::Matchers::Contains("--model"));
  }
  const Result version = run("--version");
  CHECK(version.exit_code == 0);
  CHECK_THAT(version.out, Catch::Matchers::StartsWith("hearth-runner "));
}

TEST_CASE("commands: codec turns blocks to numbers and back") {
  const std::string floats(4 * 64, '\0');
  const Result blocks = run("codec --type q8_0 encode", floats);
  CHECK(blocks.exit_code == 0);
  CHECK(blocks.out.size() == 2 * 34);
  const Result back = run("codec --type q8_0 decode", blocks.out);
  CHECK(back.exit_code == 0);
  CHECK(back.out == floats);
  CHECK(run("codec --type q8_0 decode", "odd").exit_code == 1);
}

TEST_CASE("commands: sample shows what a sampler does") {
  const Result result =
      run("sample", R"({"logits":[1,2,null,3],"options":{"top_k":2,"temperature":1,"seed":1,)"
                    R"("logprobs":1},"draws":3})");
  CHECK(result.exit_code == 0);
  CHECK(lines_in(result.out) == 1);
  CHECK(result.out.find(R"("probabilities":[0.0,0.268941)") != std::string::npos);
  CHECK(result.out.find(R"("stage":"temperature")") != std::string::npos);
  CHECK(result.out.find(R"("log_probs":[[[)") != std::string::npos);
  for (const std::string request :
       {"", "[]", "{}", R"({"logits":[]})", R"({"logits":["a"]})",
        R"({"logits":[1],"options":{"top_x":1}})", R"({"logits":[1],"options":5})",
        R"({"logits":[null]})", R"({"logits":[1],"history":5})", R"({"logits":[1],"history":[1]})",
        R"({"logits":[1],"draws":-1})"}) {
    INFO(request);
    const Result refused = run("sample", request);
    CHECK(refused.exit_code == 1);
    CHECK(lines_in(refused.error) == 1);
    CHECK(refused.out.empty());
  }
}

TEST_CASE("commands: tokenize and detokenize are inverse, logits have their size") {
  const auto model = shared_path("data/models/stories260K/stories260K-f32.gguf");
  if (!model) {
    WARN("skipped: shared data is absent");
    return;
  }
  const std::string option = " --model " + model->string();
  const Result tokens = run("tokenize" + option, "Once upon a time");
  CHECK(tokens.exit_code == 0);
  CHECK(lines_in(tokens.out) > 2);
  const Result text = run("detokenize" + option, tokens.out);
  CHECK(text.exit_code == 0);
  CHECK(text.out == "Once upon a time");
  TempFolder folder;
  const std::string out = (folder.path() / "l").string();
  for (const std::string more :
       {"", " --isa scalar", " --kv-type f32 --batch 1 --threads 1", " --decode"}) {
    CHECK(run("logits" + option + " --tokens 1,403,407 --out " + out + more).exit_code == 0);
    CHECK(std::filesystem::file_size(out) == 3 * 512 * 4);
  }
  // Its heads have eight values.
  const Result quantized = run("logits" + option + " --tokens 1 --kv-type q8_0 --out " + out);
  CHECK(quantized.exit_code == 1);
  CHECK(lines_in(quantized.error) == 1);
  CHECK_THAT(quantized.error, Catch::Contains("heads of 8") && Catch::Contains("f16"));
  const Result outside = run("logits" + option + " --tokens 1,512 --out " + out);
  CHECK(outside.exit_code == 1);
  CHECK(lines_in(outside.error) == 1);
}
