// `hearth tour`: four short steps with the model that comes with hearth - a question, a story, JSON
// by a schema, a tool that this program runs - each with the request that does the same.
#include <fmt/format.h>

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/load_model.h"
#include "cli/terminal.h"

namespace hearth::cli {
namespace {

struct Step {
  std::string_view title;
  std::string_view question;
  std::string_view explains;
};

constexpr Step ask_step{"Ask", "What is hearth?",
                        "The daemon keeps the model loaded; the answer streams as it is written."};
constexpr Step story_step{"A story", "Tell me a story about a fox.",
                          "Any prompt works the same way; only the model decides how well."};
constexpr Step json_step{
    "JSON by a schema", "Extract as JSON: Anna is 31 years old and lives in Oslo.",
    "With a schema as format the model can write nothing else, whatever its size."};
constexpr Step tool_step{"A tool", "What is 17 plus 25?",
                         "The model asks for a tool, this program runs it, the model answers."};

constexpr std::string_view person_schema =
    R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"},"city":{"type":"string"}},"required":["name","age","city"]})";
constexpr std::string_view add_tool =
    R"({"type":"function","function":{"name":"add","description":"Add two numbers","parameters":{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"required":["a","b"]}}})";

class Tour {
 public:
  Tour(const Client& client, const std::string& model) : client_(client), model_(model) {}

  int run() {
    print(
        fmt::format("Four things that hearth does, with the model {}. Each is one request; the\n"
                    "curl line below each question does the same.\n",
                    model_));
    for (const auto step : {&Tour::ask, &Tour::story, &Tour::json, &Tour::tool}) {
      if (!waits_for_next()) return 0;
      (this->*step)();
    }
    print(
        "\nThat was the tour. On with it:\n"
        "  hearth run                 chat with this small model\n"
        "  hearth run llama3.2        a bigger one, pulled first (2 GB)\n"
        "  hearth help                everything else\n");
    return 0;
  }

 private:
  void ask() { answer(ask_step, body_of(ask_step)); }
  void story() { answer(story_step, body_of(story_step)); }

  void json() {
    Json body = body_of(json_step);
    body["format"] = Json::parse(person_schema);
    answer(json_step, body);
  }

  void tool() {
    Json body = body_of(tool_step);
    body["tools"] = Json::array({Json::parse(add_tool)});
    show(tool_step, body);
    body["stream"] = false;
    const Json message = client_.post("/api/chat", body).at("message");
    const Json calls = message.value("tool_calls", Json::array());
    if (calls.empty()) {
      print(message.value("content", "") + "\n(no call this time: small models miss some)\n");
      return;
    }
    body["messages"].push_back(message);
    for (const Json& call : calls) {
      const Json& function = call.at("function");
      const std::string result = run_tool(function);
      print(fmt::format("the model asks for: {}({})\nthis program runs it: {}\n",
                        function.value("name", ""), function.at("arguments").dump(), result));
      body["messages"].push_back(
          {{"role", "tool"}, {"tool_name", function.value("name", "")}, {"content", result}});
    }
    body["stream"] = true;
    stream_answer(client_, "/api/chat", body, {});
  }

  // What `add` does; anything else is an answer for the model, as a program would give it.
  static std::string run_tool(const Json& function) {
    const Json& arguments = function.at("arguments");
    const auto number = [&](const char* name) {
      const auto found = arguments.find(name);
      return found != arguments.end() && found->is_number_integer()
                 ? std::optional(found->get<int64_t>())
                 : std::nullopt;
    };
    const std::optional<int64_t> a = number("a"), b = number("b");
    constexpr int64_t largest = 1'000'000'000;
    const bool fits = a && b && std::abs(*a) < largest && std::abs(*b) < largest;
    if (function.value("name", "") != "add" || !fits) return "error: add needs two whole numbers";
    return std::to_string(*a + *b);
  }

  Json body_of(const Step& step) const {
    return {{"model", model_},
            {"messages", Json::array({{{"role", "user"}, {"content", step.question}}})},
            {"options", {{"temperature", 0}, {"num_predict", 200}}}};
  }

  void show(const Step& step, const Json& body) {
    ++number_;
    print(fmt::format("\n{}. {}\n   {}\n\n>>> {}\n\ncurl {}/api/chat -d '{}'\n\n", number_,
                      step.title, step.explains, step.question, client_.config().base_url,
                      body.dump()));
  }

  void answer(const Step& step, const Json& body) {
    show(step, body);
    stream_answer(client_, "/api/chat", body, {});
  }

  // A person goes at their own pace; Ctrl-D ends the tour.
  bool waits_for_next() const {
    if (!input_is_terminal() || !output_is_terminal()) return true;
    print(number_ == 0 ? "\nEnter begins, Ctrl-D leaves. " : "\nEnter goes on, Ctrl-D leaves. ");
    std::string line;
    return static_cast<bool>(std::getline(std::cin, line));
  }

  const Client& client_;
  const std::string& model_;
  int number_ = 0;
};

}  // namespace

int tour(const Client& client, const std::string& model) {
  find_model(client, model, false);
  return Tour(client, model).run();
}

}  // namespace hearth::cli
