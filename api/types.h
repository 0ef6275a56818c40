// The neutral types every dialect is translated to and from. Pure values: no sockets, no engine, no
// store.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/duration.h"
#include "api/time_text.h"
#include "modelfile/chat.h"
#include "modelfile/parameters.h"

namespace hearth::api {

using modelfile::Json;
using modelfile::Message;

// What was asked for; only messages to people tell them apart.
enum class Operation { generate, chat };
std::string_view to_string(Operation operation);

// Whether thoughts are wanted before the answer, and how many.
struct Think {
  bool is_on = true;
  std::string level;  // "low", "medium", "high", "max"; empty: as the model likes
};

// A request for text. All dialects and both native endpoints end up here: /api/generate becomes one
// user message.
struct ChatRequest {
  std::string model;  // as the client wrote it; replies repeat it
  Operation operation = Operation::chat;
  std::vector<Message> messages;       // empty: load the model, or unload it when keep_alive is 0
  std::optional<Think> think;          // absent: on for models that can
  std::vector<modelfile::Tool> tools;  // that the model may call; each has a name
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
  bool includes_usage = false;  // OpenAI: a last chunk with the usage
  std::vector<std::string>
      warnings;  // fields that were understood and have no effect, one line each

  bool is_load_only() const { return messages.empty() && !raw_prompt; }
};

enum class DoneReason { stop, length, load, unload };
std::string_view to_string(DoneReason reason);

// Times in nanoseconds. Zero means "not measured" and is left out on the wire.
struct Metrics {
  int64_t total_ns = 0;
  int64_t load_ns = 0;
  int64_t prompt_tokens = 0;  // tokens taken from the prefix cache included
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

// A piece of an answer, or its end. Exactly one final event ends every answer that did not fail.
struct ChatEvent {
  std::string content;
  std::string thinking;
  std::vector<modelfile::ToolCall> tool_calls;  // with ids
  std::vector<std::string> warnings;            // about what the model wrote
  std::vector<TokenLogProb> log_probs;  // of the tokens since the last event, where asked for
  bool is_final = false;
  DoneReason reason = DoneReason::stop;  // this and the rest: final event only
  Metrics metrics;
  std::vector<int32_t> context_tokens;
};

struct ModelDetails {
  std::string parent_model;
  std::string format;
  std::string family;
  std::vector<std::string> families;
  std::string parameter_size;
  std::string quantization_level;
  int64_t context_length = 0;    // 0: unknown
  int64_t embedding_length = 0;  // 0: unknown
};

struct ModelSummary {
  std::string name;
  WallTime modified_at;
  uint64_t size_bytes = 0;
  std::string digest_hex;
  ModelDetails details;
  std::vector<std::string> capabilities;
  std::string owner;               // namespace of the name
  std::vector<std::string> paths;  // where its weights lie; only where that was asked for
};

struct RunningModel {
  std::string name;
  uint64_t size_bytes = 0;
  uint64_t size_vram_bytes = 0;
  std::string digest_hex;
  ModelDetails details;
  WallTime expires_at;
  int64_t context_length = 0;
  int64_t running_requests = 0;  // sequences being answered now
  int64_t waiting_requests = 0;  // accepted, not yet in a step
  int64_t cache_used_bytes = 0;
  std::optional<double> load_progress;  // 0..1; absent once it is loaded
};

struct TensorSummary {
  std::string name;
  std::string type;
  std::vector<uint64_t> shape;
};

// Everything /api/show tells.
struct ModelDescription {
  std::string license;
  std::string modelfile;
  std::string parameters;
  std::string template_text;
  // Which template makes the prompts: "model", "file", "family chatml", "none", "broken: ...".
  std::string template_source;
  std::string system;
  std::vector<Message> messages;
  ModelDetails details;
  Json model_info = Json::object();
  std::vector<TensorSummary> tensors;
  std::vector<std::string> capabilities;
  std::string required_version;  // of Ollama; empty: any
  WallTime modified_at;
};

struct ShowRequest {
  std::string model;
  bool is_verbose = false;
  std::string system;             // shown in place of the model's, where not empty
  modelfile::Parameters options;  // shown over the model's
};

struct CopyRequest {
  std::string source;
  std::string destination;
};

// One line of progress of a long operation on the store. What is empty is left out.
struct ProgressEvent {
  std::string status;
  std::string digest;
  uint64_t total_bytes = 0;
  uint64_t completed_bytes = 0;
  // Of gc, verify and import:
  std::vector<std::string> models;
  std::string file;
  std::string detail;
  std::optional<uint64_t> count;  // last line: of files, blobs, models
  std::optional<uint64_t> wrong;  // last line of verify: of blobs that still are
  std::optional<uint64_t> bytes;  // that removing the file gave back; last line: all together

  bool operator==(const ProgressEvent&) const = default;
};

}  // namespace hearth::api
