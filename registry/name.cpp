#include "registry/name.h"

#include <fmt/format.h>

#include <vector>

#include "base/error.h"

namespace hearth::registry {
namespace {

constexpr size_t host_length_max = 350;
constexpr size_t part_length_max = 80;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_valid_part(std::string_view part, std::string_view extra_characters, size_t length_max) {
  if (part.empty() || part.size() > length_max) return false;
  if (!is_letter_or_digit(part[0]) && part[0] != '_') return false;
  for (char c : part) {
    if (!is_letter_or_digit(c) && extra_characters.find(c) == std::string_view::npos) return false;
  }
  return true;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_fold(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

// The first part that breaks the rules, in words; empty when the name is valid.
std::string_view invalid_part(const ModelName& name) {
  if (!is_valid_part(name.host, "_.:-", host_length_max)) return "host";
  if (!is_valid_part(name.namespace_, "_-", part_length_max)) return "namespace";
  if (!is_valid_part(name.model, "_.-", part_length_max)) return "model";
  if (!is_valid_part(name.tag, "_.-", part_length_max)) return "tag";
  return {};
}

// Cuts `rest` at its last `separator`. False, and nothing changed, when there is none.
bool cut_last(std::string_view& rest, char separator, std::string& right) {
  const size_t at = rest.rfind(separator);
  if (at == std::string_view::npos) return false;
  right = rest.substr(at + 1);
  rest = rest.substr(0, at);
  return true;
}

void split_host(std::string_view rest, ModelName& name) {
  const size_t at = rest.find("://");
  if (at == std::string_view::npos) {
    name.host = rest;
    return;
  }
  name.scheme = rest.substr(0, at);
  name.host = rest.substr(at + 3);
}

// A separator promises a part: whatever stands beside one is taken as it is, even when empty, and
// fails validation.
ModelName split(std::string_view text) {
  ModelName name;
  std::string_view rest = text;
  const size_t colon = rest.rfind(':');
  const size_t slash = rest.rfind('/');
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    name.tag = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
  }
  if (!cut_last(rest, '/', name.model)) {
    name.model = rest;
    return name;
  }
  if (!cut_last(rest, '/', name.namespace_)) {
    name.namespace_ = rest;
    return name;
  }
  split_host(rest, name);
  return name;
}

// Wrong names come from anywhere: messages show a bounded, printable piece.
std::string shown(std::string_view text) {
  std::string result;
  for (char c : text.substr(0, 100)) result += (c >= ' ' && c <= '~') ? c : '?';
  return text.size() > 100 ? result + "..." : result;
}

}  // namespace

ModelName ModelName::parse(std::string_view text) {
  if (text.empty())
    throw Error(ErrorCode::invalid_argument, "invalid model name: model is required");
  ModelName name = split(text);
  if (const std::string_view part = invalid_part(name); !part.empty()) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("invalid model name \"{}\": the {} is not valid; expected "
                            "[host/][namespace/]model[:tag] of letters, digits, '_', '-' and '.'",
                            shown(text), part));
  }
  return name;
}

std::optional<ModelName> ModelName::try_parse(std::string_view text) {
  ModelName name = split(text);
  if (!invalid_part(name).empty()) return std::nullopt;
  return name;
}

std::optional<ModelName> ModelName::from_relative_path(const std::filesystem::path& path) {
  std::vector<std::string> parts;
  for (const auto& part : path) parts.push_back(part.string());
  if (parts.size() != 4) return std::nullopt;
  ModelName name;
  name.host = parts[0];
  name.namespace_ = parts[1];
  name.model = parts[2];
  name.tag = parts[3];
  if (!invalid_part(name).empty()) return std::nullopt;
  return name;
}

std::string ModelName::display() const {
  if (!equal_fold(host, default_host)) return full();
  if (!equal_fold(namespace_, default_namespace))
    return fmt::format("{}/{}:{}", namespace_, model, tag);
  return fmt::format("{}:{}", model, tag);
}

std::string ModelName::full() const {
  return fmt::format("{}/{}/{}:{}", host, namespace_, model, tag);
}

std::filesystem::path ModelName::relative_path() const {
  return std::filesystem::path(host) / namespace_ / model / tag;
}

bool ModelName::operator==(const ModelName& other) const {
  return equal_fold(host, other.host) && equal_fold(namespace_, other.namespace_) &&
         equal_fold(model, other.model) && equal_fold(tag, other.tag);
}

}  // namespace hearth::registry
