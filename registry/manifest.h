// Manifests (what a model consists of) and the config blob they point to, as JSON.
// The store keeps a manifest's bytes as received; these types are what we read out of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/blob_digest.h"

namespace hearth::registry {

namespace media_type {
inline constexpr std::string_view manifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view config = "application/vnd.docker.container.image.v1+json";
inline constexpr std::string_view model = "application/vnd.ollama.image.model";
inline constexpr std::string_view projector = "application/vnd.ollama.image.projector";
inline constexpr std::string_view adapter = "application/vnd.ollama.image.adapter";
inline constexpr std::string_view draft = "application/vnd.ollama.image.draft";
inline constexpr std::string_view template_text = "application/vnd.ollama.image.template";
inline constexpr std::string_view prompt =
    "application/vnd.ollama.image.prompt";  // old name of template
inline constexpr std::string_view system = "application/vnd.ollama.image.system";
inline constexpr std::string_view params = "application/vnd.ollama.image.params";
inline constexpr std::string_view messages = "application/vnd.ollama.image.messages";
inline constexpr std::string_view license = "application/vnd.ollama.image.license";
}  // namespace media_type

struct Layer {
  std::string media_type;
  BlobDigest digest;
  uint64_t size_bytes = 0;
  std::string from;  // model layers: short name of the parent model; empty when none
  std::string name;  // tensor and json layers: their file name; empty when none
};

struct Manifest {
  std::optional<Layer> config;  // absent in odd manifests
  std::vector<Layer> layers;

  // Sum of all layers and the config, as `list` shows it.
  uint64_t size_bytes() const;
};

// `what` names the manifest in messages. Throws Error{corrupt_data}: not JSON, no layers list,
// wrong types, a digest or size that cannot be. Unknown fields are ignored.
Manifest parse_manifest(std::string_view bytes, std::string_view what);
// As a locally created model writes it: one line of JSON and a newline.
std::string print_manifest(const Manifest& manifest);

// The config blob. Empty strings, lists and zeros mean "not given" and are left out when printed.
struct ModelConfig {
  std::string model_format;  // "gguf"
  std::string model_family;  // general.architecture
  std::vector<std::string> model_families;
  std::string model_type;  // parameter count for people, "8.0B"
  std::string file_type;   // quantisation label, "Q4_K_M"
  std::string renderer;
  std::string parser;
  std::string required_version;  // key "requires"
  std::string remote_host;
  std::string remote_model;
  std::vector<std::string> capabilities;
  std::string base_name;
  uint64_t context_length = 0;
  uint64_t embedding_length = 0;
};

// Throws Error{corrupt_data}. A key of the wrong type is an error, unknown keys are ignored.
ModelConfig parse_model_config(std::string_view bytes, std::string_view what);
std::string print_model_config(const ModelConfig& config);

// "8.0B", "361M", "260K": what `model_type` and parameter_size hold for a number of parameters.
std::string human_parameter_count(uint64_t count);

}  // namespace hearth::registry
