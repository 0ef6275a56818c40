// What is asked for when a model is made.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "modelfile/chat.h"
#include "modelfile/parameters.h"

namespace hearth::api {

// What a new model's config says in place of what its weights say; empty and 0: nothing.
struct CreateInfo {
  std::vector<std::string> capabilities;
  std::string model_family;
  std::string base_name;
  std::string quantization_level;
  std::string parameter_size;
  int64_t context_length = 0;
  int64_t embedding_length = 0;
};

// Either `from` is given or one of `files` and `links`.
struct CreateRequest {
  std::string model;
  std::optional<std::string> from;
  std::map<std::string, std::string> files;     // file name -> digest as written
  std::map<std::string, std::string> links;     // file name -> where it lies, absolute
  std::map<std::string, std::string> adapters;  // as files; at most one
  std::map<std::string, std::string> draft_files;
  std::string quantize;        // a name of engine/quantize.h, in any case; empty: as it is
  std::string draft_quantize;  // the same for the draft model
  std::string renderer;        // kept for other programs
  std::string parser;          // likewise
  std::string required_version;
  CreateInfo info;
  std::optional<std::string> template_text;
  std::optional<std::string> system;
  std::vector<std::string> licenses;
  modelfile::Parameters parameters;
  std::vector<modelfile::Message> messages;
  bool is_insecure = false;  // `from` may be pulled by plain http
  bool is_stream = true;
  std::vector<std::string> warnings;  // as in ChatRequest
};

}  // namespace hearth::api
