#include "engine/engine/vocabulary_engine.h"

#include <utility>

#include "engine/engine/prompt.h"
#include "engine/tokenizer/tokenizer.h"

namespace hearth::engine {
namespace {

constexpr const char* refusal = "only the vocabulary of this model is loaded";

class VocabularyEngine final : public Engine {
 public:
  VocabularyEngine(std::unique_ptr<const Tokenizer> tokenizer, EventSink sink)
      : tokenizer_(std::move(tokenizer)), sink_(std::move(sink)) {}

  void submit(GenerationRequest request) override {
    GenerationEvent event;
    event.id = request.id;
    event.is_final = true;
    event.finish = FinishReason::failed;
    event.error = ErrorCode::unsupported;
    event.message = refusal;
    sink_(std::move(event));
  }
  void embed(EmbeddingRequest request, EmbeddingSink sink) override {
    EmbeddingResult result;
    result.id = request.id;
    result.has_failed = true;
    result.error = ErrorCode::unsupported;
    result.message = refusal;
    sink(std::move(result));
  }
  void cancel(RequestId) override {}
  std::vector<TokenId> tokenize(std::span<const PromptPart> parts, bool as_prompt) const override {
    return as_prompt ? tokenize_prompt(*tokenizer_, parts) : tokenize_parts(*tokenizer_, parts);
  }
  std::string detokenize(std::span<const TokenId> tokens) const override {
    return tokenizer_->decode(tokens, true, Tidying::none);
  }
  EngineStats stats() const override { return {}; }

 private:
  const std::unique_ptr<const Tokenizer> tokenizer_;
  const EventSink sink_;
};

}  // namespace

std::unique_ptr<Engine> open_vocabulary_engine(const GgufFile& file, Engine::EventSink sink) {
  return std::make_unique<VocabularyEngine>(make_tokenizer(file), std::move(sink));
}

}  // namespace hearth::engine
