#include "registry/manifest.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace hearth::registry {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t layers_max = 100'000;

[[noreturn]] void fail(std::string_view what, std::string_view reason) {
  throw Error(ErrorCode::corrupt_data, fmt::format("{}: {}", what, reason));
}

// Nesting is bounded before the parser sees it: its recursion is not.
Json parse_object(std::string_view bytes, std::string_view what) {
  int depth = 0;
  for (char c : bytes) {
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (depth > 64) fail(what, "nested too deeply");
  }
  Json json = Json::parse(bytes, nullptr, false);
  if (json.is_discarded()) fail(what, "not valid JSON");
  if (!json.is_object()) fail(what, "expected a JSON object");
  return json;
}

std::string text_or_empty(const Json& object, const char* key, std::string_view what) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  if (!found->is_string()) fail(what, fmt::format("\"{}\" must be a string", key));
  return found->get<std::string>();
}

uint64_t number_or_zero(const Json& object, const char* key, std::string_view what) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return 0;
  if (!found->is_number_unsigned())
    fail(what, fmt::format("\"{}\" must be a whole number, not negative", key));
  return found->get<uint64_t>();
}

std::vector<std::string> texts_or_empty(const Json& object, const char* key,
                                        std::string_view what) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  std::vector<std::string> texts;
  if (!found->is_array()) fail(what, fmt::format("\"{}\" must be a list of strings", key));
  for (const Json& entry : *found) {
    if (!entry.is_string()) fail(what, fmt::format("\"{}\" must be a list of strings", key));
    texts.push_back(entry.get<std::string>());
  }
  return texts;
}

Layer parse_layer(const Json& json, std::string_view what) {
  if (!json.is_object()) fail(what, "a layer is not an object");
  const auto digest = BlobDigest::try_parse(text_or_empty(json, "digest", what));
  if (!digest) fail(what, "a layer's digest is not sha256: and 64 hex digits");
  Layer layer{.media_type = text_or_empty(json, "mediaType", what),
              .digest = *digest,
              .size_bytes = number_or_zero(json, "size", what),
              .from = text_or_empty(json, "from", what),
              .name = text_or_empty(json, "name", what)};
  if (layer.size_bytes > (uint64_t{1} << 56)) fail(what, "a layer's size is impossible");
  return layer;
}

Json print_layer(const Layer& layer) {
  Json json{
      {"mediaType", layer.media_type}, {"digest", layer.digest.text()}, {"size", layer.size_bytes}};
  if (!layer.from.empty()) json["from"] = layer.from;
  if (!layer.name.empty()) json["name"] = layer.name;
  return json;
}

// Texts of model files need not be UTF-8; what cannot be said in JSON becomes U+FFFD.
std::string dump_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void put(Json& json, const char* key, const std::string& value) {
  if (!value.empty()) json[key] = value;
}

void put(Json& json, const char* key, const std::vector<std::string>& value) {
  if (!value.empty()) json[key] = value;
}

void put(Json& json, const char* key, uint64_t value) {
  if (value != 0) json[key] = value;
}

}  // namespace

uint64_t Manifest::size_bytes() const {
  uint64_t total = config ? config->size_bytes : 0;
  for (const Layer& layer : layers) total += layer.size_bytes;
  return total;
}

Manifest parse_manifest(std::string_view bytes, std::string_view what) {
  const Json json = parse_object(bytes, what);
  Manifest manifest;
  const auto config = json.find("config");
  // Some registries send an empty object where there is no config.
  const bool has_config = config != json.end() && config->is_object() &&
                          !text_or_empty(*config, "digest", what).empty();
  if (has_config) manifest.config = parse_layer(*config, what);
  const auto layers = json.find("layers");
  if (layers == json.end() || !layers->is_array()) fail(what, "no list of layers");
  if (layers->size() > layers_max) {
    fail(what, fmt::format("{} layers, at most {} allowed", layers->size(), layers_max));
  }
  for (const Json& layer : *layers) manifest.layers.push_back(parse_layer(layer, what));
  return manifest;
}

std::string print_manifest(const Manifest& manifest) {
  Json json{{"schemaVersion", 2}, {"mediaType", media_type::manifest}};
  if (manifest.config) json["config"] = print_layer(*manifest.config);
  json["layers"] = Json::array();
  for (const Layer& layer : manifest.layers) json["layers"].push_back(print_layer(layer));
  return dump_line(json);
}

ModelConfig parse_model_config(std::string_view bytes, std::string_view what) {
  const Json json = parse_object(bytes, what);
  ModelConfig config;
  config.model_format = text_or_empty(json, "model_format", what);
  config.model_family = text_or_empty(json, "model_family", what);
  config.model_families = texts_or_empty(json, "model_families", what);
  config.model_type = text_or_empty(json, "model_type", what);
  config.file_type = text_or_empty(json, "file_type", what);
  config.renderer = text_or_empty(json, "renderer", what);
  config.parser = text_or_empty(json, "parser", what);
  config.required_version = text_or_empty(json, "requires", what);
  config.remote_host = text_or_empty(json, "remote_host", what);
  config.remote_model = text_or_empty(json, "remote_model", what);
  config.capabilities = texts_or_empty(json, "capabilities", what);
  config.base_name = text_or_empty(json, "base_name", what);
  config.context_length = number_or_zero(json, "context_length", what);
  config.embedding_length = number_or_zero(json, "embedding_length", what);
  return config;
}

std::string print_model_config(const ModelConfig& config) {
  Json json = Json::object();
  put(json, "model_format", config.model_format);
  put(json, "model_family", config.model_family);
  put(json, "model_families", config.model_families);
  put(json, "model_type", config.model_type);
  put(json, "file_type", config.file_type);
  put(json, "renderer", config.renderer);
  put(json, "parser", config.parser);
  put(json, "requires", config.required_version);
  put(json, "remote_host", config.remote_host);
  put(json, "remote_model", config.remote_model);
  put(json, "capabilities", config.capabilities);
  put(json, "context_length", config.context_length);
  put(json, "embedding_length", config.embedding_length);
  put(json, "base_name", config.base_name);
  // Constants that every image config carries; readers of the format expect them.
  json["architecture"] = "amd64";
  json["os"] = "linux";
  json["rootfs"] = {{"type", "layers"}, {"diff_ids", Json::array()}};
  return dump_line(json);
}

std::string human_parameter_count(uint64_t count) {
  const auto value = static_cast<double>(count);
  const auto scaled = [&](uint64_t unit, int decimals, char letter) {
    return fmt::format("{:.{}f}{}", value / static_cast<double>(unit),
                       count % unit == 0 ? 0 : decimals, letter);
  };
  if (count >= 1'000'000'000) return scaled(1'000'000'000, 1, 'B');
  if (count >= 1'000'000) return scaled(1'000'000, 2, 'M');
  if (count >= 1'000) return scaled(1'000, 0, 'K');
  return fmt::format("{}", count);
}

}  // namespace hearth::registry
