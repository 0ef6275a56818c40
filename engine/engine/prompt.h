// From the parts of a prompt to the tokens a sequence begins with.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/generation.h"
#include "engine/token_id.h"
#include "engine/tokenizer/tokenizer.h"

namespace hearth::engine {

// Neighbouring text parts are tokenized as one text; nothing is added. Throws
// Error{invalid_argument} for a token outside the vocabulary.
std::vector<TokenId> tokenize_parts(const Tokenizer& tokenizer, std::span<const PromptPart> parts);

// A begin-of-sequence token is put in front when the model wants one and the prompt does not begin
// with it already; nothing is added behind. Throws Error{invalid_argument} for a token outside the
// vocabulary and for a prompt without any token.
std::vector<TokenId> tokenize_prompt(const Tokenizer& tokenizer, std::span<const PromptPart> parts);

// An input of an embedding request: as tokenize_prompt, and text gets the model's end token too.
// Parts that are all tokens are used as they are.
std::vector<TokenId> tokenize_input(const Tokenizer& tokenizer, std::span<const PromptPart> parts);

struct PromptFit {
  int64_t context_tokens = 0;
  int64_t context_tokens_max = 0;  // what a request may ask for at most; for the error's advice
  bool truncate = false;
  int32_t keep_tokens = 0;         // negative: as many as fit
  int64_t answer_tokens_max = -1;  // negative: no limit of its own
};

// A prompt must leave room for at least one token of answer. A longer one throws
// Error{invalid_argument} with the counts or, with `truncate`, loses the tokens behind its first
// `keep_tokens` until an answer of min(answer_tokens_max, context / 8) tokens has room too.
std::vector<TokenId> fit_prompt(std::vector<TokenId> tokens, const PromptFit& fit);

}  // namespace hearth::engine
