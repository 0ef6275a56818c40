// Every setting by every route, generated from the table; order of the sources; mistakes.
#include "api/settings.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <set>

#include "base/error.h"
#include "base/file.h"

using namespace hearth::api;

namespace {

using Map = std::map<std::string, std::string>;

// Two different values that the setting takes.
std::pair<std::string, std::string> examples(const Setting& setting) {
  switch (setting.kind) {
    case SettingKind::toggle:
      return {"1", "0"};
    case SettingKind::count:
    case SettingKind::bytes:
      return {std::to_string(setting.min + 1), std::to_string(setting.min + 2)};
    case SettingKind::duration:
      return {"7m", "8s"};
    case SettingKind::address:
      return {"127.0.0.1:1", "127.0.0.1:2"};
    case SettingKind::choice: {
      const std::string first(setting.choices.substr(0, setting.choices.find(' ')));
      const std::string last(setting.choices.substr(setting.choices.rfind(' ') + 1));
      return {first, first == last ? std::string(setting.default_text) : last};
    }
    default:
      return {"one", "two"};
  }
}

std::string nonsense(const Setting& setting) {
  switch (setting.kind) {
    case SettingKind::text:
    case SettingKind::path:
    case SettingKind::list:
      return "";  // anything goes
    default:
      return "no sense";
  }
}

SettingValue found(const SettingSources& sources, const Setting& setting) {
  return load_settings(sources).value(setting.name);
}

}  // namespace

TEST_CASE("every setting can be set by flag, variable and file") {
  for (const Setting& setting : settings()) {
    const std::string name(setting.name), environment(setting.environment), ollama(setting.ollama);
    INFO(name);
    const auto [one, two] = examples(setting);
    const ConfigFile user{"/u", "# comment\n" + name + " = \"" + one + "\"\n"};
    const ConfigFile system{"/s", name + " = \"" + two + "\"\n"};

    SettingSources sources;
    CHECK(found(sources, setting).origin == "default");
    CHECK(found(sources, setting).text == setting.default_text);
    sources.files = {system};
    CHECK(found(sources, setting).text == two);
    CHECK(found(sources, setting).origin == "/s:1");
    sources.files = {user, system};
    CHECK(found(sources, setting).text == one);
    CHECK(found(sources, setting).origin == "/u:2");
    if (!ollama.empty()) {
      sources.environment[ollama] = two;
      CHECK(found(sources, setting).text == two);
      CHECK(found(sources, setting).origin == ollama);
    }
    sources.environment[environment] = one;
    CHECK(found(sources, setting).text == one);
    CHECK(found(sources, setting).origin == environment);
    sources.flags[name] = two;
    if (two.empty()) continue;
    CHECK(found(sources, setting).text == two);
    CHECK(found(sources, setting).origin == "flag --" + name);
    CHECK(load_settings(sources).warnings().empty());
  }
}

TEST_CASE("a wrong value is named by every route; one of Ollama's warns and is passed over") {
  for (const Setting& setting : settings()) {
    const std::string wrong = nonsense(setting);
    if (wrong.empty()) continue;
    const std::string name(setting.name), environment(setting.environment), ollama(setting.ollama);
    INFO(name);
    using Catch::Contains;
    CHECK_THROWS_WITH(load_settings({{{name, wrong}}, {}, {}}),
                      Contains("flag --" + name + ": expected") && Contains(wrong));
    CHECK_THROWS_WITH(load_settings({{}, {{environment, wrong}}, {}}),
                      Contains(environment + ": expected") && Contains(wrong));
    CHECK_THROWS_WITH(load_settings({{}, {}, {{"/f", "\n" + name + " = no sense\n"}}}),
                      Contains("/f:2: expected") && Contains(wrong));
    if (ollama.empty()) continue;
    const Settings loaded = load_settings({{}, {{ollama, wrong}}, {}});
    if (setting.kind == SettingKind::toggle) {
      CHECK(loaded.is_on(name));  // as Ollama reads its switches
    } else {
      CHECK(loaded.value(name).origin == "default");
      REQUIRE(loaded.warnings().size() == 1);
      CHECK_THAT(loaded.warnings()[0], Contains(ollama) && Contains(wrong));
    }
  }
}

TEST_CASE("names are unique and lines of help complete") {
  std::set<std::string_view> names;
  for (const Setting& setting : settings()) {
    INFO(setting.name);
    CHECK(names.insert(setting.name).second);
    CHECK(names.insert(setting.environment).second);
    CHECK(setting.environment.starts_with("HEARTH_"));
    CHECK((setting.ollama.empty() || setting.ollama.starts_with("OLLAMA_")));
    CHECK_FALSE(setting.help.empty());
    CHECK(setting_help(setting).find(setting.environment) != std::string::npos);
  }
  for (const IgnoredVariable& variable : ignored_variables())
    CHECK(names.insert(variable.name).second);
}

// When this fails, put the line of the message into docs/configuration.md.
TEST_CASE("docs/configuration.md has every row") {
  const std::string docs = hearth::read_file(HEARTH_SOURCE_DIR "/docs/configuration.md");
  const auto code = [](std::string_view text) {
    return text.empty() ? std::string() : fmt::format("`{}`", text);
  };
  for (const Setting& setting : settings()) {
    std::string help(setting.help);
    if (!setting.choices.empty()) help += fmt::format(": {}", code(setting.choices));
    const std::string row =
        fmt::format("| {} | {} | {} | {} | {} |\n", code(setting.name), code(setting.environment),
                    code(setting.ollama), code(setting.default_text), help);
    INFO(row);
    CHECK(docs.find(row) != std::string::npos);
  }
  for (const IgnoredVariable& variable : ignored_variables()) {
    const std::string row = fmt::format("| {} | {} |\n", code(variable.name), variable.reason);
    INFO(row);
    CHECK(docs.find(row) != std::string::npos);
  }
}

TEST_CASE("every variable of Ollama's is honoured or said to have no effect") {
  for (const char* name : {"HOST",
                           "MODELS",
                           "ORIGINS",
                           "KEEP_ALIVE",
                           "LOAD_TIMEOUT",
                           "CONTEXT_LENGTH",
                           "NUM_PARALLEL",
                           "MAX_LOADED_MODELS",
                           "MAX_QUEUE",
                           "KV_CACHE_TYPE",
                           "NOHISTORY",
                           "EDITOR",
                           "DEBUG",
                           "FLASH_ATTENTION",
                           "GPU_OVERHEAD",
                           "SCHED_SPREAD",
                           "IGPU_ENABLE",
                           "VULKAN",
                           "LLM_LIBRARY",
                           "GO_TEMPLATE",
                           "NOPRUNE",
                           "DEBUG_LOG_REQUESTS",
                           "MAX_TRANSFER_STREAMS",
                           "NO_CLOUD",
                           "REMOTES",
                           "CLOUD_BASE_URL",
                           "AUTH",
                           "SKILLS",
                           "AGENT_DISABLE_SHELL",
                           "AGENT_DISABLE_WEBSEARCH",
                           "LLAMA_CPP_COMPAT",
                           "EXPERIMENT",
                           "API_KEY",
                           "TMPDIR",
                           "MAX_VRAM"}) {
    const std::string variable = std::string("OLLAMA_") + name;
    INFO(variable);
    bool is_honoured = false;
    for (const Setting& setting : settings()) is_honoured |= setting.ollama == variable;
    if (is_honoured) continue;
    const Settings loaded = load_settings({{}, {{variable, "1"}}, {}});
    REQUIRE(loaded.warnings().size() == 1);
    CHECK_THAT(loaded.warnings().at(0), Catch::Contains(variable + " has no effect: "));
    CHECK_THAT(loaded.warnings().at(0), !Catch::Contains("no such setting"));
  }
}

TEST_CASE("what is written wrongly is told the nearest name") {
  using Catch::Contains;
  CHECK_THROWS_WITH(
      load_settings({{}, {}, {{"/f", "\nkeep-aliv = 5m\n"}}}),
      Contains("/f:2") && Contains("\"keep-aliv\"") && Contains("nearest is \"keep-alive\""));
  CHECK_THROWS_WITH(load_settings({{}, {}, {{"/f", "zzzzzzzzzzzz = 5m\n"}}}),
                    Contains("/f:1") && Contains("config show"));
  CHECK_THROWS_WITH(load_settings({{}, {}, {{"/f", "debug = 1\ndebug = 0\n"}}}),
                    Contains("/f:2") && Contains("line 1"));
  CHECK_THROWS_WITH(load_settings({{}, {}, {{"/f", "debug\n"}}}), Contains("/f: line 1"));
  const Settings stray = load_settings({{}, {{"HEARTH_NUM_PARALEL", "3"}, {"OLLAMA_X", "1"}}, {}});
  REQUIRE(stray.warnings().size() == 2);
  CHECK_THAT(stray.warnings()[0], Contains("nearest is HEARTH_NUM_PARALLEL"));
  CHECK(load_settings({{}, {{"HEARTH_ISA", "avx2"}, {"HOME", "/h"}}, {}}).warnings().empty());
}

TEST_CASE("values are read as their kind says") {
  const Settings loaded = load_settings({{{"keep-alive", "-1"}},
                                         {{"HOME", "/home/me"}, {"HEARTH_API_KEY", "\" key \""}},
                                         {{"/f",
                                           "max_queue = 7 # seven\n"
                                           "origins = [\"a#b\", 'c', d]\n"
                                           "memory-limit = 3K\n"
                                           "DEBUG = true\n"}}});
  CHECK(loaded.duration("keep-alive") == forever);
  CHECK(loaded.path("models") == "/home/me/.hearth/models");
  CHECK(loaded.text("api-key") == " key ");
  CHECK(loaded.count("max-queue") == 7);
  CHECK(loaded.list("origins") == std::vector<std::string>{"a#b", "c", "d"});
  CHECK(loaded.count("memory-limit") == 3072);
  CHECK(loaded.is_on("debug"));
  CHECK(load_settings({}).path("models") == "/var/lib/hearth/models");
  CHECK(shown_value(loaded.value("api-key")) == "(secret)");
  CHECK(shown_value(load_settings({}).value("api-key")).empty());
  CHECK_THROWS_AS(parse_bytes("9999999999G"), hearth::Error);
}
