// What clients of llama.cpp's server expect at the addresses it has and Ollama has not: /tokenize,
// /detokenize, /apply-template. The model's name may be left out where only one is loaded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/embed_types.h"

namespace hearth::api {

struct LlamaTokenizeRequest : TokenizeRequest {
  bool with_pieces = false;  // a token is answered with its text
};

LlamaTokenizeRequest read_llama_tokenize(std::string_view body);

std::string write_llama_tokens(const std::vector<int32_t>& tokens);
// `pieces` beside the tokens; one that is not UTF-8 is written as a list of bytes.
std::string write_llama_pieces(const std::vector<int32_t>& tokens,
                               const std::vector<std::string>& pieces);
std::string write_llama_content(std::string_view text);
std::string write_llama_prompt(std::string_view prompt);

}  // namespace hearth::api
