// Log-probabilities of tokens in JSON, the same in the native dialect and OpenAI's chat.
#pragma once

#include <vector>

#include "api/types.h"

namespace hearth::api {

// [{token, logprob, bytes, top_logprobs}]; `token` is whole UTF-8 (what is not becomes U+FFFD),
// `bytes` is exact.
Json write_log_probs(const std::vector<TokenLogProb>& log_probs);

}  // namespace hearth::api
