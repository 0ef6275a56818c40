// Replies of both dialects, byte for byte.
#include <catch2/catch.hpp>

#include "api/errors.h"
#include "api/native.h"
#include "api/openai.h"

using namespace hearth;

namespace {

const api::WallTime moment =
    std::chrono::system_clock::time_point(std::chrono::seconds(1'790'000'000)) +
    std::chrono::nanoseconds(40'000'000);

api::ChatEvent piece(std::string content) {
  api::ChatEvent event;
  event.content = std::move(content);
  return event;
}

api::ChatEvent end() {
  api::ChatEvent event;
  event.is_final = true;
  event.reason = api::DoneReason::length;
  event.metrics.total_ns = 52;
  event.metrics.prompt_tokens = 11;
  event.metrics.generated_tokens = 3;
  event.context_tokens = {1, 2, 3};
  return event;
}

api::ChatRequest openai_request(bool includes_usage) {
  api::ChatRequest request;
  request.model = "m";
  request.includes_usage = includes_usage;
  return request;
}

}  // namespace

TEST_CASE("generate writes one line per piece") {
  api::NativeGenerateWriter writer("m");
  CHECK(writer.frames(piece("Hel\n"), moment) ==
        std::vector<std::string>{"{\"model\":\"m\",\"created_at\":\"2026-09-21T14:13:20.04Z\","
                                 "\"response\":\"Hel\\n\",\"done\":false}\n"});
  CHECK(writer.frames(end(), moment) ==
        std::vector<std::string>{
            "{\"model\":\"m\",\"created_at\":\"2026-09-21T14:13:20.04Z\",\"response\":\"\","
            "\"done\":true,"
            "\"done_reason\":\"length\",\"context\":[1,2,3],\"total_duration\":52,"
            "\"prompt_eval_count\":11,\"eval_count\":3}\n"});
}

TEST_CASE("chat writes messages, and everything at once without a stream") {
  api::NativeChatWriter writer("m");
  api::ChatEvent event = end();
  event.context_tokens.clear();
  CHECK(writer.whole("Hello", event, moment) ==
        "{\"model\":\"m\",\"created_at\":\"2026-09-21T14:13:20.04Z\",\"message\":{\"role\":"
        "\"assistant\",\"content\":\"Hello\"},"
        "\"done\":true,\"done_reason\":\"length\",\"total_duration\":52,\"prompt_eval_count\":11,"
        "\"eval_count\":3}");
}

TEST_CASE("text that is not UTF-8 never breaks a reply") {
  api::NativeChatWriter writer("m");
  CHECK(writer.frames(piece("a\xff"), moment).front().find("a\xef\xbf\xbd") != std::string::npos);
}

TEST_CASE("OpenAI stream: role first, then text, finish, usage, DONE") {
  api::OpenAiChatWriter writer(openai_request(true), "chatcmpl-1", moment);
  const std::string head =
      "data: "
      "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,"
      "\"model\":\"m\","
      "\"system_fingerprint\":\"fp_ollama\",\"choices\":";
  const std::string role =
      R"([{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]})";
  const auto text = [&head](const std::string& content) {
    return head + R"([{"index":0,"delta":{"content":")" + content +
           R"("},"finish_reason":null}]})" + "\n\n";
  };
  CHECK(writer.frames(piece("a"), moment) ==
        std::vector<std::string>{head + role + "\n\n", text("a")});
  CHECK(writer.frames(piece("b"), moment) == std::vector<std::string>{text("b")});
  CHECK(writer.frames(end(), moment) ==
        std::vector<std::string>{
            head + "[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n",
            head + "[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":3,\"total_tokens\":14}"
                   "}\n\n",
            "data: [DONE]\n\n"});
}

TEST_CASE("an OpenAI stream without text still has its role") {
  api::OpenAiChatWriter writer(openai_request(false), "chatcmpl-1", moment);
  const std::vector<std::string> frames = writer.frames(end(), moment);
  REQUIRE(frames.size() == 3);
  CHECK(frames[0].find("\"role\":\"assistant\"") != std::string::npos);
}

TEST_CASE("log-probabilities: native, OpenAI chat, OpenAI completions") {
  api::ChatEvent event = piece("a");
  event.log_probs = {{"a", -0.5F, {{"a", -0.5F, {}}, {"\xff", -1.0F, {}}}}};
  const std::string list = R"([{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[)"
                           R"({"token":"a","logprob":-0.5,"bytes":[97]},)"
                           "{\"token\":\"\xef\xbf\xbd\",\"logprob\":-1.0,\"bytes\":[255]}]}]";
  api::NativeChatWriter chat("m");
  CHECK(chat.frames(event, moment).front().find("\"logprobs\":" + list) != std::string::npos);
  api::NativeGenerateWriter generate("m");
  CHECK(generate.whole("a", event, moment).find("\"logprobs\":" + list) != std::string::npos);
  api::OpenAiChatWriter openai(openai_request(false), "chatcmpl-1", moment);
  CHECK(openai.frames(event, moment)[1].find(R"("logprobs":{"content":)" + list +
                                             R"(,"refusal":null})") != std::string::npos);
  api::OpenAiCompletionWriter completion(openai_request(false), "cmpl-1", moment);
  completion.frames(event, moment);
  CHECK(
      completion.frames(event, moment)
          .front()
          .find(
              R"("logprobs":{"tokens":["a"],"token_logprobs":[-0.5],"top_logprobs":[{"a":-0.5,)") !=
      std::string::npos);
  CHECK(completion.frames(event, moment).front().find("\"text_offset\":[2]") != std::string::npos);
}

TEST_CASE("calls of tools: numbered through all events, arguments as each dialect has them") {
  api::ChatEvent event;
  modelfile::ToolCall call{"call_1", "f", {{"a", 1}}};
  event.tool_calls = {call};
  api::NativeChatWriter chat("m");
  CHECK(chat.frames(event, moment)
            .front()
            .find(R"("content":"","tool_calls":[{"id":"call_1","function":{"index":0,"name":"f",)"
                  R"("arguments":{"a":1}}}]},"done":false)") != std::string::npos);
  CHECK(chat.frames(event, moment).front().find("\"index\":1") != std::string::npos);
  api::OpenAiChatWriter openai(openai_request(false), "chatcmpl-1", moment);
  CHECK(openai.frames(event, moment)[1].find(
            R"("delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function",)"
            R"("function":{"name":"f","arguments":"{\"a\":1}"}}]})") != std::string::npos);
  api::ChatEvent last = end();
  last.reason = api::DoneReason::stop;
  CHECK(openai.frames(last, moment).front().find(R"("finish_reason":"tool_calls")") !=
        std::string::npos);
  last.tool_calls = {call};
  api::OpenAiChatWriter at_once(openai_request(false), "chatcmpl-1", moment);
  const std::string whole = at_once.whole("", last, moment);
  CHECK(whole.find(R"("content":null,"refusal":null,"tool_calls":[{"index":0,)") !=
        std::string::npos);
  CHECK(whole.find(R"("finish_reason":"tool_calls")") != std::string::npos);
}

TEST_CASE("thoughts stand beside the content") {
  api::ChatEvent event = piece("");
  event.thinking = "hm";
  api::NativeChatWriter chat("m");
  CHECK(chat.frames(event, moment).front().find(R"("content":"","thinking":"hm"})") !=
        std::string::npos);
  api::NativeGenerateWriter generate("m");
  CHECK(generate.frames(event, moment).front().find(R"("response":"","thinking":"hm")") !=
        std::string::npos);
  api::OpenAiChatWriter openai(openai_request(false), "chatcmpl-1", moment);
  CHECK(openai.frames(event, moment)[1].find(
            R"("delta":{"content":"","reasoning":"hm","reasoning_content":"hm"})") !=
        std::string::npos);
  CHECK(openai.whole("a", event, moment).find(R"("reasoning":"hm")") != std::string::npos);
}

TEST_CASE("OpenAI completions: text, finish, usage, DONE") {
  const std::string head =
      "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":1790000000,\"model\":\"m\","
      "\"system_fingerprint\":\"fp_ollama\",\"choices\":";
  const std::string usage =
      R"("usage":{"prompt_tokens":11,"completion_tokens":3,"total_tokens":14}})";
  api::OpenAiCompletionWriter writer(openai_request(true), "cmpl-1", moment);
  CHECK(writer.frames(piece("a"), moment) ==
        std::vector<std::string>{
            "data: " + head +
            "[{\"text\":\"a\",\"index\":0,\"logprobs\":null,\"finish_reason\":null}]}\n\n"});
  CHECK(writer.frames(end(), moment) ==
        std::vector<std::string>{
            "data: " + head +
                "[{\"text\":\"\",\"index\":0,\"logprobs\":null,\"finish_reason\":\"length\"}]}\n\n",
            "data: " + head + "[]," + usage + "\n\n", "data: [DONE]\n\n"});
  api::OpenAiCompletionWriter at_once(openai_request(false), "cmpl-1", moment);
  CHECK(at_once.whole("ab", end(), moment) ==
        head + "[{\"text\":\"ab\",\"index\":0,\"logprobs\":null,\"finish_reason\":\"length\"}]," +
            usage);
}

TEST_CASE("errors per dialect") {
  CHECK(api::http_status(ErrorCode::invalid_argument) == 400);
  CHECK(api::http_status(ErrorCode::unsupported) == 400);
  CHECK(api::http_status(ErrorCode::not_found) == 404);
  CHECK(api::http_status(ErrorCode::unavailable) == 503);
  CHECK(api::http_status(ErrorCode::cancelled) == 499);
  CHECK(api::error_body(api::Dialect::native, 404, "a \"b\"") == R"({"error":"a \"b\""})");
  CHECK(api::error_body(api::Dialect::openai, 404, "x") ==
        R"({"error":{"message":"x","type":"not_found_error","param":null,"code":null}})");
  CHECK(api::error_frame(api::Dialect::native, 500, "x") == "{\"error\":\"x\"}\n");
  CHECK(api::error_frame(api::Dialect::openai, 500, "x").starts_with("data: {\"error\":"));
}

TEST_CASE("lists") {
  CHECK(api::write_native_tags({}) == R"({"models":[]})");
  CHECK(api::write_openai_models({}) == R"({"object":"list","data":[]})");
  api::ModelSummary model;
  model.name = "m:latest";
  model.modified_at = moment;
  model.owner = "library";
  CHECK(api::write_openai_model(model) ==
        R"({"id":"m:latest","object":"model","created":1790000000,"owned_by":"library"})");
}

TEST_CASE("ps tells how far a load is, until it is done") {
  api::RunningModel model;
  model.name = "m:latest";
  model.expires_at = moment;
  CHECK(api::write_native_ps({model}).find("load_progress") == std::string::npos);
  model.load_progress = 0.5;
  CHECK(api::write_native_ps({model}).find("\"load_progress\":0.5") != std::string::npos);
}
