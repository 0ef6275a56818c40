// Neutral types of everything about models that is not an answer: lists, descriptions, progress.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/time_text.h"
#include "modelfile/chat.h"
#include "modelfile/parameters.h"

namespace hearth::api {

using modelfile::Json;
using modelfile::Message;

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
  // What the template makes of a small conversation; empty where that was not asked for.
  std::string rendered_example;
  WallTime modified_at;
};

struct ShowRequest {
  std::string model;
  bool is_verbose = false;
  std::string system;                 // shown in place of the model's, where not empty
  modelfile::Parameters options;      // shown over the model's
  std::vector<std::string> warnings;  // as in ChatRequest
};

struct CopyRequest {
  std::string source;
  std::string destination;
  std::vector<std::string> warnings;  // as in ChatRequest
};

struct DeleteRequest {
  std::string model;
  std::vector<std::string> warnings;  // as in ChatRequest
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
