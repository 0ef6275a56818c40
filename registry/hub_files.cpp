#include "registry/hub_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"

namespace hearth::registry {
namespace {

constexpr std::string_view extension = ".gguf";

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return result;
}

std::string_view file_name(std::string_view path) {
  return path.substr(path.rfind('/') == path.npos ? 0 : path.rfind('/') + 1);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_border(std::string_view text, size_t at) {
  return at >= text.size() || std::string_view("-._ ").find(text[at]) != std::string_view::npos;
}

// "name-00002-of-00005.gguf" is part 2 of 5 of "name"; other files are part 1 of 1 of themselves.
struct PartName {
  std::string stem;  // with its folder, without the extension
  int number = 1;
  int count = 1;
};

PartName part_name(std::string_view path) {
  std::string_view stem = path.substr(0, path.size() - extension.size());
  constexpr std::string_view shape = "-00000-of-00000";
  if (stem.size() > shape.size()) {
    const std::string_view tail = stem.substr(stem.size() - shape.size());
    bool is_part = true;
    for (size_t i = 0; i < shape.size(); ++i)
      is_part &= shape[i] == '0' ? is_digit(tail[i]) : tail[i] == shape[i];
    if (is_part) {
      return {std::string(stem.substr(0, stem.size() - shape.size())),
              std::stoi(std::string(tail.substr(1, 5))),
              std::stoi(std::string(tail.substr(10, 5)))};
    }
  }
  return {std::string(stem)};
}

// Length of the quantisation's name at the start of `text` (upper case); 0: there is none.
size_t quant_length(std::string_view text) {
  for (std::string_view whole :
       {"MXFP4_MOE", "MXFP4", "NVFP4", "BF16", "F16", "F32", "FP16", "FP32"})
    if (text.starts_with(whole) && is_border(text, whole.size())) return whole.size();
  size_t at = 0;
  if (text.starts_with("IQ") || text.starts_with("TQ"))
    at = 2;
  else if (text.starts_with("Q"))
    at = 1;
  if (at == 0 || at >= text.size() || !is_digit(text[at])) return 0;
  ++at;
  constexpr std::array<std::string_view, 12> endings = {"K",   "S",  "M", "L", "XL", "XS",
                                                        "XXS", "NL", "0", "1", "4",  "8"};
  while (at < text.size() && text[at] == '_') {
    const std::string_view rest = text.substr(at + 1);
    const auto found = std::find_if(endings.begin(), endings.end(), [&](std::string_view ending) {
      return rest.starts_with(ending) && is_border(rest, ending.size());
    });
    if (found == endings.end()) break;
    at += 1 + found->size();
  }
  return is_border(text, at) ? at : 0;
}

// The last one in a name.
std::string quant_in(std::string_view name) {
  const std::string text = upper(name);
  std::string label;
  for (size_t at = 0; at < text.size(); ++at) {
    if (at > 0 && !is_border(text, at - 1)) continue;
    if (const size_t length = quant_length(std::string_view(text).substr(at)); length > 0) {
      const bool is_dynamic = at >= 3 && text.compare(at - 3, 3, "UD-") == 0;
      label = (is_dynamic ? "UD-" : "") + text.substr(at, length);
      at += length - 1;
    }
  }
  if (label == "FP16" || label == "FP32") label.erase(1, 1);
  return label;
}

bool is_projector(std::string_view path) {
  return lower(file_name(path)).find("mmproj") != std::string::npos;
}

bool is_model_file(const HubFile& file) {
  const std::string name = lower(file_name(file.path));
  return file.digest && name.size() > extension.size() && name.ends_with(extension) &&
         !is_projector(file.path) && name.find("imatrix") == std::string::npos &&
         !name.starts_with("ggml-vocab");
}

bool is_unquantised(const HubVariant& variant) {
  return std::set<std::string_view>{"F32", "F16", "BF16"}.count(variant.label) > 0;
}
// Formats that K quants of the same size are better than.
bool is_replaced(const HubVariant& variant) {
  return variant.label.starts_with("Q4_0") || variant.label == "Q4_1" || variant.label == "Q5_0" ||
         variant.label == "Q5_1";
}

std::string gigabytes(uint64_t bytes) {
  return bytes < 1'000'000'000 ? fmt::format("{} MB", bytes / 1'000'000)
                               : fmt::format("{:.1f} GB", static_cast<double>(bytes) / 1e9);
}

std::string labels(const std::vector<HubVariant>& variants) {
  std::string text;
  for (const HubVariant& variant : variants)
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", variant.label,
                        gigabytes(variant.size_bytes()));
  return text;
}

const HubVariant* largest(const std::vector<HubVariant>& variants, uint64_t bytes_max) {
  const HubVariant* found = nullptr;
  for (const HubVariant& variant : variants)
    if (variant.size_bytes() <= bytes_max) found = &variant;  // smallest first
  return found;
}

// Without what one would not choose, unless nothing is left then.
std::vector<HubVariant> sensible(const std::vector<HubVariant>& variants) {
  std::vector<HubVariant> quantised, modern;
  for (const HubVariant& variant : variants)
    if (!is_unquantised(variant)) quantised.push_back(variant);
  for (const HubVariant& variant : quantised)
    if (!is_replaced(variant)) modern.push_back(variant);
  if (!modern.empty()) return modern;
  return quantised.empty() ? variants : quantised;
}

bool ends_with_word(std::string_view text, std::string_view word) {
  return text.size() > word.size() && text.ends_with(word) &&
         is_border(text, text.size() - word.size() - 1);
}

uint64_t size_in(const nlohmann::json& entry) {
  const nlohmann::json& size = entry.at("size");
  // Beyond that sums could wrap; no file is that large.
  if (!size.is_number_unsigned() || size.get<uint64_t>() > uint64_t{1} << 50)
    throw Error(ErrorCode::corrupt_data, "the list of files has a size that cannot be");
  return size.get<uint64_t>();
}

}  // namespace

std::vector<HubFile> parse_hub_files(std::string_view text, std::string_view what) {
  std::vector<HubFile> files;
  try {
    const auto list = nlohmann::json::parse(text);
    for (const auto& entry : list.get_ref<const nlohmann::json::array_t&>()) {
      if (entry.value("type", "file") != "file") continue;
      HubFile file;
      file.path = entry.at("path").get<std::string>();
      file.size_bytes = size_in(entry);
      if (const auto large = entry.find("lfs"); large != entry.end() && large->is_object()) {
        file.size_bytes = size_in(*large);
        file.digest = BlobDigest::try_parse("sha256:" + large->value("oid", ""));
      }
      files.push_back(std::move(file));
    }
  } catch (const nlohmann::json::exception& problem) {
    throw Error(ErrorCode::corrupt_data,
                fmt::format("{}: the list of files makes no sense: {}", what, problem.what()));
  }
  return files;
}

uint64_t HubVariant::size_bytes() const {
  uint64_t sum = 0;
  for (const HubFile& part : parts) sum += part.size_bytes;
  return sum;
}

std::string quant_label(std::string_view path) {
  if (path.size() > extension.size() && lower(path).ends_with(extension)) {
    const PartName name = part_name(path);
    for (std::string_view rest = name.stem; !rest.empty();) {
      if (std::string label = quant_in(file_name(rest)); !label.empty()) return label;
      const size_t slash = rest.rfind('/');
      rest = slash == rest.npos ? std::string_view() : rest.substr(0, slash);
    }
  }
  return "";
}

std::vector<HubVariant> hub_variants(const std::vector<HubFile>& files) {
  std::map<std::pair<std::string, int>, std::map<int, HubFile>> sets;  // by stem and count
  for (const HubFile& file : files) {
    if (!is_model_file(file)) continue;
    const PartName name = part_name(file.path);
    sets[{name.stem, name.count}].emplace(name.number, file);
  }
  std::vector<HubVariant> variants;
  std::set<std::string> taken;
  for (const auto& [key, parts] : sets) {
    const auto& [stem, count] = key;
    if (static_cast<int>(parts.size()) != count || parts.begin()->first != 1 ||
        parts.rbegin()->first != count)
      continue;
    HubVariant variant;
    variant.label = quant_label(parts.begin()->second.path);
    if (variant.label.empty() || !taken.insert(variant.label).second)
      variant.label = file_name(stem);
    for (const auto& part : parts) variant.parts.push_back(part.second);
    variants.push_back(std::move(variant));
  }
  std::stable_sort(variants.begin(), variants.end(), [](const HubVariant& a, const HubVariant& b) {
    return a.size_bytes() < b.size_bytes();
  });
  return variants;
}

HubVariant tagged_variant(const std::vector<HubVariant>& variants, std::string_view tag) {
  std::string wanted = lower(tag);
  if (wanted.ends_with(extension)) wanted = part_name(wanted).stem;
  for (const HubVariant& variant : variants)
    if (lower(variant.label) == wanted) return variant;
  const auto stem = [](const HubVariant& variant) {
    return lower(file_name(part_name(variant.parts.front().path).stem));
  };
  for (const HubVariant& variant : variants)
    if (stem(variant) == wanted) return variant;
  for (const HubVariant& variant : variants)
    if (ends_with_word(lower(variant.label), wanted) || ends_with_word(stem(variant), wanted))
      return variant;
  throw Error(ErrorCode::not_found, variants.empty()
                                        ? "the repository has no GGUF files"
                                        : fmt::format("the repository has no \"{}\"; there are {}",
                                                      tag, labels(variants)));
}

HubChoice best_variant(const std::vector<HubVariant>& variants, uint64_t memory_bytes) {
  if (variants.empty()) throw Error(ErrorCode::not_found, "the repository has no GGUF files");
  const auto said = [&](const HubVariant& variant, const std::string& why) {
    return HubChoice{
        variant, fmt::format("{}, {}: {}", variant.label, gigabytes(variant.size_bytes()), why)};
  };
  if (variants.size() == 1) return said(variants.front(), "the only variant there is");
  const std::vector<HubVariant> choice = sensible(variants);
  if (memory_bytes == 0) {
    for (std::string_view label : {"Q4_K_M", "Q4"})
      for (const HubVariant& variant : choice)
        if (variant.label.find(label) != std::string::npos)
          return said(variant, "the usual choice");
    return said(choice.front(), fmt::format("the smallest of {}", variants.size()));
  }
  const std::string memory = gigabytes(memory_bytes);
  if (const HubVariant* found = largest(choice, memory_bytes / 2)) {
    return said(*found,
                fmt::format("the largest of {} variants that leaves half of the {} of memory that "
                            "models may take",
                            variants.size(), memory));
  }
  for (const std::vector<HubVariant>* some : {&choice, &variants}) {
    if (const HubVariant* found = largest(*some, memory_bytes / 20 * 17)) {
      return said(*found, fmt::format("the largest of {} variants that fits into the {} of memory "
                                      "that models may take",
                                      variants.size(), memory));
    }
  }
  throw Error(ErrorCode::out_of_memory,
              fmt::format("none of the variants fits into the {} of memory that models may take "
                          "here; name one to pull it all the same: {}",
                          memory, labels(variants)));
}

std::optional<HubFile> hub_projector(const std::vector<HubFile>& files) {
  constexpr std::array<std::string_view, 5> order = {"F16", "BF16", "F32", "Q8_0", ""};
  const auto rank = [&](const HubFile& file) {
    const std::string label = quant_label(file.path);
    return std::find(order.begin(), order.end() - 1, label) - order.begin();
  };
  std::optional<HubFile> best;
  for (const HubFile& file : files) {
    if (!file.digest || !is_projector(file.path) || !lower(file.path).ends_with(extension))
      continue;
    if (!best || rank(file) < rank(*best)) best = file;
  }
  return best;
}

}  // namespace hearth::registry
