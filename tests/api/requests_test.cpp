// Requests of all dialects from tests/cases/api/*.json: a body, and the neutral form or the error
// it must give. A case checks only the fields it names.
#include <catch2/catch.hpp>
#include <string>

#include "api/anthropic.h"
#include "api/json.h"
#include "api/native.h"
#include "api/openai.h"
#include "api/openai_responses.h"
#include "base/error.h"
#include "base/file.h"

using namespace hearth;
using api::Json;

namespace {

Json keep_alive(const api::ChatRequest& request) {
  if (!request.keep_alive) return nullptr;
  return *request.keep_alive == api::forever ? Json("forever") : Json(request.keep_alive->count());
}

Json neutral(const api::ChatRequest& request) {
  Json json;
  json["model"] = request.model;
  json["operation"] = api::to_string(request.operation);
  json["messages"] = Json::array();
  for (const api::Message& message : request.messages)
    json["messages"].push_back(api::write_native_message(message));
  json["raw_prompt"] = request.raw_prompt ? Json(*request.raw_prompt) : Json(nullptr);
  json["context_tokens"] = request.context_tokens;
  json["returns_context"] = request.returns_context;
  json["options"] = modelfile::to_json(request.options);
  json["openai_defaults"] = request.uses_openai_defaults;
  json["keep_alive"] = keep_alive(request);
  json["truncate"] = request.truncate;
  json["stream"] = request.is_stream;
  json["includes_usage"] = request.includes_usage;
  json["warning_count"] = request.warnings.size();
  json["warnings"] = request.warnings;
  json["format"] = nullptr;
  if (request.format) {
    constexpr const char* kinds[] = {"json", "schema", "grammar", "regex"};
    json["format"] = {kinds[static_cast<size_t>(request.format->kind)], request.format->text,
                      request.format->is_best_effort};
  }
  constexpr const char* choices[] = {"automatic", "none", "required", "named"};
  json["tool_choice"] = {choices[static_cast<size_t>(request.tool_choice.kind)],
                         request.tool_choice.name, request.tool_choice.is_single};
  json["logit_bias"] = Json::array();
  for (const api::TokenBias& bias : request.logit_bias)
    json["logit_bias"].push_back({bias.token, bias.bias});
  json["template_variables"] = request.template_variables;
  json["choices"] = request.choice_count;
  json["echo"] = request.echo;
  json["is_load_only"] = request.is_load_only();
  json["think"] = nullptr;
  if (request.think) json["think"] = {request.think->is_on, request.think->level};
  json["thoughts_tokens_max"] = request.thoughts_tokens_max;
  json["tools"] = request.tools;
  json["suffix"] = request.suffix ? Json(*request.suffix) : Json(nullptr);
  json["shifts"] = request.shifts;
  json["is_render_only"] = request.is_render_only;
  json["top_log_probs"] = request.top_log_probs ? Json(*request.top_log_probs) : Json(nullptr);
  return json;
}

// Several prompts: the first one's form, and how many there are.
Json neutral(const std::vector<api::ChatRequest>& requests) {
  Json json = neutral(requests.front());
  json["prompts"] = requests.size();
  return json;
}
Json neutral(const api::ResponsesRequest& request) {
  api::ResponsesRequest copy = request;
  api::begin_conversation(copy, {});
  Json json = neutral(copy.chat);
  json["is_stored"] = request.is_stored;
  json["echo"] = request.echo;
  return json;
}

template <typename Read>
void run_cases(const std::string& file, Read read) {
  const Json cases =
      Json::parse(read_file(std::string(HEARTH_SOURCE_DIR "/tests/cases/api/") + file));
  for (const Json& item : cases) {
    INFO(file << ": " << item["name"].get<std::string>());
    const std::string body =
        item.contains("raw") ? item["raw"].get<std::string>() : item["body"].dump();
    try {
      const Json found = neutral(read(body));
      REQUIRE(item.contains("expect"));
      for (auto field = item["expect"].begin(); field != item["expect"].end(); ++field) {
        CHECK(Json{{field.key(), found.at(field.key())}} == Json{{field.key(), *field}});
      }
    } catch (const Error& failure) {
      INFO(failure.what());
      REQUIRE(item.contains("error"));
      CHECK(to_string(failure.code()) == item["error"].get<std::string>());
      CHECK(std::string(failure.what()).find(item["contains"].get<std::string>()) !=
            std::string::npos);
    }
  }
}

}  // namespace

TEST_CASE("native generate requests") {
  run_cases("native_generate.json", api::read_native_generate);
}
TEST_CASE("native chat requests") {
  run_cases("native_chat.json", api::read_native_chat);
}
TEST_CASE("OpenAI chat requests") {
  run_cases("openai_chat.json", api::read_openai_chat);
}

TEST_CASE("OpenAI completion requests") {
  run_cases("openai_completion.json", api::read_openai_completion);
}
TEST_CASE("OpenAI Responses requests") {
  run_cases("openai_responses.json", api::read_openai_responses);
}
TEST_CASE("Anthropic requests") {
  run_cases("anthropic_messages.json", api::read_anthropic_messages);
}

TEST_CASE("a request has bounds") {
  const auto many = [](size_t count, const std::string& one) {
    std::string list = one;
    for (size_t i = 1; i < count; ++i) list += "," + one;
    return list;
  };
  const std::string message = R"({"role":"user","content":"x"})";
  const auto chat = [&](const std::string& more) {
    return R"({"model":"m","messages":[)" + message + "]," + more + "}";
  };
  CHECK_THROWS_WITH(
      api::read_native_chat(R"({"model":"m","messages":[)" + many(65'537, message) + "]}"),
      Catch::Contains("messages: at most 65536, found 65537"));
  const std::string tool = R"({"type":"function","function":{"name":"f","description":")" +
                           std::string(300, 'd') + R"("}})";
  CHECK(api::read_openai_chat(chat(R"("tools":[)" + many(1000, tool) + "]")).tools.size() == 1000);
  CHECK_THROWS_WITH(api::read_openai_chat(chat(R"("tools":[)" + many(4097, tool) + "]")),
                    Catch::Contains("tools: at most 4096"));
  CHECK_THROWS_WITH(api::read_openai_chat(chat(R"("stop":[)" + many(65, R"("s")") + "]")),
                    Catch::Contains("stop: at most 64"));
  CHECK_THROWS_WITH(api::read_openai_chat(chat(R"("stop":")" + std::string(1025, 's') + "\"")),
                    Catch::Contains("1024"));
}

TEST_CASE("create requests") {
  const auto request = api::read_native_create(
      R"({"name":"m","from":"base","license":"L","parameters":{"temperature":0.25,"stop":["a","b"]},
          "messages":[{"role":"user","content":"q"}],"system":"S","stream":false})");
  CHECK(request.model == "m");
  CHECK(request.from == "base");
  CHECK(request.licenses == std::vector<std::string>{"L"});
  CHECK(request.parameters.stop == std::vector<std::string>{"a", "b"});
  CHECK(request.messages.size() == 1);
  CHECK_FALSE(request.is_stream);
  CHECK_THROWS_WITH(api::read_native_create(R"({"model":"m"})"),
                    Catch::Contains("\"from\" or \"files\""));
  CHECK_THROWS_WITH(api::read_native_create(R"({"model":"m","from":"a","files":{"f":"d"}})"),
                    Catch::Contains("either"));
  const auto full = api::read_native_create(
      R"({"model":"m","files":{"a.gguf":"d"},"draft_files":{"b.gguf":"e"},"quantization":"q8_0",
          "draft_quantize":"q4_0","renderer":"r","parser":"p","requires":"v0.14.0-rc1",
          "license":["L1","L2"],"info":{"context_length":2048,"capabilities":["tools"]}})");
  CHECK(full.quantize == "q8_0");
  CHECK(full.draft_quantize == "q4_0");
  CHECK(full.draft_files.size() == 1);
  CHECK(full.renderer + full.parser == "rp");
  CHECK(full.required_version == "0.14.0-rc1");
  CHECK(full.licenses.size() == 2);
  CHECK(full.info.context_length == 2048);
  CHECK(full.info.capabilities == std::vector<std::string>{"tools"});
  for (const char* wrong :
       {R"("requires":"soon")", R"("requires":"1..2")", R"("info":[])", R"("files":{"a":1})",
        R"("info":{"context_length":"long"})", R"("remote_host":"h")", R"("license":[1])",
        R"("adapters":{"a":"d","b":"e"})", R"("parameters":{"top_k":"x"})", R"("messages":[{}])"}) {
    INFO(wrong);
    CHECK_THROWS_AS(
        api::read_native_create(R"({"model":"m","from":"a",)" + std::string(wrong) + "}"), Error);
  }
  CHECK_THROWS_WITH(api::read_native_create(R"({"from":"a"})"), Catch::Contains("model"));
}

TEST_CASE("requests about models") {
  CHECK(api::read_native_delete(R"({"name":"old style"})").model == "old style");
  CHECK(api::read_native_delete(R"({"model":"m","name":"n"})").model == "m");
  CHECK_THROWS_AS(api::read_native_delete("{}"), Error);
  CHECK(api::read_native_show(R"({"model":"m","verbose":true})").is_verbose);
  const auto show =
      api::read_native_show(R"({"model":"m","system":"S","options":{"temperature":1}})");
  CHECK(show.system == "S");
  CHECK(show.options.temperature == 1.0F);
  CHECK(api::read_native_copy(R"({"source":"a","destination":"b"})").destination == "b");
}

TEST_CASE("requests about models and the store name what they do not know") {
  const std::vector<std::string> known{"dryrun has no effect"};
  CHECK(api::read_native_show(R"({"model":"m","dryrun":true})").warnings == known);
  CHECK(api::read_native_copy(R"({"source":"a","destination":"b","dryrun":1})").warnings == known);
  CHECK(api::read_native_delete(R"({"model":"m","dryrun":true})").warnings == known);
  CHECK(api::read_native_transfer(R"({"model":"m","dryrun":true})").warnings == known);
  CHECK(api::read_native_gc(R"({"dryrun":true})").warnings == known);
  CHECK(api::read_native_verify(R"({"dryrun":true})").warnings == known);
  CHECK(api::read_native_import(R"({"path":"/a","dryrun":true})").warnings == known);
  CHECK(api::read_native_show(R"({"model":"m","options":{"temprature":1}})").warnings.size() == 1);
}

TEST_CASE("requests about the store") {
  const auto transfer = api::read_native_transfer(
      R"({"name":"m","insecure":true,"username":"u","password":"p","stream":false})");
  CHECK(transfer.model == "m");
  CHECK(transfer.is_insecure);
  CHECK(transfer.user + transfer.password == "up");
  CHECK_FALSE(transfer.is_stream);
  CHECK(transfer.bytes_per_second == 0);
  CHECK(api::read_native_transfer(R"({"model":"m","limit_rate":"2M"})").bytes_per_second ==
        2 << 20);
  CHECK(api::read_native_transfer(R"({"model":"m","limit_rate":7000})").bytes_per_second == 7000);
  CHECK_THROWS_AS(api::read_native_transfer("{}"), Error);
  CHECK_FALSE(api::read_native_gc("{}").is_dry_run);
  CHECK(api::read_native_gc(R"({"dry_run":true})").is_dry_run);
  CHECK(api::read_native_gc(R"({"downloads":true})").takes_downloads);
  CHECK(api::read_native_verify(R"({"model":"m","repair":true})").repairs);
  CHECK(api::read_native_verify("{}").model.empty());
  CHECK(api::read_native_import(R"({"path":"/a","model":"m"})").path == "/a");
  CHECK_THROWS_WITH(api::read_native_import("{}"), Catch::Contains("path"));
  for (const char* wrong :
       {R"({"model":1})", R"({"model":"m","insecure":"yes"})",
        R"({"model":"m","limit_rate":"fast"})", R"({"model":"m","limit_rate":-1})"}) {
    CHECK_THROWS_AS(api::read_native_transfer(wrong), Error);
  }
}

TEST_CASE("deep nesting is refused before it is parsed") {
  const std::string deep =
      R"({"model":"m","x":)" + std::string(100000, '[') + std::string(100000, ']') + "}";
  CHECK_THROWS_WITH(api::read_native_generate(deep), Catch::Contains("nested deeper"));
}
