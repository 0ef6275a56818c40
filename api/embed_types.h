// Neutral types of requests that only read text: for vectors and for tokens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/duration.h"

namespace hearth::api {

// One text, or the tokens of one.
struct EmbedInput {
  std::string text;
  std::vector<int32_t> tokens;  // used instead of the text when not empty
};

// A request for vectors.
struct EmbedRequest {
  std::string model;
  std::vector<EmbedInput> inputs;  // none: load the model
  bool truncate = true;            // an over-long input loses its end instead of failing
  int64_t dimensions = 0;          // values to keep of a vector; 0: all
  // Of length 1. Off: as the models of the old endpoint had it.
  bool normalize = true;
  std::optional<Duration> keep_alive;
  std::vector<std::string> warnings;  // as in ChatRequest
};

struct EmbedReply {
  std::vector<std::vector<float>> vectors;  // in the order of the inputs
  std::vector<int64_t> input_tokens;        // per input
  int64_t truncated_count = 0;              // inputs that lost their end
  int64_t total_ns = 0;
  int64_t load_ns = 0;
};

// Text to tokens, without an answer.
struct TokenizeRequest {
  std::string model;
  std::string text;
  bool reads_special = false;  // names of control tokens in the text become them
  bool with_special = false;   // what the model expects at the beginning of a prompt is added
  std::optional<Duration> keep_alive;
  std::vector<std::string> warnings;  // as in ChatRequest
};

struct DetokenizeRequest {
  std::string model;
  std::vector<int32_t> tokens;
  std::optional<Duration> keep_alive;
  std::vector<std::string> warnings;  // as in ChatRequest
};

}  // namespace hearth::api
