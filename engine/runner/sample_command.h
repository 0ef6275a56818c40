// The command `sample`: one sampler on given logits, everything it did as JSON (docs/hacking.md).
#pragma once

#include <string>
#include <string_view>

namespace hearth::engine {

class Tokenizer;

// `request` and the answer are JSON. `tokenizer` finds the sequence breakers of DRY; null: there
// are none. Throws Error{invalid_argument} naming what is wrong with the request.
std::string answer_sample_request(std::string_view request, const Tokenizer* tokenizer);

}  // namespace hearth::engine
