#include "engine/engine/prompt.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace hearth::engine {
namespace {

constexpr int64_t answer_share =
    8;  // a truncated prompt leaves this part of the context to the answer

void append_tokens(const Tokenizer& tokenizer, std::span<const TokenId> ids,
                   std::vector<TokenId>& tokens) {
  for (const TokenId id : ids) {
    if (id < 0 || id >= tokenizer.vocab_size()) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("prompt: token {} is outside the vocabulary of {} tokens", id,
                              tokenizer.vocab_size()));
    }
    tokens.push_back(id);
  }
}

}  // namespace

std::vector<TokenId> tokenize_parts(const Tokenizer& tokenizer, std::span<const PromptPart> parts) {
  std::vector<TokenId> tokens;
  std::vector<TextPart> text;
  const auto flush_text = [&] {
    if (text.empty()) return;
    const std::vector<TokenId> ids = tokenizer.encode_parts(text);
    tokens.insert(tokens.end(), ids.begin(), ids.end());
    text.clear();
  };
  for (const PromptPart& part : parts) {
    if (part.tokens.empty()) {
      text.push_back({part.text, part.is_trusted});
    } else {
      flush_text();
      append_tokens(tokenizer, part.tokens, tokens);
    }
  }
  flush_text();
  return tokens;
}

std::vector<TokenId> tokenize_prompt(const Tokenizer& tokenizer,
                                     std::span<const PromptPart> parts) {
  std::vector<TokenId> tokens = tokenize_parts(tokenizer, parts);
  const std::optional<TokenId> bos = tokenizer.bos();
  if (tokenizer.adds_bos() && bos && (tokens.empty() || tokens.front() != *bos)) {
    tokens.insert(tokens.begin(), *bos);
  }
  if (tokens.empty()) throw Error(ErrorCode::invalid_argument, "the prompt is empty");
  return tokens;
}

std::vector<TokenId> tokenize_input(const Tokenizer& tokenizer, std::span<const PromptPart> parts) {
  const bool is_ready = std::all_of(parts.begin(), parts.end(),
                                    [](const PromptPart& part) { return !part.tokens.empty(); });
  std::vector<TokenId> tokens;
  if (is_ready) {
    for (const PromptPart& part : parts) append_tokens(tokenizer, part.tokens, tokens);
  } else {
    tokens = tokenize_prompt(tokenizer, parts);
    const std::optional<TokenId> eos = tokenizer.eos();
    if (tokenizer.adds_eos() && eos && tokens.back() != *eos) tokens.push_back(*eos);
  }
  if (tokens.empty()) throw Error(ErrorCode::invalid_argument, "the input is empty");
  return tokens;
}

std::vector<TokenId> fit_prompt(std::vector<TokenId> tokens, const PromptFit& fit) {
  const int64_t count = static_cast<int64_t>(tokens.size());
  if (count < fit.context_tokens) return tokens;
  if (!fit.truncate || fit.context_tokens < 2) {
    const bool can_be_more = fit.context_tokens < fit.context_tokens_max;
    throw Error(ErrorCode::invalid_argument,
                fmt::format("prompt is {} tokens, but the context length is {} tokens{}, or send "
                            "\"truncate\": true",
                            count, fit.context_tokens,
                            can_be_more ? ": shorten it, raise num_ctx"
                                        : ", all that this model has here: shorten it"));
  }
  int64_t answer = std::max<int64_t>(1, fit.context_tokens / answer_share);
  if (fit.answer_tokens_max > 0) answer = std::min(answer, fit.answer_tokens_max);
  const int64_t length = fit.context_tokens - answer;
  const int64_t keep = fit.keep_tokens < 0 ? length : std::min<int64_t>(fit.keep_tokens, length);
  tokens.erase(tokens.begin() + keep, tokens.end() - (length - keep));
  return tokens;
}

}  // namespace hearth::engine
