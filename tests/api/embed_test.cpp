// Requests for vectors and for tokens, in both dialects, and their replies.
#include <catch2/catch.hpp>
#include <string>

#include "api/native.h"
#include "api/openai.h"
#include "base/error.h"

using namespace hearth;

namespace {

api::EmbedReply two_vectors() {
  api::EmbedReply reply;
  reply.vectors = {{1.0F, -0.5F}, {0.0F, 2.0F}};
  reply.input_tokens = {3, 4};
  reply.load_ns = 5;
  reply.total_ns = 9;
  return reply;
}

}  // namespace

TEST_CASE("native embed requests: a text, several, none") {
  const auto one = api::read_native_embed(R"({"model":"m","input":"hi","dimensions":2})");
  REQUIRE(one.inputs.size() == 1);
  CHECK(one.inputs[0].text == "hi");
  CHECK(one.truncate);
  CHECK(one.normalize);
  CHECK(one.dimensions == 2);
  const auto two = api::read_native_embed(
      R"({"model":"m","input":["a",""],"truncate":false,"keep_alive":0,"options":{"nonsense":1}})");
  CHECK(two.inputs.size() == 2);
  CHECK_FALSE(two.truncate);
  CHECK(two.keep_alive == api::Duration(0));
  CHECK(two.warnings.size() == 1);
  for (const char* none : {R"({"model":"m"})", R"({"model":"m","input":""})",
                           R"({"model":"m","input":[]})", R"({"model":"m","input":null})"}) {
    CHECK(api::read_native_embed(none).inputs.empty());
  }
  CHECK_THROWS_WITH(api::read_native_embed(R"({"model":"m","input":[1]})"),
                    Catch::Contains("array of strings"));
  CHECK_THROWS_WITH(api::read_native_embed(R"({"model":"m","input":{"a":1}})"),
                    Catch::Contains("input"));
  CHECK_THROWS_WITH(api::read_native_embed(R"({"model":"m","input":"a","dimensions":-1})"),
                    Catch::Contains("dimensions"));
}

TEST_CASE("the old endpoint has one prompt and leaves vectors as they are") {
  const auto request = api::read_native_embeddings(R"({"model":"m","prompt":"hi"})");
  REQUIRE(request.inputs.size() == 1);
  CHECK_FALSE(request.normalize);
  CHECK(api::read_native_embeddings(R"({"model":"m"})").inputs.empty());
  CHECK_THROWS_AS(api::read_native_embeddings(R"({"prompt":"hi"})"), Error);
  CHECK(api::write_native_embeddings(two_vectors()) == R"({"embedding":[1.0,-0.5]})");
  CHECK(api::write_native_embeddings({}) == R"({"embedding":[]})");
}

TEST_CASE("native embed replies") {
  api::EmbedRequest request;
  request.model = "m";
  CHECK(api::write_native_embed(request, two_vectors()) ==
        R"({"model":"m","embeddings":[[1.0,-0.5],[0.0,2.0]],"total_duration":9,)"
        R"("load_duration":5,"prompt_eval_count":7})");
  CHECK(api::write_native_embed(request, {}) == R"({"model":"m","embeddings":[]})");
}

TEST_CASE("OpenAI embeddings: texts, token ids, both encodings") {
  const auto texts = api::read_openai_embeddings(R"({"model":"m","input":["a",""]})");
  CHECK(texts.inputs.size() == 2);
  CHECK_FALSE(texts.is_base64);
  const auto tokens = api::read_openai_embeddings(R"({"model":"m","input":[1,2]})");
  REQUIRE(tokens.inputs.size() == 1);
  CHECK(tokens.inputs[0].tokens == std::vector<int32_t>{1, 2});
  CHECK(api::read_openai_embeddings(R"({"model":"m","input":[[1],[2,3]]})").inputs.size() == 2);
  auto base64 = api::read_openai_embeddings(
      R"({"model":"m","input":"","encoding_format":"base64","dimensions":2})");
  CHECK(base64.inputs.size() == 1);
  CHECK(base64.dimensions == 2);
  CHECK(api::write_openai_embeddings(base64, two_vectors()) ==
        R"({"object":"list","data":[{"object":"embedding","embedding":"AACAPwAAAL8=","index":0},)"
        R"({"object":"embedding","embedding":"AAAAAAAAAEA=","index":1}],"model":"m",)"
        R"("usage":{"prompt_tokens":7,"total_tokens":7}})");
  for (const char* wrong :
       {R"({"model":"m"})", R"({"model":"m","input":[]})", R"({"model":"m","input":null})",
        R"({"model":"m","input":5})", R"({"model":"m","input":[-1]})",
        R"({"model":"m","input":[[]]})", R"({"model":"m","input":["a",1]})", R"({"input":"a"})",
        R"({"model":"m","input":"a","encoding_format":"hex"})"}) {
    INFO(wrong);
    CHECK_THROWS_AS(api::read_openai_embeddings(wrong), Error);
  }
}

TEST_CASE("tokenize and detokenize") {
  const auto request = api::read_native_tokenize(R"({"model":"m","text":"hi","special":true})");
  CHECK(request.text == "hi");
  CHECK(request.with_special);
  CHECK(api::read_native_tokenize(R"({"model":"m","content":""})").text.empty());
  CHECK_THROWS_WITH(api::read_native_tokenize(R"({"model":"m"})"), Catch::Contains("text"));
  CHECK(api::read_native_detokenize(R"({"model":"m","tokens":[5]})").tokens ==
        std::vector<int32_t>{5});
  CHECK_THROWS_WITH(api::read_native_detokenize(R"({"model":"m"})"), Catch::Contains("tokens"));
  CHECK(api::write_native_tokenize("m", {4, 5}) == R"({"model":"m","tokens":[4,5],"count":2})");
  CHECK(api::write_native_detokenize("m", "x") == R"({"model":"m","content":"x"})");
}
