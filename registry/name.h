// Model names: [scheme://][host/][namespace/]model[:tag], as registries, the store and people write
// them. The rules make it impossible for a valid name to leave the manifests folder (no part can be
// "." or "..").
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::registry {

inline constexpr std::string_view default_host = "registry.ollama.ai";
inline constexpr std::string_view default_namespace = "library";
inline constexpr std::string_view default_tag = "latest";

// A complete, valid name. Case is kept as typed; comparison ignores ASCII case in all four parts.
struct ModelName {
  std::string host{default_host};
  std::string namespace_{default_namespace};
  std::string model;
  std::string tag{default_tag};
  std::string scheme = "https";  // only how to reach the host; no part of the name's identity

  // Fills defaults for parts left out. Throws Error{invalid_argument} naming the text and the part
  // that is wrong.
  static ModelName parse(std::string_view text);
  // The same without the exception.
  static std::optional<ModelName> try_parse(std::string_view text);
  // Inverse of relative_path(): exactly four valid parts, otherwise absent.
  static std::optional<ModelName> from_relative_path(const std::filesystem::path& path);

  // Short form for people: "llama3.2:latest", "user/m:latest", "hf.co/user/repo:Q4_K_M".
  std::string display() const;
  // host/namespace/model:tag
  std::string full() const;
  // host/namespace/model/tag, below the manifests folder.
  std::filesystem::path relative_path() const;

  bool operator==(const ModelName& other) const;
};

}  // namespace hearth::registry
