// Replies of all dialects, byte for byte.
#include <catch2/catch.hpp>

#include "api/anthropic.h"
#include "api/errors.h"
#include "api/native.h"
#include "api/openai.h"
#include "api/openai_responses.h"
#include "api/rerank.h"

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
  event.ends_choice = true;
  event.reason = api::DoneReason::length;
  event.metrics.total_ns = 52;
  event.metrics.prompt_tokens = 11;
  event.metrics.generated_tokens = 3;
  event.context_tokens = {1, 2, 3};
  return event;
}

// One answer in one piece.
api::WholeAnswer whole(std::string content, api::ChatEvent event) {
  event.content = std::move(content);
  api::WholeAnswer answer{{event}, event.metrics};
  return answer;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string joined(const std::vector<std::string>& frames) {
  std::string all;
  for (const std::string& frame : frames) all += frame;
  return all;
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
  CHECK(writer.whole(whole("Hello", event), moment) ==
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
            head + "[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":3,\"total_tokens\":14,"
                   "\"completion_tokens_details\":{"
                   "\"reasoning_tokens\":0},"
                   "\"prompt_tokens_details\":{\"cached_tokens\":0}}}\n\n",
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
  CHECK(generate.whole(whole("a", event), moment).find("\"logprobs\":" + list) !=
        std::string::npos);
  api::OpenAiChatWriter openai(openai_request(false), "chatcmpl-1", moment);
  CHECK(openai.frames(event, moment)[1].find(R"("logprobs":{"content":)" + list +
                                             R"(,"refusal":null})") != std::string::npos);
  api::OpenAiCompletionWriter completion({openai_request(false)}, "cmpl-1", moment);
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
  const std::string body = at_once.whole(whole("", last), moment);
  CHECK(has(body, R"("content":null,"refusal":null,"tool_calls":[{"index":0,)"));
  CHECK(has(body, R"("finish_reason":"tool_calls")"));
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
  CHECK(openai.whole(whole("a", event), moment).find(R"("reasoning":"hm")") != std::string::npos);
}

TEST_CASE("OpenAI completions: text, finish, usage, DONE") {
  const std::string head =
      "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":1790000000,\"model\":\"m\","
      "\"system_fingerprint\":\"fp_ollama\",\"choices\":";
  const std::string usage =
      R"("usage":{"prompt_tokens":11,"completion_tokens":3,"total_tokens":14,)"
      R"("completion_tokens_details":{"reasoning_tokens":0},)"
      R"("prompt_tokens_details":{"cached_tokens":0}}})";
  api::OpenAiCompletionWriter writer({openai_request(true)}, "cmpl-1", moment);
  CHECK(writer.frames(piece("a"), moment) ==
        std::vector<std::string>{
            "data: " + head +
            "[{\"text\":\"a\",\"index\":0,\"logprobs\":null,\"finish_reason\":null}]}\n\n"});
  CHECK(writer.frames(end(), moment) ==
        std::vector<std::string>{
            "data: " + head +
                "[{\"text\":\"\",\"index\":0,\"logprobs\":null,\"finish_reason\":\"length\"}]}\n\n",
            "data: " + head + "[]," + usage + "\n\n", "data: [DONE]\n\n"});
  api::OpenAiCompletionWriter at_once({openai_request(false)}, "cmpl-1", moment);
  CHECK(at_once.whole(whole("ab", end()), moment) ==
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
  CHECK(api::error_body(api::Dialect::anthropic, 404, "x", "r1") ==
        R"({"type":"error","error":{"type":"not_found_error","message":"x"},"request_id":"r1"})");
  CHECK(api::error_frame(api::Dialect::anthropic, 503, "x") ==
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
        "\"message\":\"x\"}}\n\n");
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

TEST_CASE("several answers: each has its role, its end and its number") {
  api::ChatRequest request = openai_request(false);
  request.choice_count = 2;
  api::OpenAiChatWriter writer(request, "chatcmpl-1", moment);
  api::ChatEvent second = piece("b");
  second.choice = 1;
  CHECK(has(writer.frames(second, moment)[1], R"("index":1,"delta":{"content":"b"})"));
  CHECK(has(joined(writer.frames(piece("a"), moment)), R"("role":"assistant")"));
  api::ChatEvent first_end;
  first_end.ends_choice = true;
  const std::vector<std::string> frames = writer.frames(first_end, moment);
  REQUIRE(frames.size() == 1);
  CHECK(has(frames[0], R"("index":0,"delta":{},"finish_reason":"stop")"));
  api::ChatEvent last = end();
  last.choice = 1;
  CHECK(joined(writer.frames(last, moment)).ends_with("data: [DONE]\n\n"));
  api::WholeAnswer both = whole("a", end());
  both.choices.push_back(second);
  const std::string body = writer.whole(both, moment);
  CHECK(has(body, R"("index":0,"message")"));
  CHECK(has(body, R"("index":1,"message")"));
}

TEST_CASE("an echo stands before the first piece, and offsets count it") {
  api::ChatRequest request = openai_request(false);
  request.echo = "abc";
  api::OpenAiCompletionWriter writer({request}, "cmpl-1", moment);
  api::ChatEvent event = piece("d");
  event.log_probs = {{"d", -0.5F, {}}};
  const std::string first = writer.frames(event, moment).front();
  CHECK(has(first, R"("text":"abcd")"));
  CHECK(has(first, R"("text_offset":[3])"));
  CHECK(has(writer.frames(event, moment).front(), R"("text":"d")"));
}

TEST_CASE("Anthropic: thoughts, text and calls are blocks, one after the other") {
  api::ChatRequest request;
  request.model = "m";
  api::AnthropicWriter writer(request, "msg_1");
  api::ChatEvent event;
  event.thinking = "hm";
  event.metrics.prompt_tokens = 7;
  std::string stream = joined(writer.frames(event, moment));
  CHECK(has(stream, R"(event: message_start
data: {"type":"message_start","message":{"id":"msg_1",)"));
  CHECK(has(stream, R"("usage":{"input_tokens":7,"output_tokens":0})"));
  stream = joined(writer.frames(piece("a"), moment));
  CHECK(stream.find("signature_delta") < stream.find("content_block_stop"));
  CHECK(has(stream, R"("index":1,"delta":{"type":"text_delta","text":"a"})"));
  api::ChatEvent last = end();
  last.reason = api::DoneReason::stop;
  last.tool_calls = {{"call_1", "f", {{"a", 1}}}};
  stream = joined(writer.frames(last, moment));
  CHECK(has(stream, R"("partial_json":"{\"a\":1}")"));
  CHECK(has(stream, R"("delta":{"stop_reason":"tool_use","stop_sequence":null})"));
  CHECK(stream.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
  CHECK_FALSE(has(stream, "ping"));

  api::AnthropicWriter at_once(request, "msg_1");
  last.tool_calls.clear();
  last.stop = "END";
  const std::string body = at_once.whole(whole("a", last), moment);
  CHECK(body == R"({"id":"msg_1","type":"message","role":"assistant","model":"m",)"
                R"("content":[{"type":"text","text":"a"}],"stop_reason":"stop_sequence",)"
                R"("stop_sequence":"END","usage":{"input_tokens":11,"output_tokens":3}})");
}

TEST_CASE("an Anthropic stream without text still has a block") {
  api::AnthropicWriter writer({}, "msg_1");
  const std::string stream = joined(writer.frames(end(), moment));
  for (const char* event : {"message_start", "content_block_start", "ping", "content_block_stop",
                            "message_delta", "message_stop"})
    CHECK(has(stream, std::string("event: ") + event + "\n"));
  CHECK(has(stream, R"("stop_reason":"max_tokens")"));
}

TEST_CASE("Responses: every item is opened, filled and closed") {
  api::ResponsesRequest request =
      api::read_openai_responses(R"({"model":"m","input":"hi","temperature":0})");
  api::OpenAiResponsesWriter writer(request, "resp_1", moment);
  api::ChatEvent event;
  event.thinking = "hm";
  std::string stream = joined(writer.frames(event, moment));
  stream += joined(writer.frames(piece("a"), moment));
  api::ChatEvent last = end();
  last.tool_calls = {{"call_1", "f", {{"a", 1}}}};
  stream += joined(writer.frames(last, moment));
  const std::vector<const char*> order = {"created",
                                          "in_progress",
                                          "output_item.added",
                                          "reasoning_summary_part.added",
                                          "reasoning_summary_text.delta",
                                          "reasoning_summary_text.done",
                                          "reasoning_summary_part.done",
                                          "output_item.done",
                                          "output_item.added",
                                          "content_part.added",
                                          "output_text.delta",
                                          "output_text.done",
                                          "content_part.done",
                                          "output_item.done",
                                          "output_item.added",
                                          "function_call_arguments.delta",
                                          "function_call_arguments.done",
                                          "output_item.done",
                                          "incomplete"};
  size_t at = 0;
  int number = 0;
  for (const char* type : order) {
    const std::string head = "event: response." + std::string(type) + "\ndata: {\"type\":";
    INFO(head);
    REQUIRE(stream.compare(at, head.size(), head) == 0);
    at = stream.find("\n\n", at) + 2;
    CHECK(has(stream, "\"sequence_number\":" + std::to_string(number++) + ","));
  }
  CHECK(at == stream.size());
  CHECK(writer.message().content + writer.message().thinking == "ahm");
  CHECK(writer.message().tool_calls.front().arguments["a"] == 1);
  CHECK(writer.response()["incomplete_details"]["reason"] == "max_output_tokens");

  api::OpenAiResponsesWriter at_once(request, "resp_1", moment);
  const api::Json body = api::Json::parse(at_once.whole(whole("a", end()), moment));
  CHECK(body["output"].size() == 1);
  CHECK(body["usage"]["total_tokens"] == 14);
  CHECK(has(at_once.failure_frame(500, "x"), R"("status":"failed")"));
}

TEST_CASE("rerank: the best documents first") {
  api::RerankRequest request =
      api::read_rerank(R"({"model":"m","query":"q","documents":["a",{"text":"b"},"c"],"top_n":2,
                           "return_documents":true})");
  const std::string body = api::write_rerank(request, {{0.1F, 0.5F, 0.25F}, 9, 0}, "rerank-1");
  CHECK(has(body, R"("results":[{"index":1,"relevance_score":0.5,"document":{"text":"b"}},)"
                  R"({"index":2,"relevance_score":0.25)"));
  CHECK_THROWS(api::read_rerank(R"({"model":"m","query":"q","documents":[]})"));
  CHECK_THROWS(api::read_rerank(R"({"model":"m","query":"q","documents":["a"],"top_n":0})"));
}
