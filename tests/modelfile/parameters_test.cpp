// The parameters table: API options, PARAMETER lines, printing.
#include "modelfile/parameters.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <set>

#include "base/error.h"
#include "base/file.h"

using namespace hearth::modelfile;

namespace {

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const hearth::Error& error) {
    CHECK(error.code() == hearth::ErrorCode::invalid_argument);
    return error.what();
  }
  return "no error";
}

std::string option_error(const char* options) {
  return message_of([&] { parse_options(Json::parse(options)); });
}

}  // namespace

TEST_CASE("every row of the table is reachable by name and described") {
  std::set<std::string_view> names;
  for (const ParameterRow& row : parameter_table()) {
    names.insert(row.name);
    CHECK_FALSE(row.help.empty());
    CHECK_FALSE(row.default_text.empty());
    CHECK_FALSE(is_retired_parameter(row.name));
  }
  CHECK(names.size() == parameter_table().size());
  CHECK(names.contains("num_ctx"));
}

TEST_CASE("docs/modelfile.md has the table") {
  const std::string page = hearth::read_file(HEARTH_SOURCE_DIR "/docs/modelfile.md");
  for (const ParameterRow& row : parameter_table()) {
    const std::string line = fmt::format("| `{}` | {} | {} | {} |\n", row.name, type_name(row),
                                         row.default_text, row.help);
    INFO(line);
    CHECK(page.find(line) != std::string::npos);
  }
}

TEST_CASE("what has no effect is kept and told") {
  const auto parsed = parse_options(Json::parse(
      R"({"num_gpu":99,"num_thread":0,"num_batch":64,"main_gpu":0,"use_mmap":true,"num_ctx":64})"));
  CHECK(parsed.values.num_gpu == 99);
  CHECK(
      parsed.warnings ==
      std::vector<std::string>{
          "option \"num_gpu\" has no effect: models run on the CPU",
          "option \"num_batch\" has no effect: hearth decides how many prompt tokens are computed "
          "together",
          "option \"use_mmap\" has no effect: hearth decides how weights are read"});
  Parameters parameters;
  CHECK(missing_effect(parameters, "num_gpu").empty());
  parameters.num_ctx = 64;
  CHECK(missing_effect(parameters, "num_ctx").empty());
  for (const int64_t none : {-1, 0}) {
    parameters.num_gpu = none;
    CHECK(missing_effect(parameters, "num_gpu").empty());
  }
  parameters.num_gpu = 1;
  CHECK(missing_effect(parameters, "num_gpu") == "no effect: models run on the CPU");
  CHECK(missing_effect(parameters, "nothing").empty());
}

TEST_CASE("options become parameters") {
  const auto parsed = parse_options(Json::parse(
      R"({"temperature":0.7,"top_k":3.9,"stop":["a","b"],"use_mmap":false,"seed":1234567890123,"num_ctx":null})"));
  CHECK(parsed.warnings ==
        std::vector<std::string>{
            "option \"use_mmap\" has no effect: hearth decides how weights are read"});
  CHECK(parsed.values.temperature == 0.7F);
  CHECK(parsed.values.top_k == 3);
  CHECK(parsed.values.stop == std::vector<std::string>{"a", "b"});
  CHECK(parsed.values.use_mmap == false);
  CHECK(parsed.values.seed == 1234567890123);
  CHECK_FALSE(parsed.values.num_ctx);
  CHECK(parse_options(Json()).values.temperature == std::nullopt);
}

TEST_CASE("unknown and retired options are told and ignored") {
  const auto parsed = parse_options(Json::parse(R"({"numa":true,"mirostat":1,"top_k":1})"));
  CHECK(parsed.warnings.size() == 2);
  CHECK(parsed.values.top_k == 1);
}

TEST_CASE("options of the wrong type or range name the option") {
  CHECK(option_error(R"({"temperature":"hot"})") == "option \"temperature\" must be of type float");
  CHECK(option_error(R"({"top_k":true})") == "option \"top_k\" must be of type int");
  CHECK(option_error(R"({"stop":"x"})") == "option \"stop\" must be of type list of strings");
  CHECK(option_error(R"({"stop":["x",1]})") == "option \"stop\" must be of type list of strings");
  CHECK(option_error(R"({"use_mmap":1})") == "option \"use_mmap\" must be of type bool");
  CHECK(option_error(R"([1])") == "options must be an object of names and values");
  for (const char* options :
       {R"({"temperature":-1})", R"({"temperature":1e300})", R"({"top_p":1.5})",
        R"({"num_ctx":-1})", R"({"num_ctx":1e300})", R"({"num_keep":-2147483648})",
        R"({"num_predict":99999999999})", R"({"seed":18446744073709551615})",
        R"({"seed":9223372036854775807})", R"({"top_k":-3})"}) {
    CAPTURE(options);
    CHECK(option_error(options).find("out of range") != std::string::npos);
  }
}

TEST_CASE("PARAMETER lines") {
  Parameters parameters;
  CHECK(set_parameter(parameters, "temperature", "1"));
  CHECK(set_parameter(parameters, "top_k", "+5"));
  CHECK(set_parameter(parameters, "use_mmap", "T"));
  CHECK(set_parameter(parameters, "stop", "<|end|>"));
  CHECK(set_parameter(parameters, "stop", "a b "));
  CHECK_FALSE(set_parameter(parameters, "mirostat", "1"));
  CHECK(parameters.temperature == 1.0F);
  CHECK(parameters.top_k == 5);
  CHECK(parameters.use_mmap == true);
  CHECK(parameters.stop == std::vector<std::string>{"<|end|>", "a b "});
  CHECK(message_of([&] { set_parameter(parameters, "x", "1"); }) == "unknown parameter 'x'");
  for (const char* value : {"", "1.5", "x", "1x", "99999999999999999999", "-1"}) {
    CAPTURE(value);
    CHECK(message_of([&] { set_parameter(parameters, "top_k", value); }) != "no error");
  }
  for (const char* value : {"nan", "inf", "1e99", "", "a"}) {
    CAPTURE(value);
    CHECK(message_of([&] { set_parameter(parameters, "temperature", value); }) != "no error");
  }
  CHECK(message_of([&] { set_parameter(parameters, "use_mmap", "yes"); }) != "no error");
}

TEST_CASE("later levels win where they say something") {
  Parameters model;
  model.temperature = 0.1F;
  model.stop = std::vector<std::string>{"a"};
  Parameters request;
  request.stop = std::vector<std::string>{"b", "c"};
  const Parameters merged = merge(merge(default_parameters(), model), request);
  CHECK(merged.temperature == 0.1F);
  CHECK(merged.top_k == 40);
  CHECK(merged.stop == request.stop);
  CHECK_FALSE(merged.num_ctx);
}

TEST_CASE("parameters print in shortest form and read back") {
  Parameters parameters;
  parameters.temperature = 0.7F;
  parameters.min_p = 1e-5F;
  parameters.num_ctx = 4096;
  parameters.use_mmap = true;
  parameters.stop = std::vector<std::string>{"say \"hi\"", "\n"};
  CHECK(
      to_json(parameters).dump() ==
      R"({"min_p":1e-05,"num_ctx":4096,"stop":["say \"hi\"","\n"],"temperature":0.7,"use_mmap":true})");
  CHECK(to_json(parse_options(to_json(parameters)).values) == to_json(parameters));
  CHECK(print_parameters(parameters) ==
        "min_p                          1e-05\n"
        "num_ctx                        4096\n"
        "stop                           \"say \\\"hi\\\"\"\n"
        "stop                           \"\\n\"\n"
        "temperature                    0.7\n"
        "use_mmap                       true");
  Parameters again;
  for (const auto& [name, value] : to_lines(parameters)) set_parameter(again, name, value);
  CHECK(to_json(again) == to_json(parameters));
  CHECK(print_parameters({}).empty());
}
