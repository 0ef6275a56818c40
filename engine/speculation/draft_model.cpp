#include "engine/speculation/draft_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "engine/gguf/keys.h"
#include "engine/kv_cache/plan_span.h"

namespace hearth::engine {
namespace {

// Tokens that are read in the step that makes the first guess. What is more is read before it.
constexpr int64_t last_tokens_max = 4;

TokenId likeliest(std::span<const float> logits) {
  return static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

}  // namespace

struct DraftModel::Answer {
  Answer(const CacheShape& shape, std::span<PagePool* const> pools, int64_t context_tokens)
      : cache(shape, pools, context_tokens) {}

  SequenceCache cache;  // its length counts tokens of the answer only, not guesses behind them
  std::vector<TokenId> written;  // tokens whose entries lie in the pages, guesses included
  int64_t last_use = 0;
};

DraftModel::DraftModel(std::unique_ptr<ModelRunner> model, const KernelTable& kernels,
                       const Clock& clock, const DraftModelOptions& options)
    : model_(std::move(model)),
      clock_(clock),
      options_(options),
      pools_(model_->cache_shape(), options.kv_type, kernels, options.cache.page_counts) {}

DraftModel::~DraftModel() = default;

void DraftModel::forget(RequestId id) {
  answers_.erase(id);
}

double DraftModel::seconds(int32_t answers) const {
  return costs_.has_any() ? costs_.seconds(std::min(answers, StepCosts::columns_max)) : 0;
}

int64_t DraftModel::cache_bytes() const {
  return pools_.bytes();
}

void DraftModel::rest() {
  pools_.give_back_memory();
}

// Guesses that came true stay in the cache, the first other one ends what is valid. The last token
// is always computed anew: its logits are the first guess.
DraftModel::Answer& DraftModel::follow(RequestId id, std::span<const TokenId> tokens) {
  std::unique_ptr<Answer>& place = answers_[id];
  if (!place)
    place = std::make_unique<Answer>(model_->cache_shape(), pools_.all(),
                                     options_.cache.context_tokens);
  Answer& answer = *place;
  answer.last_use = uses_;
  const size_t most = std::min(answer.written.size(), tokens.size() - 1);
  size_t length = static_cast<size_t>(answer.cache.length());
  while (length < most && answer.written[length] == tokens[length]) ++length;
  answer.cache.advance(static_cast<int64_t>(length) - answer.cache.length());
  answer.cache.slide_windows();
  answer.written.resize(length);
  return answer;
}

int64_t DraftModel::unread(RequestId id, std::span<const TokenId> tokens) {
  const auto place = answers_.find(id);
  const int64_t known = place == answers_.end() ? 0 : place->second->cache.length();
  return std::ssize(tokens) - known;
}

// Answers that guess nothing now give up their pages, the one unused for the longest time first.
bool DraftModel::make_room(Answer& answer, int64_t tokens) {
  while (!answer.cache.extend(tokens)) {
    Answer* oldest = nullptr;
    for (const auto& [id, other] : answers_) {
      const bool is_free = other->last_use < uses_ && !other->written.empty();
      if (is_free && (oldest == nullptr || other->last_use < oldest->last_use))
        oldest = other.get();
    }
    if (oldest == nullptr) return false;
    oldest->cache.release_all();
    oldest->written.clear();
  }
  return true;
}

void DraftModel::add_span(Answer& answer, std::span<const TokenId> tokens, Role role,
                          bool wants_logits) {
  begin_span(plan_, answer.cache, std::ssize(answer.written), role);
  add_tokens(plan_, tokens);
  answer.written.insert(answer.written.end(), tokens.begin(), tokens.end());
  if (wants_logits) plan_.output_tokens.push_back(plan_.token_count() - 1);
}

void DraftModel::run() {
  const size_t rows = plan_.output_tokens.size();
  logits_.resize(std::max(logits_.size(), rows * static_cast<size_t>(model_->vocab_size())));
  const TimePoint begin = clock_.now();
  model_->run(plan_, pools_.all(),
              std::span(logits_).first(rows * static_cast<size_t>(model_->vocab_size())), {});
  const std::chrono::duration<double> taken = clock_.now() - begin;
  if (rows == static_cast<size_t>(plan_.token_count()))
    costs_.count(plan_.token_count(), taken.count());
}

// One step of what is missing but for the last tokens.
void DraftModel::read_missing(std::span<Request> requests) {
  plan_ = {};
  int64_t left = options_.step_tokens;
  for (const Request& request : requests) {
    if (request.depth == 0) continue;
    Answer& answer = follow(request.id, request.tokens);
    const int64_t length = answer.cache.length();
    const int64_t missing = std::ssize(request.tokens) - length;
    const int64_t count = std::min(missing - 1, left);
    if (missing <= last_tokens_max || count <= 0 || !make_room(answer, count)) continue;
    add_span(answer,
             request.tokens.subspan(static_cast<size_t>(length), static_cast<size_t>(count)),
             Role::prompt, false);
    left -= count;
  }
  if (!plan_.tokens.empty()) run();
}

void DraftModel::draft(std::span<Request*> requests) {
  for (int32_t round = 0; !requests.empty(); ++round) {
    plan_ = {};
    for (Request* request : requests) {
      Answer& answer = *answers_.at(request->id);
      const std::span<const TokenId> next =
          round == 0 ? request->tokens.subspan(answer.written.size())
                     : std::span<const TokenId>(request->guesses).last(1);
      add_span(answer, next, Role::decode, true);
    }
    run();
    const size_t vocab = static_cast<size_t>(model_->vocab_size());
    for (size_t i = 0; i < requests.size(); ++i)
      requests[i]->guesses.push_back(likeliest(std::span(logits_).subspan(i * vocab, vocab)));
    const auto end = std::stable_partition(
        requests.begin(), requests.end(),
        [](const Request* request) { return std::ssize(request->guesses) < request->depth; });
    requests = requests.first(static_cast<size_t>(end - requests.begin()));
  }
}

void DraftModel::guess(std::span<Request> requests) {
  ++uses_;
  read_missing(requests);
  std::vector<Request*> ready;
  for (Request& request : requests) {
    request.guesses.clear();
    if (request.depth == 0) continue;
    Answer& answer = follow(request.id, request.tokens);
    const int64_t missing = std::ssize(request.tokens) - answer.cache.length();
    if (missing > last_tokens_max || std::ssize(ready) >= StepCosts::columns_max) continue;
    if (make_room(answer, missing + request.depth - 1)) ready.push_back(&request);
  }
  draft(ready);
}

std::string vocabulary_difference(const GgufFile& target, const GgufFile& draft) {
  const auto ours = target.metadata().require_strings(key_tokenizer_tokens);
  const auto theirs = draft.metadata().require_strings(key_tokenizer_tokens);
  if (ours.size() != theirs.size()) {
    return fmt::format("its vocabulary has {} tokens, the model's {}", theirs.size(), ours.size());
  }
  const auto [a, b] = std::mismatch(ours.begin(), ours.end(), theirs.begin());
  if (a == ours.end()) return "";
  return fmt::format("token {} is \"{}\" there and \"{}\" in the model", a - ours.begin(),
                     printable(*b), printable(*a));
}

}  // namespace hearth::engine
