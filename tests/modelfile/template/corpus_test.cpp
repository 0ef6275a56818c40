// Real chat templates and an engine's test cases against outputs of the reference implementation
// (Jinja2 3.1.2, set up as transformers does). The numbers are a ratchet: they may only go up.
#include <catch2/catch.hpp>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "modelfile/template.h"
#include "tests/support/shared.h"

using namespace hearth::modelfile;
using hearth::testing::shared_path;

namespace {

struct Outcome {
  std::string text;
  bool is_error = false;
};

Outcome outcome_of(const std::string& source, const Json& context, const RenderLimits& limits,
                   std::chrono::system_clock::time_point now = {}) {
  try {
    return {to_text(Template::parse(source).render_json(context, limits, now)), false};
  } catch (const hearth::Error& error) {
    CHECK(error.code() == hearth::ErrorCode::invalid_argument);
    return {error.what(), true};
  }
}

// These cases were recorded after the template had changed its own list; this is the list before.
const std::map<std::string, std::string> contexts_before_the_change{
    {"array.pop() last", R"({"arr": ["a", "b", "c"]})"},
    {"array.pop() with index", R"({"arr": ["a", "b", "c"]})"},
    {"array.append()", R"({"arr": ["a", "b", "c"]})"},
};

std::chrono::system_clock::time_point recorded_time() {
  std::tm local{};
  local.tm_year = 125;
  local.tm_mday = 15;
  local.tm_hour = 12;
  local.tm_min = 30;
  local.tm_sec = 45;
  local.tm_isdst = -1;
  return std::chrono::system_clock::from_time_t(std::mktime(&local));
}

size_t file_count(const std::filesystem::path& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder),
                                           std::filesystem::directory_iterator()));
}

// "TypeError: can only ..." -> "can only ..."
std::string reason_of(const std::string& error) {
  return error.substr(error.find(": ") + 2);
}

bool matches(const Json& expected, const Outcome& outcome) {
  if (expected.contains("output"))
    return !outcome.is_error && outcome.text == expected["output"].get<std::string>();
  return outcome.is_error &&
         outcome.text.find(reason_of(expected["error"].get<std::string>())) != std::string::npos;
}

std::string report(const std::string& name, const Outcome& outcome, const std::string& expected) {
  return "\n" + name + "\n  expected: " + expected.substr(0, 400) + "\n  found" +
         (outcome.is_error ? " error" : "") + ": " + outcome.text.substr(0, 400);
}

}  // namespace

TEST_CASE("cases of a Jinja engine") {
  const auto path = shared_path("data/chat-templates/jinja-engine.json");
  if (!path) {
    WARN("skipped: shared data is absent");
    return;
  }
  const Json cases = Json::parse(hearth::read_file(*path));
  size_t passed = 0;
  std::string failures;
  for (const Json& entry : cases) {
    const auto name = entry["name"].get<std::string>();
    const auto before = contexts_before_the_change.find(name);
    const Json context =
        before == contexts_before_the_change.end() ? entry["context"] : Json::parse(before->second);
    const Outcome outcome = outcome_of(entry["template"], context, {});
    const bool is_right = !outcome.is_error && outcome.text == entry["expected"].get<std::string>();
    passed += is_right ? 1 : 0;
    if (!is_right) failures += report(name, outcome, entry["expected"]);
  }
  INFO(failures);
  INFO("passed " << passed << " of " << cases.size());
  CHECK(passed == cases.size());
  CHECK(cases.size() == 278);
}

TEST_CASE("renderings of real chat templates") {
  const auto folder = shared_path("data/chat-templates");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  const Json setup = Json::parse(hearth::read_file(*folder / "conversations.json"));
  RenderLimits limits;
  limits.allows_changes = false;  // as in the sandbox of transformers
  size_t passed = 0;
  std::string failures;
  size_t total = 0;
  size_t refused = 0;
  std::map<std::string, size_t> templates;
  std::ifstream lines(*folder / "renderings.jsonl");
  for (std::string line; std::getline(lines, line); ++total) {
    const Json expected = Json::parse(line);
    Json context = setup["conversations"][expected["conversation"].get<std::string>()];
    if (!context.contains("add_generation_prompt")) context["add_generation_prompt"] = true;
    context["bos_token"] = setup["bos_token"];
    context["eos_token"] = setup["eos_token"];
    const auto file = expected["template"].get<std::string>();
    const Outcome outcome =
        outcome_of(hearth::read_file(*folder / file), context, limits, recorded_time());
    const bool is_right = matches(expected, outcome);
    passed += is_right ? 1 : 0;
    refused += expected.contains("error") ? 1 : 0;
    ++templates[file];
    if (!is_right) {
      failures += report(file + " " + expected["conversation"].get<std::string>(), outcome,
                         expected.contains("output") ? expected["output"].get<std::string>()
                                                     : expected["error"].get<std::string>());
    }
  }
  INFO(failures);
  INFO("passed " << passed << " of " << total);
  CHECK(passed == total);
  CHECK(total == 657);
  CHECK(refused == 66);
  // No template and no conversation is left out.
  CHECK(templates.size() ==
        file_count(*folder / "llama.cpp") + file_count(*folder / "ollama-renderers"));
  for (const auto& [name, count] : templates) CHECK(count == setup["conversations"].size());
}

TEST_CASE("templates of another engine's tests") {
  const auto path = shared_path("data/chat-templates/chat-template-cases.json");
  if (!path) {
    WARN("skipped: shared data is absent");
    return;
  }
  const Json file = Json::parse(hearth::read_file(*path));
  size_t passed = 0;
  std::string failures;
  for (const Json& entry : file["cases"]) {
    Json messages = file["conversation"];
    const Json extra = entry.value("extra_conversation", Json::object());
    for (const auto& [role, content] : extra.items()) {
      messages.push_back({{"role", role}, {"content", content}});
    }
    const auto token = [&](const char* name) {
      const auto found = entry.find(name);
      return found != entry.end() && found->is_string() ? *found : Json("");
    };
    const Json context{{"messages", messages},
                       {"add_generation_prompt", file["add_generation_prompt"]},
                       {"bos_token", token("bos_token")},
                       {"eos_token", token("eos_token")}};
    const Json& expected = entry["jinja2_3_1_2"];
    const Outcome outcome = outcome_of(entry["template"], context, {});
    const std::string text =
        expected.is_string() ? expected.get<std::string>() : expected["error"].get<std::string>();
    const bool is_right =
        outcome.is_error == expected.is_object() &&
        (outcome.is_error ? outcome.text.find(text) != std::string::npos : outcome.text == text);
    passed += is_right ? 1 : 0;
    if (!is_right) failures += report(entry["name"], outcome, text);
  }
  INFO(failures);
  INFO("passed " << passed << " of " << file["cases"].size());
  CHECK(passed == file["cases"].size());
  CHECK(file["cases"].size() == 36);
}

TEST_CASE("renderings of Ollama's templates") {
  const auto folder = shared_path("data/ollama/template");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  const Json inputs = Json::parse(hearth::read_file(*folder / "messages.json"));
  const std::set<std::string> trimmed{"chatqa", "llama2-chat", "mistral-instruct", "openchat",
                                      "vicuna"};
  size_t passed = 0;
  size_t total = 0;
  std::string failures;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*folder / "testdata")) {
    if (!entry.is_regular_file() || entry.path().extension() == ".jsonl") continue;
    const std::string name = entry.path().parent_path().stem().string();
    const std::string kind = entry.path().filename().string();
    Outcome outcome = outcome_of(hearth::read_file(*folder / (name + ".gotmpl")),
                                 Json{{"messages", inputs[kind]}}, {});
    if (trimmed.count(name) > 0 && outcome.text.ends_with(' ')) outcome.text.pop_back();
    const std::string expected = hearth::read_file(entry.path());
    const bool is_right = !outcome.is_error && outcome.text == expected;
    ++total;
    passed += is_right ? 1 : 0;
    if (!is_right) failures += report(name + " " + kind, outcome, expected);
  }
  INFO(failures);
  CHECK(passed == total);
  CHECK(total == 20 * 3);
}
