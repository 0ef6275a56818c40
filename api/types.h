// The neutral types of requests for text and of answers; every dialect is translated to and from
// them. Pure values: no sockets, no engine, no store. Those of models are in model_types.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/duration.h"
#include "api/model_types.h"
#include "api/time_text.h"
#include "modelfile/chat.h"
#include "modelfile/parameters.h"

namespace hearth::api {

// What was asked for; only messages to people tell them apart.
enum class Operation { generate, chat };
std::string_view to_string(Operation operation);

// Whether thoughts are wanted before the answer, and how many.
struct Think {
  bool is_on = true;
  std::string level;  // "low", "medium", "high", "max"; empty: as the model likes
};

// What the answer must look like; the engine lets the model write nothing else.
struct Format {
  enum class Kind { json, schema, grammar, regex };
  Kind kind = Kind::json;
  std::string text;             // the JSON schema, the GBNF grammar, the expression; json: empty
  bool is_best_effort = false;  // what of it cannot be enforced is left out instead of refused
};

// Whether tools are called. `named`: that one is. Without tools nothing but `automatic` and `none`
// has a meaning.
struct ToolChoice {
  enum class Kind { automatic, none, required, named };
  Kind kind = Kind::automatic;
  std::string name;
  bool is_single = false;  // at most one call in an answer
};

struct TokenBias {
  int32_t token = 0;
  float bias = 0;  // added to its logit; -100 and less forbid it
};

// A request for text. All dialects and both native endpoints end up here: /api/generate becomes one
// user message.
struct ChatRequest {
  std::string model;  // as the client wrote it; replies repeat it
  Operation operation = Operation::chat;
  std::vector<Message> messages;       // empty: load the model, or unload it when keep_alive is 0
  std::optional<Think> think;          // absent: on for models that can
  bool is_think_optional = false;      // a model that cannot think answers without
  int64_t thoughts_tokens_max = -1;    // they are brought to their end then; negative: no limit
  std::vector<modelfile::Tool> tools;  // that the model may call; each has a name
  ToolChoice tool_choice;
  std::optional<Format> format;  // absent: free text
  std::vector<TokenBias> logit_bias;
  Json template_variables = Json::object();  // for the template, beside its usual ones
  std::optional<std::string>
      raw_prompt;  // instead of messages: goes to the model as it is, special tokens included
  std::vector<int32_t> context_tokens;  // tokens of an earlier reply that stand before the prompt
  bool returns_context = false;         // the final event carries the tokens of prompt and answer
  std::optional<std::string> template_text;  // a template in place of the model's own
  std::optional<std::string> suffix;         // the text that follows what is to be written in
  modelfile::Parameters options;  // what the client said; the model's parameters fill the rest
  bool uses_openai_defaults =
      false;  // temperature and top_p are 1 where neither client nor model says
  std::optional<Duration> keep_alive;  // absent: the daemon's default. `forever` and 0 are special
  bool truncate = false;  // an over-long prompt is cut instead of refused; only when asked for
  bool shifts = false;    // a full context loses its oldest half and the answer goes on
  // Absent: no log-probabilities. Otherwise that many likeliest tokens beside the chosen one.
  std::optional<int32_t> top_log_probs;
  bool is_render_only = false;  // the prompt is wanted, not an answer
  bool is_stream = true;
  bool includes_usage = false;        // OpenAI: a last chunk with the usage
  int64_t choice_count = 1;           // answers to the same prompt, each with a seed of its own
  std::string echo;                   // what the answer's text begins with, before the model's own
  bool counts_prompt_first = false;   // the first event says how long the prompt is
  std::vector<std::string> warnings;  // what of the request has no effect, one line each

  bool is_load_only() const { return messages.empty() && !raw_prompt; }
};

enum class DoneReason { stop, length, load, unload };
std::string_view to_string(DoneReason reason);

// Times in nanoseconds. Zero means "not measured" and is left out on the wire.
struct Metrics {
  int64_t total_ns = 0;
  int64_t load_ns = 0;
  int64_t prompt_tokens = 0;  // tokens taken from the prefix cache included
  int64_t cached_prompt_tokens = 0;
  int64_t thinking_tokens = 0;  // of the generated ones
  int64_t prompt_ns = 0;
  int64_t generated_tokens = 0;
  int64_t generation_ns = 0;
};

// How likely the model found a token: the natural logarithm of its probability.
struct TokenLogProb {
  std::string token;  // its bytes, not always whole UTF-8
  float value = 0;
  std::vector<TokenLogProb> top;  // the likeliest ones in its place, best first
};

// A piece of an answer, or its end. Where several answers were asked for their pieces come in any
// order. Exactly one final event ends everything that did not fail.
struct ChatEvent {
  size_t choice = 0;  // which of the answers, from 0
  std::string content;
  std::string thinking;
  std::vector<modelfile::ToolCall> tool_calls;  // with ids
  std::vector<std::string> warnings;            // about what the model wrote
  std::vector<TokenLogProb> log_probs;  // of the tokens since the last event, where asked for
  bool ends_choice = false;  // nothing of this answer comes any more; set on the final event too
  DoneReason reason = DoneReason::stop;  // this and `stop`: with ends_choice only
  std::string stop;                      // the stop string that ended it; empty: none did
  bool is_final = false;                 // the last event of all
  Metrics metrics;                       // of all answers together; final event only
  std::vector<int32_t> context_tokens;   // final event only
};

}  // namespace hearth::api
