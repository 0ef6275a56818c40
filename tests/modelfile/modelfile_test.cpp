// Modelfiles: the vectors of the specification, errors with lines, and the round trip through
// printing.
#include "modelfile/modelfile.h"

#include <catch2/catch.hpp>
#include <random>

#include "base/error.h"

using namespace hearth::modelfile;

namespace {

std::string error_of(std::string_view text) {
  try {
    parse_modelfile(text);
  } catch (const hearth::Error& error) {
    CHECK(error.code() == hearth::ErrorCode::invalid_argument);
    return error.what();
  }
  return "no error";
}

std::string system_of(std::string_view text) {
  return std::string(parse_modelfile(text).last(CommandKind::system));
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("commands of any case") {
  const Modelfile file =
      parse_modelfile("from foo\nparameter temperature 1\n  Message user hi there # x \n");
  REQUIRE(file.commands.size() == 3);
  CHECK(file.last(CommandKind::from) == "foo");
  CHECK(file.commands[1] == Command{CommandKind::parameter, "temperature", "1", 0});
  CHECK(file.commands[2] == Command{CommandKind::message, "user", "hi there # x", 0});
  CHECK(file.commands[2].line == 3);
}

TEST_CASE("quotes and blocks") {
  CHECK(system_of("FROM foo\nSYSTEM \"\"\"\nhi\n\"\"\"") == "\nhi\n");
  CHECK(system_of("FROM foo\nSYSTEM \"\"\"a \"b\" c\"\"\"") == "a \"b\" c");
  CHECK(system_of("FROM foo\nSYSTEM \"a\nb\"") == "a\nb");
  CHECK(system_of("FROM foo\nSYSTEM 'x'") == "'x'");
  CHECK(system_of("FROM foo\nSYSTEM \"\"") == "");
  CHECK(system_of("FROM foo\nSYSTEM \"a \\n b\"") == "a \\n b");
  CHECK(system_of("FROM foo\nSYSTEM   spaced out  \n") == "spaced out");
  CHECK(system_of("FROM foo\nSYSTEM \"a\" x\nb\"") == "a\" x\nb");
  CHECK(system_of("FROM foo\r\nSYSTEM hi\r\n") == "hi");
  CHECK(parse_modelfile("FROM foo\nPARAMETER stop \"a b \"").commands[1].value == "a b ");
  CHECK(parse_modelfile("FROM foo\nPARAMETER  stop   x").commands[1] ==
        Command{CommandKind::parameter, "stop", "x", 0});
  CHECK(system_of("FROM foo\nSYSTEM a\xC2\xA0z\xE2\x80\x8D") == "a\xC2\xA0z\xE2\x80\x8D");
}

TEST_CASE("comments stand only where a command may start") {
  const Modelfile file = parse_modelfile("# one\n  # two\nFROM x # y\n\n#SYSTEM no\n");
  REQUIRE(file.commands.size() == 1);
  CHECK(file.last(CommandKind::from) == "x # y");
  CHECK(file.commands[0].line == 3);
}

TEST_CASE("several commands of a kind") {
  const Modelfile file = parse_modelfile(
      "FROM a\nLICENSE one\nLICENSE two\nSYSTEM x\nSYSTEM y\nFROM b\nREQUIRES v0.1.0\n");
  CHECK(file.all(CommandKind::license) == std::vector<std::string>{"one", "two"});
  CHECK(file.last(CommandKind::system) == "y");
  CHECK(file.all(CommandKind::from) == std::vector<std::string>{"a", "b"});
  CHECK(file.last(CommandKind::requires_version) == "v0.1.0");
  CHECK(file.last(CommandKind::draft).empty());
}

TEST_CASE("byte order marks and UTF-16") {
  CHECK(system_of("\xEF\xBB\xBF"
                  "FROM a\nSYSTEM \xC3\xA9") == "\xC3\xA9");
  std::string big = "\xFE\xFF";
  std::string little = "\xFF\xFE";
  for (char16_t unit : std::u16string(u"FROM a\nSYSTEM é😀\n")) {
    const char high = static_cast<char>(unit >> 8);
    const char low = static_cast<char>(unit & 0xFF);
    big += {high, low};
    little += {low, high};
  }
  CHECK(system_of(big) == "é😀");
  CHECK(system_of(little) == "é😀");
  CHECK(has(error_of("\xFE\xFF\xD8"), "no FROM line"));
}

TEST_CASE("errors name the line and what is wrong") {
  CHECK(has(error_of("FROM foo\nBADCMD x"), "(line 2): unknown command \"BADCMD\""));
  CHECK(has(error_of("FROM foo\nBADCMD x"),
            "FROM, LICENSE, TEMPLATE, SYSTEM, ADAPTER, DRAFT, RENDERER, PARSER, PARAMETER, "
            "MESSAGE, REQUIRES"));
  CHECK(error_of("FROM foo\nPARAMTER top_k 3") ==
        "(line 2): unknown command \"PARAMTER\"; did you mean PARAMETER?");
  CHECK(error_of("FORM foo\n") == "(line 1): unknown command \"FORM\"; did you mean FROM?");
  CHECK(has(error_of("FROMM foo"), "did you mean FROM?"));
  CHECK(has(error_of("FROM foo\nMESSAGE User hi"), "(line 2): message role"));
  CHECK(has(error_of("FROM foo\r\n\r\nMESSAGE x hi"), "(line 3)"));
  CHECK(has(error_of("FROM foo\nSYSTEM \"\"\"abc"), "unexpected EOF"));
  CHECK(has(error_of("FROM foo\nSYSTEM \"abc\n"), "unexpected EOF"));
  CHECK(has(error_of("PARAMETER stop x"), "no FROM line"));
  CHECK(has(error_of(""), "no FROM line"));
  CHECK(error_of("FROM\n") == "(line 1): FROM needs an argument");
  CHECK(error_of("FROM \n") == "(line 1): FROM needs an argument");
  CHECK(has(error_of("FROM"), "unexpected EOF"));
  CHECK(has(error_of("FROM a\nPARAMETER stop"), "unexpected EOF"));
  CHECK(has(error_of("FROM a\nPARAMETER stop\nFROM b"), "(line 2)"));
  CHECK(has(error_of("FROM a\nMESSAGE user"), "unexpected EOF"));
  CHECK(has(error_of("F\xFFM a\n"), "(line 1)"));
}

TEST_CASE("printing and parsing gives the same commands") {
  std::mt19937 random(5);
  const std::vector<std::string> pieces{"a",  " ",  "\n", "\"", "#",       "'",
                                        "\t", "\r", "é",  "\\", "\"\"\"x", "FROM "};
  const auto random_value = [&] {
    std::string value;
    for (unsigned count = random() % 8; count > 0; --count)
      value += pieces[random() % pieces.size()];
    return value;
  };
  int exact = 0;
  for (int i = 0; i < 20000; ++i) {
    Modelfile file;
    file.commands.push_back({CommandKind::from, "", "base"});
    file.commands.push_back({CommandKind::system, "", random_value()});
    file.commands.push_back({CommandKind::parameter, "stop", random_value()});
    file.commands.push_back({CommandKind::message, "user", random_value()});
    const std::string text = print_modelfile(file);
    const Modelfile again = parse_modelfile(text);
    CAPTURE(text);
    // Three quotes before a blank may stand for the one case that has no notation.
    const bool may_lose = has(text, "\"\"\" ") || has(text, "\"\"\"\t");
    if (!may_lose) REQUIRE(again.commands == file.commands);
    REQUIRE(print_modelfile(again) == text);
    exact += may_lose ? 0 : 1;
  }
  CHECK(exact > 15000);
}

TEST_CASE("the one value without notation loses only a line break") {
  Modelfile file;
  file.commands.push_back({CommandKind::from, "", "base"});
  file.commands.push_back({CommandKind::system, "", "code \"\"\"\nmore \" \" \"\nend"});
  CHECK(parse_modelfile(print_modelfile(file)).last(CommandKind::system) ==
        "code \"\"\" more \" \" \"\nend");
}

TEST_CASE("long values take linear time") {
  const std::string text = "FROM a\nSYSTEM \"" + std::string(2'000'000, '\n') + "\"\n";
  CHECK(system_of(text).size() == 2'000'000);
  Modelfile file = parse_modelfile(text);
  file.commands[1].value += '"';
  CHECK(parse_modelfile(print_modelfile(file)).commands == file.commands);
}
