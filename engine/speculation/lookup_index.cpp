#include "engine/speculation/lookup_index.h"

#include <algorithm>

#include "base/check.h"

namespace hearth::engine {
namespace {

constexpr int32_t none = -1;
constexpr size_t heads_min = 64;
// A match this long is not given up for another one while it goes on.
constexpr int64_t trusted_length = 16;

size_t hash_run(std::span<const TokenId> run) {
  uint64_t hash = 0x9E3779B97F4A7C15;
  for (const TokenId token : run) {
    hash = (hash ^ static_cast<uint64_t>(static_cast<uint32_t>(token))) * 0xD6E8FEB86659FD93;
    hash ^= hash >> 32;
  }
  return static_cast<size_t>(hash);
}

std::span<const TokenId> run_before(std::span<const TokenId> tokens, int64_t end, int64_t length) {
  return tokens.subspan(static_cast<size_t>(end - length), static_cast<size_t>(length));
}

// How many tokens before `a` and before `b` are the same, length_max at most.
int64_t common_end(std::span<const TokenId> tokens, int64_t a, int64_t b) {
  const int64_t most = std::min({a, b, LookupIndex::length_max});
  int64_t length = 0;
  while (length < most && tokens[static_cast<size_t>(a - 1 - length)] ==
                              tokens[static_cast<size_t>(b - 1 - length)]) {
    ++length;
  }
  return length;
}

}  // namespace

void LookupIndex::clear() {
  for (Chains* chains : {&long_, &short_}) {
    chains->heads.clear();
    chains->previous.clear();
  }
  token_count_ = match_length_ = match_end_ = 0;
}

// Position `end` is the one behind the run.
void LookupIndex::add(Chains& chains, std::span<const TokenId> tokens, int64_t end) {
  chains.previous.push_back(none);
  if (end < chains.length) return;
  int32_t& head =
      chains.heads[hash_run(run_before(tokens, end, chains.length)) & (chains.heads.size() - 1)];
  chains.previous.back() = head;
  head = static_cast<int32_t>(end);
}

void LookupIndex::grow(Chains& chains, std::span<const TokenId> tokens) {
  if (chains.previous.size() < chains.heads.size()) return;
  chains.heads.assign(std::max(heads_min, 2 * chains.heads.size()), none);
  // Place 0 is the one in front of the first token.
  const int64_t count = std::max<int64_t>(1, std::ssize(chains.previous));
  chains.previous.clear();
  for (int64_t end = 0; end < count; ++end) add(chains, tokens, end);
}

void LookupIndex::search(const Chains& chains, std::span<const TokenId> tokens) {
  if (token_count_ < chains.length) return;
  int32_t end = chains.previous[static_cast<size_t>(token_count_)];
  for (int32_t seen = 0; end != none && seen < chains.candidates_max; ++seen) {
    const int64_t length = common_end(tokens, end, token_count_);
    if (length >= chains.length && length > match_length_) {
      match_length_ = length;
      match_end_ = end;
    }
    end = chains.previous[static_cast<size_t>(end)];
  }
}

void LookupIndex::extend(std::span<const TokenId> tokens) {
  HEARTH_CHECK(std::ssize(tokens) >= token_count_);
  while (token_count_ < std::ssize(tokens)) {
    const TokenId token = tokens[static_cast<size_t>(token_count_)];
    if (match_length_ > 0 && tokens[static_cast<size_t>(match_end_)] == token) {
      match_length_ = std::min(match_length_ + 1, length_max);
      ++match_end_;
    } else {
      match_length_ = 0;
    }
    ++token_count_;
    for (Chains* chains : {&long_, &short_}) {
      grow(*chains, tokens);
      add(*chains, tokens, token_count_);
    }
    if (token_count_ == std::ssize(tokens) && match_length_ < trusted_length) {
      search(long_, tokens);
      if (match_length_ < long_.length) search(short_, tokens);
    }
  }
}

TokenId LookupIndex::guess(std::span<const TokenId> tokens, int64_t index) const {
  HEARTH_CHECK(match_length_ > 0 && std::ssize(tokens) == token_count_);
  const int64_t period = token_count_ - match_end_;
  return tokens[static_cast<size_t>(match_end_ + index % period)];
}

}  // namespace hearth::engine
