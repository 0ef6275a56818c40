// Vectors from whole engines: batches without padding, long inputs, refusals, beside answers.
#include "engine/engine/embedding_loop.h"

#include <catch2/catch.hpp>
#include <future>
#include <map>
#include <random>

#include "tests/support/answers.h"
#include "tests/support/gguf_files.h"
#include "tests/support/shared.h"
#include "tests/support/speaking_model.h"

namespace hearth::engine {
namespace {

using testing::Answers;
using testing::open_gguf;
using testing::SpeakingModel;
using testing::SpeakingModelOptions;

struct Subject {
  explicit Subject(const SpeakingModelOptions& model, int32_t step_tokens = 64)
      : engine(Engine::open(std::make_unique<GgufFile>(open_gguf(SpeakingModel(model).bytes())),
                            {.threads = 1, .sequences_max = 4, .step_tokens = step_tokens},
                            answers.sink(), {})) {}

  std::future<EmbeddingResult> start(EmbeddingRequest request) {
    auto promise = std::make_shared<std::promise<EmbeddingResult>>();
    std::future<EmbeddingResult> future = promise->get_future();
    request.id = ++last_id;
    engine->embed(std::move(request),
                  [promise](EmbeddingResult result) { promise->set_value(std::move(result)); });
    return future;
  }

  EmbeddingResult ask(EmbeddingRequest request) { return start(std::move(request)).get(); }

  Answers answers;
  std::unique_ptr<Engine> engine;  // before answers goes
  RequestId last_id = 1000;
};

EmbeddingRequest of_tokens(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  EmbeddingRequest request;
  std::vector<TokenId> tokens(count);
  for (TokenId& token : tokens)
    token = static_cast<TokenId>(3 + random() % (testing::speaking_vocab_size - 3));
  request.input = {{"", false, tokens}};
  return request;
}

const std::vector<SpeakingModelOptions> models = {
    {},
    {.architecture = "gemma3", .layers = 7, .window = 40},
    {.architecture = "gemma-embedding", .layers = 7, .window = 40}};

}  // namespace

TEST_CASE("a vector is the same bits alone and in a crowd, with every pooling") {
  for (const SpeakingModelOptions& model : models) {
    Subject subject(model);
    for (const Pooling pooling : {Pooling::none, Pooling::mean, Pooling::cls, Pooling::last}) {
      std::vector<EmbeddingRequest> requests;
      std::vector<EmbeddingResult> alone;
      for (uint32_t i = 0; i < 12; ++i) {
        requests.push_back(of_tokens(1 + i * i, i));
        requests.back().pooling = pooling;
        alone.push_back(subject.ask(requests.back()));
      }
      GenerationRequest answer;
      answer.id = subject.last_id + 500;
      answer.prompt = {{"abc", false, {}}};
      answer.tokens_max = 20;
      subject.engine->submit(answer);
      std::vector<std::future<EmbeddingResult>> together;
      for (const EmbeddingRequest& request : requests) together.push_back(subject.start(request));
      for (size_t i = 0; i < requests.size(); ++i) {
        const EmbeddingResult result = together[i].get();
        INFO(model.architecture << ", " << to_string(pooling) << ", input " << i);
        CHECK(result.message == "");
        CHECK(result.values == alone[i].values);
        CHECK(result.width == 64);
        CHECK(result.input_tokens == static_cast<int64_t>(1 + i * i));
        CHECK(result.rows == (pooling == Pooling::none ? result.input_tokens : 1));
      }
      const testing::Answer end = subject.answers.wait(answer.id);
      const bool can_generate = model.architecture != "gemma-embedding";
      CHECK((end.last.finish != FinishReason::failed) == can_generate);
    }
  }
}

TEST_CASE("pooled vectors are those of the rows") {
  Subject subject(models.back());
  EmbeddingRequest request = of_tokens(150, 9);
  request.pooling = Pooling::none;
  const EmbeddingResult rows = subject.ask(request);
  const auto row = [&](size_t index) {
    return std::vector<float>(rows.values.begin() + static_cast<std::ptrdiff_t>(64 * index),
                              rows.values.begin() + static_cast<std::ptrdiff_t>(64 * index + 64));
  };
  request.pooling = Pooling::cls;
  CHECK(subject.ask(request).values == row(0));
  request.pooling = Pooling::last;
  CHECK(subject.ask(request).values == row(149));
  request.pooling = Pooling::mean;
  request.normalize = true;
  double squares = 0;
  for (float value : subject.ask(request).values) squares += static_cast<double>(value) * value;
  CHECK(squares == Approx(1.0).margin(1e-6));
  request.pooling = Pooling::rank;
  CHECK_THAT(subject.ask(request).message, Catch::Contains("no reranker"));
}

TEST_CASE("inputs of 8192 tokens need no flag, longer ones are refused or cut") {
  for (const SpeakingModelOptions& model : models) {
    SpeakingModelOptions longer = model;
    longer.context_tokens = 8192;
    longer.layers = 1;
    Subject subject(longer, 512);
    INFO(model.architecture);
    const EmbeddingResult whole = subject.ask(of_tokens(8192, 1));
    CHECK(whole.message == "");
    CHECK(whole.input_tokens == 8192);
    EmbeddingRequest over = of_tokens(8200, 1);
    const EmbeddingResult refused = subject.ask(over);
    CHECK(refused.has_failed);
    CHECK(refused.error == ErrorCode::invalid_argument);
    CHECK_THAT(refused.message, Catch::Contains("8200 tokens") && Catch::Contains("8192"));
    over.truncate = true;
    const EmbeddingResult cut = subject.ask(over);
    CHECK(cut.is_truncated);
    CHECK(cut.input_tokens == 8192);
    CHECK(cut.values == whole.values);
  }
}

TEST_CASE("tokens see both ways: everything, or half a window to each side") {
  for (const int64_t window : {int64_t{0}, int64_t{40}, int64_t{41}}) {
    Subject subject({.architecture = "gemma-embedding", .layers = 1, .window = window});
    // Over two segments of pages.
    EmbeddingRequest request = of_tokens(1100, 3);
    request.pooling = Pooling::none;
    const std::vector<float> before = subject.ask(request).values;
    for (const size_t changed : {size_t{0}, size_t{530}, size_t{1099}}) {
      EmbeddingRequest other = request;
      TokenId& token = other.input[0].tokens[changed];
      token = token == 5 ? 6 : 5;
      const std::vector<float> after = subject.ask(other).values;
      for (size_t row = 0; row < 1100; ++row) {
        const size_t distance = row > changed ? row - changed : changed - row;
        const bool is_same = std::equal(before.begin() + static_cast<std::ptrdiff_t>(64 * row),
                                        before.begin() + static_cast<std::ptrdiff_t>(64 * row + 64),
                                        after.begin() + static_cast<std::ptrdiff_t>(64 * row));
        INFO("window " << window << ", token " << changed << ", row " << row);
        REQUIRE(is_same == (window > 0 && distance > 20));
      }
    }
  }
}

TEST_CASE("text, empty inputs, cancelling") {
  Subject subject(models.front());
  EmbeddingRequest text;
  text.input = {{"hello", false, {}}};
  const EmbeddingResult result = subject.ask(text);
  CHECK(result.values.size() == 64);
  CHECK(result.input_tokens >= 6);
  EmbeddingRequest wrong;
  wrong.input = {{"", false, {100000}}};
  CHECK_THAT(subject.ask(wrong).message, Catch::Contains("outside the vocabulary"));
  CHECK(subject.ask({}).has_failed);
  std::vector<std::future<EmbeddingResult>> many;
  for (uint32_t i = 0; i < 200; ++i) many.push_back(subject.start(of_tokens(300, i)));
  subject.engine->cancel(subject.last_id);
  CHECK(many.back().get().error == ErrorCode::cancelled);
  CHECK(many.front().get().values.size() == 64);
  subject.engine.reset();
  // Everybody was answered.
  for (size_t i = 1; i + 1 < many.size(); ++i)
    CHECK(many[i].wait_for(std::chrono::seconds(0)) == std::future_status::ready);
}

}  // namespace hearth::engine
