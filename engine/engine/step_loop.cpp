#include "engine/engine/step_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "engine/backend/compute_lease.h"
#include "engine/engine/prompt.h"
#include "engine/kv_cache/plan_span.h"

namespace hearth::engine {
namespace {}  // namespace

StepLoop::StepLoop(ModelRunner& model, const Tokenizer& tokenizer, const KernelTable& kernels,
                   const Clock& clock, const StepLoopOptions& options, EventSink sink)
    : model_(model),
      tokenizer_(tokenizer),
      clock_(clock),
      options_(options),
      sink_(std::move(sink)),
      pools_(model.cache_shape(), options.kv_type, kernels, options.cache.page_counts),
      dry_breakers_(tokenizer),
      constraints_(tokenizer),
      setting_{tokenizer,     model.cache_shape(), pools_.all(),         clock,
               dry_breakers_, constraints_,        options.adapter_count},
      scheduler_(options.limits),
      speculator_(options.speculation),
      index_(model.cache_shape(), pools_.all()),
      reader_(model, pools_.all(), index_, options.lease) {
  const size_t step_tokens = static_cast<size_t>(options.limits.step_tokens);
  const size_t sequences_max = static_cast<size_t>(options.limits.sequences_max);
  const size_t rows_max = sequences_max + static_cast<size_t>(Speculator::columns_max);
  plan_.tokens.reserve(step_tokens);
  plan_.positions.reserve(step_tokens);
  plan_.output_tokens.reserve(rows_max);
  plan_.sequences.reserve(sequences_max);
  spare_spans_.reserve(sequences_max);
  step_spans_.reserve(sequences_max);
  answers_.reserve(sequences_max);
  // Not zeroed: a row takes memory when a sequence first uses it.
  logits_ =
      std::make_unique_for_overwrite<float[]>(rows_max * static_cast<size_t>(model.vocab_size()));
}

StepLoop::~StepLoop() = default;

void StepLoop::add(const GenerationRequest& request, std::vector<TokenId> tokens) {
  try {
    admit(request, std::move(tokens));
  } catch (const Error& error) {
    refuse(request.id, error.code(), error.what());
  } catch (const std::bad_alloc&) {
    refuse(request.id, ErrorCode::out_of_memory, "no memory for another sequence: try again later");
  }
}

void StepLoop::admit(const GenerationRequest& request, std::vector<TokenId> tokens) {
  if (sequences_.contains(request.id)) {
    throw Error(ErrorCode::already_exists,
                fmt::format("request {} is being answered already", request.id));
  }
  int64_t context = context_tokens();
  if (request.context_tokens > 0) context = std::min(context, request.context_tokens);
  tokens = fit_prompt(std::move(tokens), {.context_tokens = context,
                                          .context_tokens_max = context_tokens(),
                                          .truncate = request.truncate,
                                          .keep_tokens = request.keep_tokens,
                                          .answer_tokens_max = request.tokens_max});
  Entry entry{std::make_unique<Sequence>(request, std::move(tokens), context, setting_),
              request.return_tokens, speculator_.begin(request.guesses_max)};
  const Sequence& s = *entry.sequence;
  const int64_t prompt_tokens = s.prompt_tokens();
  const int64_t answer_room = s.answer_room();
  sequences_.emplace(request.id, std::move(entry));
  if (answer_room == 0) {
    finish(request.id, FinishReason::length, ErrorCode::internal, "");
    return;
  }
  scheduler_.add({request.id, prompt_tokens, answer_room, {}});
}

void StepLoop::refuse(RequestId id, ErrorCode code, const std::string& message) {
  GenerationEvent event;
  event.id = id;
  event.is_final = true;
  event.finish = FinishReason::failed;
  event.error = code;
  event.message = message;
  sink_(std::move(event));
}

void StepLoop::cancel(RequestId id) {
  if (sequences_.contains(id)) finish(id, FinishReason::cancelled, ErrorCode::cancelled, "");
}

void StepLoop::cancel_all() {
  while (!sequences_.empty()) cancel(sequences_.begin()->first);
}

// How many of the sequence's first `length` tokens have entries that others may take over: where
// the roles differ, what was computed in the decode role is private.
int64_t StepLoop::shareable_tokens(const Sequence& s, int64_t length) const {
  return options_.limits.roles_agree ? length : std::min(length, s.prompt_tokens());
}

void StepLoop::leave_cache(Sequence& s) {
  if (s.cursor()) {
    const int64_t shared = shareable_tokens(s, s.cache().length());
    index_.finish(*s.cursor(), s.tokens().first(static_cast<size_t>(shared)), s.cache());
    s.cursor().reset();
  }
  s.cache().release_all();
}

void StepLoop::finish(RequestId id, FinishReason reason, ErrorCode code,
                      const std::string& message) {
  const auto place = sequences_.find(id);
  Sequence& s = *place->second.sequence;
  scheduler_.remove(id);
  const bool is_answered = reason == FinishReason::stop || reason == FinishReason::length;
  const int64_t written = std::ssize(s.tokens()) - s.prompt_tokens();
  if (is_answered && s.cursor() && !options_.limits.roles_agree && written >= page_tokens)
    reader_.add({s.prefix_key(), s.adapter(), {s.tokens().begin(), s.tokens().end()}});
  leave_cache(s);
  if (draft_) draft_->forget(id);
  GenerationEvent event;
  event.id = id;
  event.is_final = true;
  event.finish = reason;
  event.error = code;
  event.message = message;
  event.timings = s.timings();
  if (is_answered) s.finish_text(event.text);
  if (is_answered) event.stop = s.stop_hit();
  if (place->second.return_tokens) event.tokens.assign(s.tokens().begin(), s.tokens().end());
  sequences_.erase(place);
  sink_(std::move(event));
}

void StepLoop::step(const CancelQuestion& is_cancelled) {
  // The worker's catch site: whatever goes wrong in a step ends the sequences of that step.
  try {
    reader_.pause();
    step_spans_.clear();
    offer_guesses();
    const std::span<const ScheduledSpan> spans = scheduler_.decide(*this);
    step_spans_.assign(spans.begin(), spans.end());
    if (step_spans_.empty())
      throw Error(ErrorCode::out_of_memory, "the cache has no room for any request");
    build_plan(step_spans_);
    if (run_model(step_spans_, is_cancelled)) {
      take_results(step_spans_);
    } else {
      scheduler_.abandon_step();
    }
  } catch (const Error& error) {
    fail_step(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    fail_step(ErrorCode::out_of_memory,
              "memory ran out in a step: ask for a shorter context or fewer parallel requests");
  } catch (const std::exception& error) {
    fail_step(ErrorCode::internal, error.what());
  }
}

void StepLoop::fail_step(ErrorCode code, const std::string& message) {
  scheduler_.abandon_step();
  // A decision that was not finished names nobody: then everybody is concerned.
  if (step_spans_.empty()) {
    while (!sequences_.empty())
      finish(sequences_.begin()->first, FinishReason::failed, code, message);
  }
  for (const ScheduledSpan& span : step_spans_) {
    if (sequences_.contains(span.id)) finish(span.id, FinishReason::failed, code, message);
  }
}

void StepLoop::build_plan(std::span<const ScheduledSpan> spans) {
  for (SequenceSpan& used : plan_.sequences) spare_spans_.push_back(std::move(used));
  plan_.sequences.clear();
  plan_.tokens.clear();
  plan_.positions.clear();
  plan_.output_tokens.clear();
  plan_.decode_token_count = 0;
  for (const ScheduledSpan& scheduled : spans) {
    const Entry& from = entry(scheduled.id);
    const Sequence& s = *from.sequence;
    HEARTH_CHECK(s.cache().length() == scheduled.first_token);
    SequenceSpan spare;
    if (!spare_spans_.empty()) {
      spare = std::move(spare_spans_.back());
      spare_spans_.pop_back();
    }
    SequenceSpan& span =
        begin_span(plan_, s.cache(), scheduled.first_token, scheduled.role, std::move(spare));
    span.adapter = s.adapter().number;
    span.adapter_scale = s.adapter().scale;
    const auto known = static_cast<size_t>(scheduled.token_count - scheduled.guess_count);
    add_tokens(plan_, s.tokens().subspan(static_cast<size_t>(scheduled.first_token), known));
    add_tokens(plan_, from.guesses.tokens().first(static_cast<size_t>(scheduled.guess_count)));
    for (int32_t row = scheduled.guess_count; scheduled.wants_logits && row >= 0; --row)
      plan_.output_tokens.push_back(plan_.token_count() - 1 - row);
  }
}

bool StepLoop::run_model(std::span<const ScheduledSpan> spans, const CancelQuestion& is_cancelled) {
  const size_t rows = plan_.output_tokens.size();
  const std::span<float> logits(logits_.get(), rows * static_cast<size_t>(model_.vocab_size()));
  const ComputeLease::Turn turn(options_.lease);
  const TimePoint begin = clock_.now();
  const bool is_done = model_.run(plan_, pools_.all(), logits, [&] {
    return is_cancelled && std::all_of(spans.begin(), spans.end(), [&](const ScheduledSpan& span) {
             return is_cancelled(span.id);
           });
  });
  if (is_done && rows == static_cast<size_t>(plan_.token_count())) {
    const std::chrono::duration<double> taken = clock_.now() - begin;
    speculator_.count_step(plan_.token_count(), taken.count());
  }
  return is_done;
}

void StepLoop::index_pages(Sequence& s) {
  const int64_t shared = shareable_tokens(s, s.cache().length());
  index_.insert(*s.cursor(), s.tokens().first(static_cast<size_t>(shared)), s.cache());
  s.cache().slide_windows();
}

void StepLoop::take_results(std::span<const ScheduledSpan> spans) {
  for (const ScheduledSpan& span : spans) {
    Sequence& s = sequence(span.id);
    s.cache().advance(span.token_count - span.guess_count);
    index_pages(s);
  }
  scheduler_.finish_step();
  float* logits = logits_.get();
  for (const ScheduledSpan& span : spans) {
    if (!span.wants_logits) continue;
    take_answer(span, logits);
    logits += (1 + span.guess_count) * model_.vocab_size();
  }
}

// Every token is drawn from the model's own logits, in its turn; a guess that comes true only means
// that the logits behind it are there already. What the cache holds behind the first wrong guess is
// overwritten by the next steps.
void StepLoop::take_answer(const ScheduledSpan& span, float* logits) {
  const size_t vocab = static_cast<size_t>(model_.vocab_size());
  Entry& answer = entry(span.id);
  answer.sequence->count_guesses({.drafted = span.guess_count, .accepted = 0});
  guess_counts_.drafted += span.guess_count;
  for (int32_t i = 0; i <= span.guess_count; ++i) {
    std::optional<TokenId> guess;
    if (i < span.guess_count) guess = answer.guesses.tokens()[static_cast<size_t>(i)];
    if (!sample(answer, std::span(logits + static_cast<size_t>(i) * vocab, vocab), guess)) return;
  }
}

// True when the answer goes on with what was guessed.
bool StepLoop::sample(Entry& answer, std::span<float> logits, std::optional<TokenId> guess) {
  Sequence& s = *answer.sequence;
  const RequestId id = s.id();
  GenerationEvent event;
  event.id = id;
  std::optional<FinishReason> finished;
  try {
    finished = s.sample(logits, event);
  } catch (const Error& error) {
    finish(id, FinishReason::failed, error.code(), error.what());
    return false;
  }
  const bool is_guessed = guess == s.last_sampled();
  if (guess) answer.guesses.count_check(is_guessed);
  if (is_guessed) {
    s.count_guesses({.drafted = 0, .accepted = 1});
    ++guess_counts_.accepted;
  }
  if (!event.text.empty() || !event.log_probs.empty()) sink_(std::move(event));
  if (finished) {
    finish(id, *finished, ErrorCode::internal, "");
  } else if (s.must_shift()) {
    leave_cache(s);
    s.shift();
    answer.guesses.restart();
    if (draft_) draft_->forget(id);
    scheduler_.restart(id, s.prompt_tokens(), s.answer_room());
  } else if (is_guessed) {
    scheduler_.append_guessed(id);
    s.cache().advance(1);
    index_pages(s);
    return true;
  } else {
    scheduler_.append(id);
  }
  return false;
}

void StepLoop::rest() {
  pools_.give_back_memory();
  if (draft_) draft_->rest();
}

CacheUse StepLoop::cache_use() const {
  return {.reserved_bytes = pools_.bytes(), .used_bytes = pools_.used_bytes()};
}

void StepLoop::check_integrity() const {
  index_.check_integrity();
  if (!sequences_.empty()) return;
  // Nobody is being answered: the index is the only holder.
  for (size_t group = 0; group < pools_.size(); ++group) {
    HEARTH_CHECK(index_.held_pages(static_cast<int32_t>(group)) ==
                 pools_[group].page_count() - pools_[group].free_pages());
  }
}

}  // namespace hearth::engine
