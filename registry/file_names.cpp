// See file_names.h.
#include "registry/file_names.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace hearth::registry {
namespace {

constexpr std::string_view extension = ".gguf";
constexpr std::string_view projector_word = "mmproj";
constexpr std::string_view separators = "-._";
constexpr size_t part_length_max = 80;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lowered(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

bool is_alphanumeric(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9');
}

std::optional<int> five_digits(std::string_view text) {
  int value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.size() != 5 || problem != std::errc() || end != text.data() + text.size() || value < 1)
    return std::nullopt;
  return value;
}

void trim_separators(std::string& text) {
  text.erase(0, std::min(text.size(), text.find_first_not_of(separators)));
  while (!text.empty() && separators.find(text.back()) != std::string_view::npos) text.pop_back();
}

std::string cleaned(std::string_view text, std::string_view extra_characters) {
  std::string part;
  for (const char c : text.substr(0, part_length_max)) {
    const bool is_fine = is_alphanumeric(c) || extra_characters.find(c) != std::string_view::npos;
    part += is_fine ? c : '-';
  }
  part.erase(0, std::min(part.size(), part.find_first_not_of("-.")));
  return part.empty() ? "model" : part;
}

}  // namespace

bool is_gguf(std::string_view file_name) {
  return file_name.size() > extension.size() && lowered(file_name).ends_with(extension);
}

std::optional<PartName> part_name(std::string_view name) {
  constexpr size_t tail = 14;  // "00002-of-00003"
  if (!is_gguf(name) || name.size() < tail + extension.size() + 1) return std::nullopt;
  const size_t start = name.size() - extension.size() - tail;
  const std::string_view text = name.substr(start, tail);
  const auto number = five_digits(text.substr(0, 5));
  const auto count = five_digits(text.substr(9));
  if (name[start - 1] != '-' || text.substr(5, 4) != "-of-" || !number || !count)
    return std::nullopt;
  return PartName{std::string(name.substr(0, start)) + std::string(name.substr(start + 6)), *number,
                  *count};
}

bool names_projector(std::string_view file_name) {
  return lowered(file_name).find(projector_word) != std::string::npos;
}

bool is_quantization(std::string_view text) {
  constexpr std::array<std::string_view, 9> plain = {"f16",  "f32",   "bf16",      "fp16", "fp32",
                                                     "bf32", "mxfp4", "mxfp4_moe", "nvfp4"};
  std::string label = lowered(text);
  if (label.starts_with("ud-")) label.erase(0, 3);
  if (std::find(plain.begin(), plain.end(), label) != plain.end()) return true;
  if (label.starts_with('i') || label.starts_with('t')) label.erase(0, 1);
  if (label.size() < 2 || label[0] != 'q' || label[1] < '1' || label[1] > '8') return false;
  for (std::string_view rest = std::string_view(label).substr(2); !rest.empty();) {
    const size_t end = std::min(rest.find('_', 1), rest.size());
    const std::string_view group = rest.substr(0, end);  // "_k", "_xxs", "_0"
    const bool is_group = group.size() >= 2 && group.size() <= 4 && group[0] == '_' &&
                          std::all_of(group.begin() + 1, group.end(), is_alphanumeric);
    if (!is_group) return false;
    rest.remove_prefix(end);
  }
  return true;
}

FileLabel file_label(std::string_view file_name) {
  std::string stem(file_name);
  if (const auto part = part_name(stem)) {
    constexpr size_t tail = 15;  // "-00002-of-00003"
    stem.erase(stem.size() - extension.size() - tail);
  } else if (is_gguf(stem)) {
    stem.erase(stem.size() - extension.size());
  }
  if (const size_t at = lowered(stem).find(projector_word); at != std::string::npos) {
    stem.erase(at, projector_word.size());
    trim_separators(stem);
    // "model.mmproj-f16" leaves two separators in the middle.
    if (at > 0 && at < stem.size() && separators.find(stem[at - 1]) != std::string_view::npos &&
        separators.find(stem[at]) != std::string_view::npos) {
      stem.erase(at, 1);
    }
  }
  FileLabel label;
  if (is_quantization(stem)) return {"", stem};
  // The first separator behind which nothing but a label stands: labels have some of their own.
  for (size_t at = 1; at + 1 < stem.size(); ++at) {
    if (separators.find(stem[at]) == std::string_view::npos) continue;
    if (is_quantization(std::string_view(stem).substr(at + 1)))
      return {stem.substr(0, at), stem.substr(at + 1)};
  }
  return {stem, ""};
}

std::string name_part(std::string_view text) {
  return cleaned(text, "_.-");
}

std::string namespace_part(std::string_view text) {
  return cleaned(text, "_-");
}

}  // namespace hearth::registry
