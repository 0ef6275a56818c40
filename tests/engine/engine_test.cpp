// Answers of whole engines: the same text whatever else is running, cached, cut or preempted.
#include "engine/engine.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "base/error.h"
#include "base/utf8.h"
#include "engine/gguf/reader.h"
#include "tests/support/adapter_files.h"
#include "tests/support/answers.h"
#include "tests/support/engine_subject.h"
#include "tests/support/gguf_files.h"
#include "tests/support/shared.h"
#include "tests/support/speaking_model.h"

using namespace hearth;
using namespace hearth::engine;
using namespace hearth::testing;

namespace {

std::string letters(std::mt19937& random, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += static_cast<char>('a' + random() % 26);
  return text;
}

// Prompts that share beginnings of several lengths, half of them sampled with a seed.
std::vector<GenerationRequest> crowd(size_t count, uint32_t seed, int64_t tokens_max) {
  std::mt19937 random(seed);
  const std::string beginnings[] = {letters(random, 150), letters(random, 45), ""};
  std::vector<GenerationRequest> requests;
  for (size_t i = 0; i < count; ++i) {
    GenerationRequest request;
    request.id = 100 + i;
    request.prompt = {{beginnings[random() % 3], true, {}},
                      {letters(random, 1 + random() % 90), false, {}}};
    request.tokens_max = tokens_max;
    request.sampling.temperature = i % 2 == 0 ? 0.0f : 1.0f;
    request.sampling.seed = static_cast<int64_t>(i);
    // A random model would end at random: the end-of-sequence token is forbidden.
    request.sampling.logit_bias = {{2, -std::numeric_limits<float>::infinity()}};
    request.return_tokens = true;
    requests.push_back(request);
  }
  return requests;
}

// Each request in an engine where nothing else runs and nothing can be taken from the cache.
std::vector<std::vector<TokenId>> alone(Subject& subject, std::vector<GenerationRequest> requests) {
  std::vector<std::vector<TokenId>> answers;
  for (GenerationRequest& request : requests) {
    request.tenant = "alone " + std::to_string(request.id);
    const Answer answer = subject.ask(request);
    REQUIRE(answer.last.timings.cached_prompt_tokens == 0);
    answers.push_back(answer.last.tokens);
  }
  return answers;
}

void require_same(Subject& subject, const std::vector<GenerationRequest>& requests,
                  const std::vector<std::vector<TokenId>>& expected) {
  // However slow this thread is, all of them run at once.
  GenerationRequest first;
  first.id = requests.front().id + 500;
  first.prompt = {{"", true, {5}}};
  first.tokens_max = 1;
  subject.answers.hold(true);
  subject.engine->submit(first);
  for (const GenerationRequest& request : requests) subject.engine->submit(request);
  subject.answers.hold(false);
  for (size_t i = 0; i < requests.size(); ++i) {
    const Answer answer = subject.answers.wait(requests[i].id);
    CAPTURE(i);
    REQUIRE(answer.finals == 1);
    REQUIRE(answer.last.finish != FinishReason::failed);
    REQUIRE(answer.last.tokens == expected[i]);
  }
}

const SpeakingModelOptions plain_model{};
const SpeakingModelOptions window_model{.architecture = "gemma3", .layers = 7, .window = 40};

}  // namespace

TEST_CASE("64 requests at once are answered as each alone") {
  for (const SpeakingModelOptions& model : {plain_model, window_model}) {
    const KernelTable cautious = cautious_kernels();
    for (const KernelTable* kernels : {find_kernels(""), &cautious}) {
      EngineOptions options = small_steps();
      options.kernels = kernels;
      const std::vector<GenerationRequest> requests = crowd(64, 7, 12);
      Subject lonely(model, options);
      const std::vector<std::vector<TokenId>> expected = alone(lonely, requests);
      Subject busy(model, options);
      require_same(busy, requests, expected);
      // Again, now with everything cached.
      std::vector<GenerationRequest> again = requests;
      for (GenerationRequest& request : again) request.id += 1000;
      require_same(busy, again, expected);
      const EngineStats stats = busy.engine->stats();
      REQUIRE(stats.running == 0);
      REQUIRE(stats.waiting == 0);
      REQUIRE(stats.preemptions == 0);
    }
  }
}

TEST_CASE("equal beginnings are computed once") {
  Subject subject(plain_model, small_steps());
  std::mt19937 random(3);
  GenerationRequest request;
  request.id = 1;
  request.prompt = {{letters(random, 200), true, {}}};
  request.tokens_max = 1;
  const Timings first = subject.ask(request).last.timings;
  REQUIRE(first.cached_prompt_tokens == 0);
  request.id = 2;
  const Timings second = subject.ask(request).last.timings;
  REQUIRE(second.prompt_tokens == first.prompt_tokens);
  REQUIRE(second.cached_prompt_tokens == first.prompt_tokens - 1);
  request.id = 3;
  request.tenant = "somebody else";
  REQUIRE(subject.ask(request).last.timings.cached_prompt_tokens == 0);
}

TEST_CASE("equal prompts at the same time are read once") {
  Subject subject(plain_model, small_steps());
  std::mt19937 random(4);
  const std::string system = letters(random, 700);
  int64_t computed = 0;
  for (RequestId id = 1; id <= 16; ++id) {
    GenerationRequest request;
    request.id = id;
    request.prompt = {{system + letters(random, 20), true, {}}};
    request.tokens_max = 5;
    subject.engine->submit(request);
  }
  for (RequestId id = 1; id <= 16; ++id) {
    const Timings timings = subject.answers.wait(id).last.timings;
    computed += timings.prompt_tokens - timings.cached_prompt_tokens;
  }
  // Once the beginning, sixteen times the rest; not sixteen times 700.
  REQUIRE(computed < 3 * 720);
}

TEST_CASE("the size of steps and the threads do not change the answer") {
  for (const SpeakingModelOptions& model : {plain_model, window_model}) {
    const std::vector<GenerationRequest> requests = crowd(6, 11, 12);
    EngineOptions options = small_steps();
    Subject reference(model, options);
    const std::vector<std::vector<TokenId>> expected = alone(reference, requests);
    for (const int32_t step_tokens : {40, 71, 97, 300}) {
      options.step_tokens = step_tokens;
      options.sequences_max = 6;
      options.threads = step_tokens % 2 == 0 ? 1 : 3;
      Subject subject(model, options);
      require_same(subject, requests, expected);
    }
  }
}

TEST_CASE("a cache too small for all changes nothing but the time") {
  const KernelTable cautious = cautious_kernels();
  const std::pair<SpeakingModelOptions, const KernelTable*> cases[] = {
      {plain_model, &cautious}, {window_model, find_kernels("")}};
  for (const auto& [model, kernels] : cases) {
    // Started when 256 tokens of their answers have room, they go on to 450.
    const std::vector<GenerationRequest> requests = crowd(5, 13, 450);
    EngineOptions options = small_steps();
    options.kernels = kernels;
    options.context_tokens = 900;
    Subject roomy(model, options);
    const std::vector<std::vector<TokenId>> expected = alone(roomy, requests);
    options.cache_bytes = roomy.engine->stats().cache_bytes * 3 / 4;
    Subject tight(model, options);
    REQUIRE(tight.engine->stats().context_tokens == 900);
    require_same(tight, requests, expected);
    REQUIRE(tight.engine->stats().preemptions > 0);
  }
}

TEST_CASE("a prompt that does not fit is refused with both counts or truncated") {
  EngineOptions options = small_steps();
  options.context_tokens = 64;
  Subject subject(plain_model, options);
  std::mt19937 random(5);
  GenerationRequest request;
  request.id = 1;
  request.prompt = {{letters(random, 100), true, {}}};
  request.return_tokens = true;
  const Answer refused = subject.ask(request);
  REQUIRE(refused.last.finish == FinishReason::failed);
  REQUIRE(refused.last.error == ErrorCode::invalid_argument);
  // <s>, the space in front of the text, the letters.
  REQUIRE(refused.last.message ==
          "prompt is 102 tokens, but the context length is 64 tokens, all that this model has "
          "here: shorten it, or send \"truncate\": true");

  request.id = 2;
  request.truncate = true;
  request.keep_tokens = 5;
  const Answer cut = subject.ask(request);
  REQUIRE(cut.last.timings.prompt_tokens == 56);
  REQUIRE(cut.last.finish != FinishReason::failed);
  const std::vector<TokenId> whole = subject.engine->tokenize(request.prompt, true);
  REQUIRE(std::equal(whole.begin(), whole.begin() + 5, cut.last.tokens.begin()));
  REQUIRE(std::equal(whole.end() - 51, whole.end(), cut.last.tokens.begin() + 5));
}

TEST_CASE("a full context shifts where that was asked for, and as if the rest were a new prompt") {
  for (const SpeakingModelOptions& model : {plain_model, window_model}) {
    EngineOptions options = small_steps();
    options.context_tokens = 64;
    Subject subject(model, options);
    GenerationRequest request = crowd(1, 3, 150).front();
    std::mt19937 random(3);
    request.prompt = {{letters(random, 30), true, {}}};
    request.shift = true;
    request.keep_tokens = 7;
    request.sampling.logprobs = 0;  // tells the ids of all tokens
    const Answer shifted = subject.ask(request);
    REQUIRE(shifted.last.finish == FinishReason::length);
    REQUIRE(shifted.last.timings.generated_tokens == 150);
    REQUIRE(shifted.last.tokens.size() < 64);

    // The same by hand: until the context is full, then with 7 tokens and half of the others.
    request.shift = false;
    request.tenant = "by hand";
    std::vector<std::vector<LogProb>> rows;
    int64_t generated = 0;
    while (generated < 150) {
      ++request.id;
      request.tokens_max = 150 - generated;
      const Answer part = subject.ask(request);
      generated += part.last.timings.generated_tokens;
      rows.insert(rows.end(), part.log_probs.begin(), part.log_probs.end());
      std::vector<TokenId> tokens = part.last.tokens;
      if (generated < 150) {
        REQUIRE(tokens.size() == 64);
        tokens.erase(tokens.begin() + 7, tokens.begin() + 7 + (64 - 7) / 2);
      } else {
        REQUIRE(tokens == shifted.last.tokens);
      }
      request.prompt = {{"", false, tokens}};
    }
    REQUIRE(rows.size() == 150);
    for (size_t i = 0; i < rows.size(); ++i) {
      REQUIRE(rows[i][0].id == shifted.log_probs[i][0].id);
      REQUIRE(rows[i][0].value == shifted.log_probs[i][0].value);
    }

    request.id = 500;
    request.shift = true;
    request.tokens_max = -1;
    REQUIRE(subject.ask(request).last.timings.generated_tokens == 640);
  }
}

TEST_CASE("log-probabilities come with every token of an answer") {
  Subject subject(plain_model, small_steps());
  GenerationRequest request;
  request.id = 1;
  request.prompt = {{"once upon a time", true, {}}};
  request.sampling.temperature = 0;
  request.sampling.logprobs = 3;
  request.sampling.dry_multiplier = 0.8f;
  // Control tokens have a name, but print nothing.
  for (const TokenId control : {0, 1, 2})
    request.sampling.logit_bias.push_back({control, -std::numeric_limits<float>::infinity()});
  request.tokens_max = 10;
  request.return_tokens = true;
  const Answer answer = subject.ask(request);
  REQUIRE(answer.last.finish == FinishReason::length);
  REQUIRE(answer.log_probs.size() == 10);
  const auto& tokens = answer.last.tokens;
  std::string joined;
  for (size_t i = 0; i < 10; ++i) {
    const auto& row = answer.log_probs[i];
    REQUIRE(row.size() == 4);
    REQUIRE(row[0].id == tokens[tokens.size() - 10 + i]);
    REQUIRE(row[0].value <= row[1].value);
    REQUIRE(row[1].value >= row[2].value);
    REQUIRE(row[1].value <= 0);
    joined += row[0].piece;
  }
  REQUIRE(repair_utf8(joined) == answer.text);
}

TEST_CASE("control tokens print nothing, but those that are asked for") {
  Subject subject(plain_model, small_steps());
  GenerationRequest request;
  request.id = 1;
  request.prompt = {{"once upon a time", true, {}}};
  request.sampling.temperature = 0;
  request.sampling.logprobs = 0;
  request.sampling.logit_bias.push_back({1, 1000.0F});
  request.tokens_max = 2;
  const Answer silent = subject.ask(request);
  REQUIRE(silent.text.empty());
  REQUIRE(silent.log_probs.size() == 2);
  const std::string name = silent.log_probs[0][0].piece;
  request.id = 2;
  request.shown_tokens = {"no such token", name};
  REQUIRE(subject.ask(request).text == name + name);
}

TEST_CASE("an answer ends by count, context or stop string, or does not begin") {
  Subject subject(plain_model, small_steps());
  GenerationRequest request;
  request.id = 1;
  request.prompt = {{"once upon a time", true, {}}};
  request.sampling.temperature = 0;
  request.tokens_max = 30;
  const Answer counted = subject.ask(request);
  REQUIRE(counted.last.finish == FinishReason::length);
  REQUIRE(counted.last.timings.generated_tokens == 30);
  REQUIRE(counted.last.timings.prompt_ns > 0);
  REQUIRE(counted.last.timings.generation_ns > 0);

  request.id = 2;
  request.tokens_max = -1;
  request.context_tokens = 50;
  request.return_tokens = true;
  const Answer full = subject.ask(request);
  REQUIRE(full.last.finish == FinishReason::length);
  REQUIRE(full.last.tokens.size() == 50);

  request.id = 3;
  REQUIRE(counted.text.size() > 6);
  request.stop = {counted.text.substr(4, 2)};
  const Answer stopped = subject.ask(request);
  REQUIRE(stopped.last.finish == FinishReason::stop);
  REQUIRE(stopped.text == counted.text.substr(0, counted.text.find(request.stop[0])));

  request.id = 4;
  request.tokens_max = 0;
  const Answer none = subject.ask(request);
  REQUIRE(none.last.finish == FinishReason::length);
  REQUIRE(none.last.timings.generated_tokens == 0);
  REQUIRE(none.last.timings.prompt_tokens == full.last.timings.prompt_tokens);
}

TEST_CASE("bad requests fail alone") {
  Subject subject(plain_model, small_steps());
  GenerationRequest good;
  good.id = 1;
  good.prompt = {{"hello", true, {}}};
  good.tokens_max = 200;
  subject.engine->submit(good);
  GenerationRequest bad = good;
  bad.id = 2;
  bad.prompt = {{"", true, {5, 100000}}};
  REQUIRE(subject.ask(bad).last.error == ErrorCode::invalid_argument);
  bad.id = 3;
  bad.prompt = good.prompt;
  bad.sampling.repeat_penalty = -1;
  REQUIRE(subject.ask(bad).last.error == ErrorCode::invalid_argument);
  REQUIRE(subject.answers.wait(1).last.finish != FinishReason::failed);
}

TEST_CASE("a cancelled request ends at once, in the queue, in its prompt, in its answer") {
  EngineOptions options = small_steps();
  options.sequences_max = 1;
  options.queue_max = 2;
  Subject subject({.context_tokens = 200000}, options);
  GenerationRequest request;
  request.prompt = {{"tell me everything", true, {}}};
  request.sampling.logit_bias = {{2, -std::numeric_limits<float>::infinity()}};
  request.id = 1;
  subject.engine->submit(request);
  request.id = 2;
  subject.engine->submit(request);
  request.id = 3;
  subject.engine->submit(request);
  request.id = 4;
  REQUIRE_THROWS_AS(subject.engine->submit(request), Error);

  subject.engine->cancel(2);
  REQUIRE(subject.answers.wait(2).last.finish == FinishReason::cancelled);
  subject.answers.wait_for_text(1);
  subject.engine->cancel(1);
  const Answer first = subject.answers.wait(1);
  REQUIRE(
      (first.last.finish == FinishReason::cancelled || first.last.finish == FinishReason::stop));
  subject.engine->cancel(12345);

  std::mt19937 random(6);
  subject.engine->cancel(3);
  subject.answers.wait(3);
  request.id = 5;
  request.prompt = {{letters(random, 150000), true, {}}};
  subject.engine->submit(request);
  while (subject.engine->stats().running == 0) std::this_thread::yield();
  subject.engine->cancel(5);
  const int64_t steps_before = subject.engine->stats().steps;
  REQUIRE(subject.answers.wait(5).last.finish == FinishReason::cancelled);
  REQUIRE(subject.answers.wait(5).last.timings.generated_tokens == 0);
  // The step that was running may end, no other begins.
  REQUIRE(subject.engine->stats().steps <= steps_before + 1);
  REQUIRE(subject.engine->stats().running == 0);
}

TEST_CASE("an engine that goes away ends every answer") {
  Answers answers;
  {
    std::unique_ptr<Engine> engine =
        Engine::open(std::make_unique<GgufFile>(open_gguf(SpeakingModel({}).bytes())),
                     small_steps(), answers.sink(), {});
    for (RequestId id = 1; id <= 100; ++id) {
      GenerationRequest request;
      request.id = id;
      request.prompt = {{"and then", true, {}}};
      engine->submit(request);
    }
  }
  for (RequestId id = 1; id <= 100; ++id) REQUIRE(answers.wait(id).finals == 1);
}

TEST_CASE("golden continuations of real models") {
  for (const char* name : {"stories260K/stories260K-f32", "babyllama-tok361/babyllama-tok361-f32",
                           "tinystories-656k/tinystories-656k-f32"}) {
    const auto path = shared_path(std::string("data/models/") + name + ".gguf");
    if (!path) {
      WARN("skipped: shared data is absent");
      return;
    }
    EngineOptions options = small_steps();
    options.kv_type = KvType::f32;
    Subject subject(GgufFile::open(*path), options);
    const nlohmann::json golden =
        nlohmann::json::parse(std::ifstream(path->parent_path() / "golden.json"));
    RequestId id = 1;
    for (const nlohmann::json& entry : golden["cases"]) {
      GenerationRequest request;
      request.id = id++;
      const auto prompt = entry["prompt_tokens"].get<std::vector<TokenId>>();
      const auto continuation = entry["continuation_tokens"].get<std::vector<TokenId>>();
      request.prompt = {{"", true, prompt}};
      request.sampling.temperature = 0;
      for (const nlohmann::json& token : entry["banned_tokens"]) {
        request.sampling.logit_bias.push_back(
            {token.get<TokenId>(), -std::numeric_limits<float>::infinity()});
      }
      request.tokens_max = static_cast<int64_t>(continuation.size());
      request.return_tokens = true;
      const Answer answer = subject.ask(request);
      CAPTURE(name, id, answer.text);
      std::vector<TokenId> expected = prompt;
      expected.insert(expected.end(), continuation.begin(), continuation.end());
      if (entry["ends_with_eos"].get<bool>() && answer.last.tokens.size() < expected.size())
        expected.pop_back();
      REQUIRE(answer.last.tokens == expected);
    }
  }
}

TEST_CASE("windows of a real architecture: cached and computed prefixes give the same answer") {
  const auto path = shared_path("oracle/archs/gemma3.gguf");
  if (!path) {
    WARN("skipped: shared data is absent");
    return;
  }
  Subject subject(GgufFile::open(*path), small_steps());
  const int32_t vocab = static_cast<int32_t>(
      subject.engine->tokenize(std::vector<PromptPart>{{"a", true, {}}}, true).size());
  REQUIRE(vocab > 0);
  std::mt19937 random(8);
  std::vector<GenerationRequest> requests;
  std::vector<TokenId> beginning;
  for (int i = 0; i < 90; ++i) beginning.push_back(static_cast<TokenId>(3 + random() % 200));
  for (RequestId id = 1; id <= 8; ++id) {
    GenerationRequest request;
    request.id = id;
    std::vector<TokenId> tokens(beginning.begin(),
                                beginning.begin() + 20 + static_cast<int64_t>(random() % 70));
    for (int i = 0; i < 30; ++i) tokens.push_back(static_cast<TokenId>(3 + random() % 200));
    request.prompt = {{"", true, tokens}};
    request.sampling.temperature = 0;
    request.tokens_max = 24;
    request.return_tokens = true;
    requests.push_back(request);
  }
  const std::vector<std::vector<TokenId>> expected = alone(subject, requests);
  int64_t cached = 0;
  for (size_t i = 0; i < requests.size(); ++i) {
    requests[i].id += 100;
    const Answer answer = subject.ask(requests[i]);
    cached += answer.last.timings.cached_prompt_tokens;
    REQUIRE(answer.last.tokens == expected[i]);
  }
  REQUIRE(cached > 0);
}

TEST_CASE("adapters are chosen per request, and their pages are not shared") {
  const std::string base = SpeakingModel(plain_model).bytes();
  TinyAdapter made;
  made.matrices = {"blk.0.attn_q", "blk.0.attn_v", "blk.1.ffn_down"};
  made.alpha = 40.0f;
  const auto adapter = [&] { return made.open(open_gguf(base)); };
  const auto ask = [](Subject& subject, uint64_t id, int32_t number, float scale) {
    GenerationRequest request = crowd(1, 4, 24).front();
    request.id = id;
    request.adapter = number;
    request.adapter_scale = scale;
    return subject.ask(request);
  };
  EngineCompanions companions;
  companions.adapters.push_back({std::make_unique<GgufFile>(adapter()), 1.0f});
  Subject with(open_gguf(base), small_steps(), std::move(companions));
  Subject without(open_gguf(base), small_steps());
  const Answer loaded = ask(with, 1, -1, 1.0f);
  CHECK(loaded.last.tokens != ask(without, 1, -1, 1.0f).last.tokens);
  const Answer again = ask(with, 2, 1, 1.0f);
  CHECK(again.last.tokens == loaded.last.tokens);
  CHECK(again.last.timings.cached_prompt_tokens > 0);
  // Nothing that the adapter computed serves the model alone, nor the same adapter at half
  // strength.
  const Answer alone = ask(with, 3, 0, 1.0f);
  CHECK(alone.last.timings.cached_prompt_tokens == 0);
  CHECK(alone.last.tokens == ask(without, 2, 0, 1.0f).last.tokens);
  CHECK(ask(with, 4, 1, 0.5f).last.timings.cached_prompt_tokens == 0);
  CHECK(ask(with, 5, 2, 1.0f).last.message == "adapter 2 is not loaded: there are 1");
  CHECK(ask(without, 3, 1, 1.0f).last.finish == FinishReason::failed);
}
