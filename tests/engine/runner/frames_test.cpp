// Every frame survives the way through CBOR; bytes that are no frame are refused with one line.
#include <catch2/catch.hpp>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <type_traits>

#include "engine/runner.h"

using namespace hearth::engine;
using hearth::Error;
using hearth::ErrorCode;

namespace {

template <typename T>
T round_trip(const T& frame) {
  const Frame result = decode_frame(encode_frame(frame));
  REQUIRE(std::holds_alternative<T>(result));
  return std::get<T>(result);
}

std::vector<std::byte> cbor(const nlohmann::json& json) {
  const std::vector<uint8_t> bytes = nlohmann::json::to_cbor(json);
  const auto view = std::as_bytes(std::span(bytes));
  return {view.begin(), view.end()};
}

GenerationRequest full_request() {
  GenerationRequest request;
  request.id = std::numeric_limits<uint64_t>::max();
  request.prompt = {
      {"<|user|>", true, {}}, {"caf\u00e9 \xff raw", false, {}}, {"", false, {1, -2, 2147483647}}};
  request.sampling.temperature = 0.1f;
  request.sampling.top_k = -1;
  request.sampling.seed = -1;
  request.sampling.repeat_penalty = 1.1f;
  request.sampling.logit_bias = {{5, -std::numeric_limits<float>::infinity()}, {6, 0.25f}};
  request.sampling.top_n_sigma = 1.5f;
  request.sampling.dry_sequence_breakers = {"\n", "\xff"};
  request.sampling.mirostat = 2;
  request.sampling.logprobs = 20;
  request.sampling.stages = {"top_k"};
  request.tokens_max = -1;
  request.stop = {"a", "", "\n\n"};
  request.context_tokens = int64_t{1} << 40;
  request.truncate = true;
  request.shift = true;
  request.keep_tokens = 4;
  request.tenant = std::string("t");
  request.return_tokens = true;
  request.shown_tokens = {"<|channel|>"};
  request.adapter = 2;
  request.adapter_scale = 0.5f;
  return request;
}

}  // namespace

TEST_CASE("frames: hello, load and its answers") {
  CHECK(round_trip(HelloFrame{7, "hearthd 1"}).protocol == 7);
  CHECK(round_trip(HelloFrame{7, "hearthd 1"}).program == "hearthd 1");
  LoadFrame load;
  load.options = {"llama3", 6, "avx2", 8192, KvType::f32, int64_t{1} << 33, 3, 9, 77};
  load.model_fds = 2;
  load.adapter_fds = 1;
  load.draft_fds = 3;
  load.options.speculation = Speculation::lookup;
  load.options.is_precise = true;
  load.has_lease = true;
  const LoadFrame got = round_trip(load);
  CHECK(got.options.name == "llama3");
  CHECK(got.options.threads == 6);
  CHECK(got.options.isa == "avx2");
  CHECK(got.options.context_tokens == 8192);
  CHECK(got.options.kv_type == KvType::f32);
  CHECK(got.options.cache_bytes == int64_t{1} << 33);
  CHECK(got.options.sequences_max == 3);
  CHECK(got.options.queue_max == 9);
  CHECK(got.options.step_tokens == 77);
  CHECK(got.model_fds == 2);
  CHECK(got.adapter_fds == 1);
  CHECK(got.draft_fds == 3);
  CHECK(got.options.speculation == Speculation::lookup);
  CHECK(got.options.is_precise);
  CHECK(got.has_lease);
  CHECK(round_trip(ProgressFrame{0.25}).fraction == 0.25);
  const LoadedFacts facts = round_trip(LoadedFrame{{1, 2, 3, 4, 5, "avx512", "seccomp"}}).facts;
  CHECK(facts.context_tokens == 1);
  CHECK(facts.vocab_size == 2);
  CHECK(facts.weight_bytes == 3);
  CHECK(facts.cache_bytes == 4);
  CHECK(facts.threads == 5);
  CHECK(facts.isa == "avx512");
  CHECK(facts.sandbox == "seccomp");
  const RefusedFrame refused = round_trip(RefusedFrame{ErrorCode::corrupt_data, "why"});
  CHECK(refused.code == ErrorCode::corrupt_data);
  CHECK(refused.message == "why");
}

TEST_CASE("frames: quantize and its answer") {
  const QuantizeFrame got = round_trip(QuantizeFrame{"story", "Q4_K_M", 3, 2});
  CHECK(got.name == "story");
  CHECK(got.mixture == "Q4_K_M");
  CHECK(got.threads == 3);
  CHECK(got.model_fds == 2);
  round_trip(QuantizedFrame{});
}

TEST_CASE("frames: embed and its answer") {
  EmbeddingRequest want;
  want.id = 9;
  want.input = {{"text", false, {}}, {"", false, {1, 2}}};
  want.pooling = Pooling::last;
  want.normalize = want.truncate = true;
  want.adapter = 1;
  want.adapter_scale = 2.0f;
  const EmbeddingRequest got = round_trip(EmbedFrame{want}).request;
  CHECK(got.id == 9);
  REQUIRE(got.input.size() == 2);
  CHECK(got.input[1].tokens == want.input[1].tokens);
  CHECK(got.pooling == Pooling::last);
  CHECK(got.normalize);
  CHECK(got.truncate);
  CHECK(got.adapter == 1);
  CHECK(got.adapter_scale == 2.0f);
  CHECK_FALSE(round_trip(EmbedFrame{}).request.pooling.has_value());
  EmbeddingFrame answer{{9, {0.5f, -1.0f}, 1, 2, 7, true, false, ErrorCode::internal, ""}, false};
  const EmbeddingFrame read = round_trip(answer);
  CHECK(read.result.values == answer.result.values);
  CHECK(read.result.rows == 1);
  CHECK(read.result.width == 2);
  CHECK(read.result.input_tokens == 7);
  CHECK(read.result.is_truncated);
  CHECK_FALSE(read.is_final);
  answer.result.has_failed = true;
  answer.result.error = ErrorCode::unavailable;
  answer.result.message = "why";
  CHECK(round_trip(answer).result.message == "why");
  CHECK(round_trip(answer).result.error == ErrorCode::unavailable);
}

TEST_CASE("frames: generate") {
  const GenerationRequest want = full_request();
  const GenerateFrame frame = round_trip(GenerateFrame{want, ""});
  CHECK(frame.unsupported.empty());
  const GenerationRequest& got = frame.request;
  CHECK(got.id == want.id);
  REQUIRE(got.prompt.size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(got.prompt[i].text == want.prompt[i].text);
    CHECK(got.prompt[i].is_trusted == want.prompt[i].is_trusted);
    CHECK(got.prompt[i].tokens == want.prompt[i].tokens);
  }
  CHECK(got.sampling.temperature == want.sampling.temperature);
  CHECK(got.sampling.top_k == -1);
  CHECK(got.sampling.seed == -1);
  CHECK(got.sampling.repeat_penalty == want.sampling.repeat_penalty);
  REQUIRE(got.sampling.logit_bias.size() == 2);
  CHECK(got.sampling.logit_bias[0].bias == -std::numeric_limits<float>::infinity());
  CHECK(got.sampling.logit_bias[1].token == 6);
  CHECK(got.sampling.top_n_sigma == 1.5f);
  CHECK(got.sampling.dry_sequence_breakers == want.sampling.dry_sequence_breakers);
  CHECK(got.sampling.mirostat == 2);
  CHECK(got.sampling.logprobs == 20);
  CHECK(got.sampling.stages == want.sampling.stages);
  CHECK(got.tokens_max == -1);
  CHECK(got.stop == want.stop);
  CHECK(got.context_tokens == want.context_tokens);
  CHECK(got.truncate);
  CHECK(got.shift);
  CHECK(got.keep_tokens == 4);
  CHECK(got.tenant == "t");
  CHECK(got.adapter == 2);
  CHECK(got.adapter_scale == 0.5f);
  CHECK(got.return_tokens);
  CHECK(got.shown_tokens == want.shown_tokens);
}

TEST_CASE("frames: events, calls and the rest") {
  GenerationEvent event;
  event.id = 3;
  event.text = "\u00fc";
  event.is_final = true;
  event.finish = FinishReason::failed;
  event.timings = {1, 2, 3, 4, 5, {6, 7}};
  event.error = ErrorCode::out_of_memory;
  event.message = "m";
  event.tokens = {9, 8};
  GenerationEvent piece;
  piece.id = 4;
  piece.text = "x";
  piece.log_probs = {{{7, -0.5f, "x"}, {8, -1.5f, "\xc3"}}, {}, {{9, -2, ""}}};
  const EventsFrame got = round_trip(EventsFrame{{event, piece}});
  REQUIRE(got.events.size() == 2);
  CHECK(got.events[0].text == "\u00fc");
  CHECK(got.events[0].finish == FinishReason::failed);
  CHECK(got.events[0].timings.generation_ns == 5);
  CHECK(got.events[0].timings.cached_prompt_tokens == 2);
  CHECK(got.events[0].timings.guesses.accepted == 7);
  CHECK(got.events[0].error == ErrorCode::out_of_memory);
  CHECK(got.events[0].message == "m");
  CHECK(got.events[0].tokens == std::vector<TokenId>{9, 8});
  CHECK_FALSE(got.events[1].is_final);
  CHECK(got.events[0].log_probs.empty());
  REQUIRE(got.events[1].log_probs.size() == 3);
  CHECK(got.events[1].log_probs[0][1].piece == "\xc3");
  CHECK(got.events[1].log_probs[0][1].value == -1.5f);
  CHECK(got.events[1].log_probs[1].empty());
  CHECK(got.events[1].log_probs[2][0].id == 9);

  CHECK(round_trip(CancelFrame{5}).id == 5);
  CHECK(round_trip(TokenizeFrame{5, full_request().prompt}).prompt.size() == 3);
  CHECK_FALSE(round_trip(TokenizeFrame{5, {}, false}).as_prompt);
  CHECK(round_trip(DetokenizeFrame{5, {}}).tokens.empty());
  CHECK(round_trip(StatsRequestFrame{5}).call == 5);
  CHECK(round_trip(PingFrame{5}).call == 5);
  CHECK(round_trip(TokensFrame{5, {1, 2}}).tokens == std::vector<TokenId>{1, 2});
  CHECK(round_trip(TextFrame{5, "raw \xff"}).text == "raw \xff");
  CHECK(round_trip(StatsFrame{5, {1, 2, 3, 4, 5, 6, 7, 8}}).stats.steps == 6);
  CHECK(round_trip(FailedFrame{5, ErrorCode::cancelled, "f"}).code == ErrorCode::cancelled);
  CHECK(round_trip(PongFrame{5, 6, 7, 8, true}).waits_for_lease);
  CHECK(round_trip(FatalFrame{ErrorCode::internal, "f"}).message == "f");
  round_trip(ShutdownFrame{});
  round_trip(CancelLoadFrame{});
}

TEST_CASE("frames: what version 1 cannot do is named, never ignored") {
  using nlohmann::json;
  const auto unsupported = [](const json& map) {
    return std::get<GenerateFrame>(decode_frame(cbor(map))).unsupported;
  };
  CHECK(unsupported({{"frame", "generate"}, {"prompt", {{{"image", 0}}}}}) ==
        "a picture in the prompt");
  CHECK(unsupported({{"frame", "generate"}, {"prompt", {{{"audio", 0}}}}}) ==
        "sound in the prompt");
}

TEST_CASE("frames: a constraint travels, an empty one is none") {
  using nlohmann::json;
  const auto read = [](const json& constraint) {
    const json map{{"frame", "generate"}, {"constraint", constraint}};
    return std::get<GenerateFrame>(decode_frame(cbor(map))).request.constraint;
  };
  CHECK_FALSE(read(json::object()));
  CHECK(read({{"grammar", {{"kind", "json"}}}}) == ConstraintSpec{});
  ConstraintSpec spec{"<t>", "</t>", true, "<call>", {GrammarKind::gbnf, "root ::= a", true}, 7};
  for (const GrammarKind kind :
       {GrammarKind::json_object, GrammarKind::json_schema, GrammarKind::gbnf, GrammarKind::regex,
        GrammarKind::tag, GrammarKind::anything})
    spec.grammar.parts.push_back({kind, "text", false, {}, "a"});
  GenerateFrame frame;
  frame.request.constraint = spec;
  CHECK(std::get<GenerateFrame>(decode_frame(encode_frame(frame))).request.constraint == spec);
  CHECK_THROWS_AS(read("json"), Error);
  CHECK_THROWS_AS(read({{"grammar", "g"}}), Error);
  CHECK_THROWS_AS(read({{"grammar", {{"kind", "lark"}}}}), Error);
}

TEST_CASE("frames: wrong kinds are refused, unknown keys are not") {
  using nlohmann::json;
  const auto fails = [](const json& map) { CHECK_THROWS_AS(decode_frame(cbor(map)), Error); };
  CHECK_NOTHROW(decode_frame(cbor({{"frame", "ping"}, {"new", {1, 2}}})));
  fails(json::array({1}));
  fails(7);
  for (const std::vector<uint8_t>& bytes : {std::vector<uint8_t>{1, 0},
                                            {1, 0, 0, 0, 5},
                                            {1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0}}) {
    fails({{"frame", "events"}, {"events", {{{"log_probs", json::binary(bytes)}}}}});
  }
  fails({{"call", 1}});
  fails({{"frame", 5}});
  fails({{"frame", "no such"}});
  fails({{"frame", "ping"}, {"call", -1}});
  fails({{"frame", "ping"}, {"call", "x"}});
  fails({{"frame", "load"}, {"options", 5}});
  fails({{"frame", "load"}, {"options", {{"threads", int64_t{1} << 40}}}});
  fails({{"frame", "load"}, {"options", {{"kv_type", "q9"}}}});
  fails({{"frame", "generate"}, {"stop", {1, 2}}});
  fails({{"frame", "generate"}, {"prompt", {1}}});
  fails({{"frame", "generate"}, {"sampling", {{"top_p", "x"}}}});
  fails({{"frame", "tokens"}, {"tokens", json::binary({1, 2, 3})}});
  fails({{"frame", "events"}, {"events", {{{"text", "\xff"}}}}});
}

TEST_CASE("frames: too large a frame is refused by the sender") {
  TokenizeFrame frame;
  frame.prompt.push_back({std::string(frame_bytes_max, 'x'), false, {}});
  CHECK_THROWS_WITH(encode_frame(frame),
                    Catch::Matchers::Contains("at most 16777216 are possible"));
}

TEST_CASE("frames: changed and random bytes are a frame or an error, nothing else") {
  std::mt19937 random(1);
  const std::vector<std::byte> good = encode_frame(GenerateFrame{full_request(), ""});
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::byte> bytes = good;
    if (round % 2 == 0) {
      bytes.resize(random() % good.size());
      for (std::byte& byte : bytes) byte = std::byte(random());
    } else {
      for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = std::byte(random());
      if (round % 5 == 0) bytes.resize(random() % (bytes.size() + 1));
    }
    try {
      decode_frame(bytes);
    } catch (const Error& error) {
      ++refused;
      REQUIRE(error.code() == ErrorCode::corrupt_data);
    }
  }
  CHECK(refused > 10'000);
}
