// The worker thread of an engine and the queue in front of it. What a step does is in
// engine/engine/step_loop.cpp.
#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "engine/backend/available_memory.h"
#include "engine/backend/thread_count.h"
#include "engine/engine/embedding_loop.h"
#include "engine/engine/prompt.h"
#include "engine/engine/step_loop.h"
#include "engine/engine/vocabulary_engine.h"
#include "engine/gguf/reader.h"
#include "engine/models/model_runner.h"
#include "engine/speculation/draft_model.h"
#include "engine/tokenizer/tokenizer.h"

namespace hearth::engine {
namespace {

// Unused cache memory goes back to the system when nobody asked for anything that long.
constexpr std::chrono::seconds rest_delay{5};

// A request on its way to the worker. With an error it only waits for its final event.
struct Submission {
  GenerationRequest request;
  std::vector<TokenId> tokens;
  std::optional<Error> error;
};

struct EmbeddingSubmission {
  EmbeddingRequest request;
  Engine::EmbeddingSink sink;
  std::vector<TokenId> tokens;
  std::optional<Error> error;
};

class WorkerEngine final : public Engine {
 public:
  struct Parts {
    std::unique_ptr<GgufFile> file;
    std::vector<EngineAdapter> adapters;
    std::unique_ptr<const Tokenizer> tokenizer;
    std::unique_ptr<ModelRunner> model;
    std::unique_ptr<GgufFile> draft_file;
    std::unique_ptr<DraftModel> draft;  // null: none
  };

  WorkerEngine(Parts parts, const KernelTable& kernels, const EngineOptions& options,
               const StepLoopOptions& loop, const EmbeddingLoopOptions& embedding, EventSink sink);
  ~WorkerEngine() override;

  void submit(GenerationRequest request) override;
  void embed(EmbeddingRequest request, EmbeddingSink sink) override;
  void cancel(RequestId id) override;
  std::vector<TokenId> tokenize(std::span<const PromptPart> parts, bool as_prompt) const override {
    return as_prompt ? tokenize_prompt(*parts_.tokenizer, parts)
                     : tokenize_parts(*parts_.tokenizer, parts);
  }
  std::string detokenize(std::span<const TokenId> tokens) const override {
    return parts_.tokenizer->decode(tokens, true, Tidying::none);
  }
  EngineStats stats() const override {
    std::lock_guard lock(mutex_);
    EngineStats stats = stats_;
    // Final events are out before the worker publishes: nobody runs who was told of his end.
    stats.running = std::min(stats.running, accepted_);
    stats.waiting = accepted_ + accepted_inputs_ - stats.running;
    return stats;
  }

 private:
  void work();
  bool wait_for_work();
  void take_commands();
  void take_inputs();
  bool has_unread_answers() const { return loop_ && loop_->has_unread_answers(); }
  void read_answers();
  bool has_work() const { return (loop_ && loop_->has_work()) || embeddings_.has_work(); }
  void publish_stats();
  void count_step() {
    std::lock_guard lock(mutex_);
    ++stats_.steps;
  }
  void emit(GenerationEvent event);
  void refuse(RequestId id, const Error& error);
  bool is_cancelled(RequestId id) const;

  Parts parts_;
  EngineOptions options_;
  EventSink sink_;
  // Worker only, both. A model that cannot generate has no step loop.
  std::optional<StepLoop> loop_;
  EmbeddingLoop embeddings_;

  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::vector<Submission> submissions_;
  std::vector<EmbeddingSubmission> inputs_;
  std::vector<RequestId> cancels_;
  int32_t accepted_ = 0;         // submitted, final event not yet emitted
  int32_t accepted_inputs_ = 0;  // the same for vectors
  bool is_stopping_ = false;
  EngineStats stats_;
  // Not zero when cancels_ or is_stopping_ may say something: spares the lock between operations.
  std::atomic<int32_t> cancel_count_{0};
  // Worker only; swapped with the vectors above so that both keep their storage.
  std::vector<Submission> taken_submissions_;
  std::vector<EmbeddingSubmission> taken_inputs_;
  std::vector<RequestId> taken_cancels_;
  std::thread worker_;
};

WorkerEngine::WorkerEngine(Parts parts, const KernelTable& kernels, const EngineOptions& options,
                           const StepLoopOptions& loop, const EmbeddingLoopOptions& embedding,
                           EventSink sink)
    : parts_(std::move(parts)),
      options_(options),
      sink_(std::move(sink)),
      embeddings_(*parts_.model, kernels, embedding) {
  if (parts_.model->vocab_size() > 0) {
    loop_.emplace(*parts_.model, *parts_.tokenizer, kernels, system_clock(), loop,
                  [this](GenerationEvent event) { emit(std::move(event)); });
    stats_.cache_bytes = loop_->cache_use().reserved_bytes;
  }
  stats_.weight_bytes = parts_.model->weight_bytes();
  if (parts_.draft) {
    stats_.cache_bytes += parts_.draft->cache_bytes();
    stats_.weight_bytes += parts_.draft->weight_bytes();
    loop_->set_draft(std::move(parts_.draft));
  }
  stats_.context_tokens = embedding.input_tokens_max;
  stats_.threads = options.threads;
  worker_ = std::thread([this] { work(); });
}

WorkerEngine::~WorkerEngine() {
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
    cancel_count_.fetch_add(1, std::memory_order_release);
  }
  changed_.notify_one();
  worker_.join();
}

void WorkerEngine::submit(GenerationRequest request) {
  {
    std::lock_guard lock(mutex_);
    if (accepted_ >= options_.sequences_max + options_.queue_max) {
      throw Error(ErrorCode::unavailable,
                  fmt::format("{} requests are being answered and {} are waiting: try again later",
                              options_.sequences_max, options_.queue_max));
    }
    ++accepted_;
  }
  // Here rather than by the worker: a long text or grammar would hold up everybody's answers.
  Submission submission{std::move(request), {}, std::nullopt};
  try {
    if (loop_ && submission.request.constraint) loop_->prepare(*submission.request.constraint);
    submission.tokens = tokenize_prompt(*parts_.tokenizer, submission.request.prompt);
  } catch (const Error& error) {
    submission.error = error;
  } catch (const std::bad_alloc&) {
    submission.error =
        Error(ErrorCode::out_of_memory, "no memory to read the prompt or its grammar: shorten it");
  }
  submission.request.prompt.clear();
  {
    std::lock_guard lock(mutex_);
    submissions_.push_back(std::move(submission));
  }
  changed_.notify_one();
}

void WorkerEngine::embed(EmbeddingRequest request, EmbeddingSink sink) {
  {
    std::lock_guard lock(mutex_);
    if (accepted_inputs_ >= options_.inputs_max) {
      throw Error(ErrorCode::unavailable,
                  fmt::format("{} inputs are waiting for their vectors: try again later",
                              options_.inputs_max));
    }
    ++accepted_inputs_;
  }
  EmbeddingSubmission submission{std::move(request), std::move(sink), {}, std::nullopt};
  try {
    submission.tokens = tokenize_input(*parts_.tokenizer, submission.request.input);
  } catch (const Error& error) {
    submission.error = error;
  } catch (const std::bad_alloc&) {
    submission.error =
        Error(ErrorCode::out_of_memory, "no memory to tokenize the input: shorten it");
  }
  {
    std::lock_guard lock(mutex_);
    inputs_.push_back(std::move(submission));
  }
  changed_.notify_one();
}

void WorkerEngine::cancel(RequestId id) {
  {
    std::lock_guard lock(mutex_);
    cancels_.push_back(id);
    cancel_count_.fetch_add(1, std::memory_order_release);
  }
  changed_.notify_one();
}

bool WorkerEngine::is_cancelled(RequestId id) const {
  if (cancel_count_.load(std::memory_order_acquire) == 0) return false;
  std::lock_guard lock(mutex_);
  return is_stopping_ || std::find(cancels_.begin(), cancels_.end(), id) != cancels_.end();
}

void WorkerEngine::emit(GenerationEvent event) {
  if (event.is_final) {
    std::lock_guard lock(mutex_);
    --accepted_;
  }
  sink_(std::move(event));
}

void WorkerEngine::refuse(RequestId id, const Error& error) {
  GenerationEvent event;
  event.id = id;
  event.is_final = true;
  event.finish = FinishReason::failed;
  event.error = error.code();
  event.message = error.what();
  emit(std::move(event));
}

// Sleeps until there is something to do. False when the engine is to stop.
bool WorkerEngine::wait_for_work() {
  std::unique_lock lock(mutex_);
  const auto has_news = [this] {
    return is_stopping_ || !submissions_.empty() || !inputs_.empty() || !cancels_.empty();
  };
  if (!has_work() && !has_unread_answers() && !changed_.wait_for(lock, rest_delay, has_news)) {
    lock.unlock();
#ifndef NDEBUG
    if (loop_) loop_->check_integrity();
#endif
    if (loop_) loop_->rest();
    embeddings_.rest();
    lock.lock();
    changed_.wait(lock, has_news);
  }
  return !is_stopping_;
}

void WorkerEngine::take_commands() {
  {
    std::lock_guard lock(mutex_);
    taken_submissions_.swap(submissions_);
    taken_inputs_.swap(inputs_);
    taken_cancels_.swap(cancels_);
    cancel_count_.store(0, std::memory_order_release);
  }
  for (Submission& submission : taken_submissions_) {
    if (!loop_) {
      submission.error = Error(ErrorCode::unsupported,
                               "this model makes embeddings only, it cannot generate text");
    }
    if (submission.error) {
      refuse(submission.request.id, *submission.error);
    } else {
      loop_->add(submission.request, std::move(submission.tokens));
    }
  }
  take_inputs();
  for (const RequestId id : taken_cancels_) {
    if (loop_) loop_->cancel(id);
    embeddings_.cancel(id);
  }
  taken_submissions_.clear();
  taken_cancels_.clear();
}

void WorkerEngine::take_inputs() {
  for (EmbeddingSubmission& submission : taken_inputs_) {
    auto sink = [this, sink = std::move(submission.sink)](EmbeddingResult result) {
      {
        std::lock_guard lock(mutex_);
        --accepted_inputs_;
      }
      sink(std::move(result));
    };
    if (submission.error) {
      EmbeddingResult result;
      result.id = submission.request.id;
      result.has_failed = true;
      result.error = submission.error->code();
      result.message = submission.error->what();
      sink(std::move(result));
    } else {
      embeddings_.add(submission.request, std::move(submission.tokens), std::move(sink));
    }
  }
  taken_inputs_.clear();
}

void WorkerEngine::publish_stats() {
  if (!loop_) return;
  const CacheUse use = loop_->cache_use();
  std::lock_guard lock(mutex_);
  stats_.cache_used_bytes = use.used_bytes;
  stats_.running = loop_->running();
  stats_.preemptions = loop_->preemptions();
  stats_.answer_tokens_read = loop_->answer_tokens_read();
  stats_.guesses = loop_->guess_counts();
}

void WorkerEngine::read_answers() {
  loop_->read_answers([this] {
    std::lock_guard lock(mutex_);
    return is_stopping_ || !submissions_.empty() || !inputs_.empty();
  });
}

void WorkerEngine::work() {
  bool goes_on = true;
  while (goes_on) {
    goes_on = wait_for_work();
    take_commands();
    const auto question = [this](RequestId id) { return is_cancelled(id); };
    // Answers and vectors take turns, step by step.
    if (goes_on && loop_ && loop_->has_work()) {
      loop_->step(question);
      count_step();
    }
    if (goes_on && embeddings_.has_work()) {
      embeddings_.step(question);
      count_step();
    }
    if (goes_on && !has_work() && has_unread_answers()) read_answers();
    publish_stats();
  }
  if (loop_) loop_->cancel_all();
  embeddings_.cancel_all();
}

int64_t context_of(const ModelRunner& model, const EngineOptions& options) {
  const int64_t context = model.context_length();
  return options.context_tokens > 0 ? std::min(context, options.context_tokens) : context;
}

StepLoopOptions loop_options(const ModelRunner& model, const KernelTable& kernels,
                             const EngineOptions& options) {
  StepLoopOptions loop;
  loop.kv_type = options.kv_type;
  loop.lease = options.lease;
  loop.speculation = {options.speculation, options.checks_all_guesses};
  loop.limits.step_tokens = options.step_tokens;
  loop.limits.sequences_max = options.sequences_max;
  loop.limits.roles_agree = kernels.roles_agree;
  const int64_t context = context_of(model, options);
  loop.cache = plan_cache(model.cache_shape(), options.kv_type, kernels,
                          {.context_tokens = context,
                           .cache_bytes = options.cache_bytes,
                           .step_tokens = options.step_tokens});
  if (loop.cache.context_tokens < context) {
    log::warn(fmt::format("context is {} tokens instead of {}: the cache may take {} bytes",
                          loop.cache.context_tokens, context, options.cache_bytes));
  }
  return loop;
}

bool uses_draft(Speculation ways) {
  return ways == Speculation::automatic || ways == Speculation::draft;
}

// Null where the draft model is of no use; the log says why.
std::unique_ptr<DraftModel> open_draft(const GgufFile& file, const GgufFile& target,
                                       const EngineOptions& options, int64_t context_tokens) {
  try {
    const std::string difference = vocabulary_difference(target, file);
    if (!difference.empty()) throw Error(ErrorCode::unsupported, difference);
    DraftModelOptions draft;
    draft.kv_type = options.kv_type;
    ModelRunnerOptions model_options;
    model_options.kernels = options.kernels;
    model_options.threads = options.threads;
    model_options.step_tokens_max = draft.step_tokens;
    model_options.output_tokens_max = StepCosts::columns_max;
    model_options.context_tokens = context_tokens;
    std::unique_ptr<ModelRunner> model = ModelRunner::load(file, model_options, {});
    if (model->vocab_size() == 0) throw Error(ErrorCode::unsupported, "it cannot generate text");
    draft.cache = plan_cache(model->cache_shape(), options.kv_type, *options.kernels,
                             {.context_tokens = std::min(context_tokens, model->context_length()),
                              .cache_bytes = options.draft_cache_bytes,
                              .step_tokens = draft.step_tokens});
    return std::make_unique<DraftModel>(std::move(model), *options.kernels, system_clock(), draft);
  } catch (const Error& error) {  // answers do not need it
    log::warn(fmt::format("{} is not used: {}", file.what(), error.what()));
    return nullptr;
  }
}

}  // namespace

std::unique_ptr<Engine> Engine::open(std::unique_ptr<GgufFile> file, const EngineOptions& requested,
                                     EventSink sink, const std::function<bool(double)>& progress,
                                     EngineCompanions companions) {
  if (requested.vocabulary_only) return open_vocabulary_engine(*file, std::move(sink));
  EngineOptions options = requested;
  if (options.kernels == nullptr) options.kernels = find_kernels("");
  const KernelTable* kernels = options.kernels;
  if (options.threads <= 0) options.threads = default_thread_count();
  options.sequences_max = std::max(1, options.sequences_max);
  // Every running answer takes part in every step.
  options.step_tokens =
      std::max(options.step_tokens, options.sequences_max + static_cast<int32_t>(page_tokens));
  ModelRunnerOptions model_options;
  model_options.kernels = kernels;
  model_options.threads = options.threads;
  model_options.step_tokens_max = options.step_tokens;
  model_options.input_tokens_max = options.context_tokens;
  model_options.output_tokens_max = options.step_tokens;
  model_options.context_tokens = options.context_tokens;
  const int64_t memory = options.memory_bytes > 0 ? options.memory_bytes : available_memory("/");
  model_options.weight_memory_max = weight_memory(memory, options.cache_bytes);
  for (const EngineAdapter& adapter : companions.adapters)
    model_options.adapters.push_back({adapter.file.get(), adapter.scale});

  WorkerEngine::Parts parts;
  parts.tokenizer = make_tokenizer(*file);
  parts.model = ModelRunner::load(*file, model_options, progress);
  log::info(fmt::format("weights: {}", parts.model->placement().text()));
  parts.file = std::move(file);
  parts.adapters = std::move(companions.adapters);
  if (parts.model->vocab_size() > 0 && parts.model->vocab_size() < parts.tokenizer->vocab_size()) {
    throw Error(
        ErrorCode::corrupt_data,
        fmt::format("{}: the output matrix has {} rows, but the vocabulary {} tokens",
                    parts.file->what(), parts.model->vocab_size(), parts.tokenizer->vocab_size()));
  }
  EmbeddingLoopOptions embedding;
  embedding.kv_type = options.kv_type;
  embedding.lease = options.lease;
  embedding.step_tokens = options.step_tokens;
  embedding.adapter_count = static_cast<int32_t>(parts.adapters.size());
  embedding.input_tokens_max = context_of(*parts.model, options);
  if (parts.model->outputs().is_bidirectional) {
    embedding.input_tokens_max =
        std::min<int64_t>(embedding.input_tokens_max, parts.model->step_tokens_max());
  }
  StepLoopOptions loop;
  if (parts.model->vocab_size() > 0) {
    loop = loop_options(*parts.model, *kernels, options);
    loop.adapter_count = embedding.adapter_count;
    // What the cache's bytes allow holds for inputs too.
    embedding.input_tokens_max = loop.cache.context_tokens;
    if (companions.draft && uses_draft(options.speculation)) {
      parts.draft_file = std::move(companions.draft);
      parts.draft = open_draft(*parts.draft_file, *parts.file, options, embedding.input_tokens_max);
    }
  }
  return std::make_unique<WorkerEngine>(std::move(parts), *kernels, options, loop, embedding,
                                        std::move(sink));
}

}  // namespace hearth::engine
