// What the names of model files say: parts of a split model, the quantisation at the end,
// projectors. Conventions, not promises: what a file is says its header.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "registry/name.h"

namespace hearth::registry {

bool is_gguf(std::string_view file_name);

// "name-00002-of-00003.gguf"
struct PartName {
  std::string whole;  // "name-of-00003.gguf": equal for all parts of one model
  int number = 0;     // from 1
  int count = 0;
};
std::optional<PartName> part_name(std::string_view file_name);

// "Llama-3.2-1B-Q4_K_M.gguf" is {"Llama-3.2-1B", "Q4_K_M"}; parts lose their numbers, projectors
// the "mmproj".
struct FileLabel {
  std::string base;
  std::string quantization;  // empty when the name says none
};
FileLabel file_label(std::string_view file_name);
bool names_projector(std::string_view file_name);

// "Q4_K_M", "iq3_xxs", "UD-Q4_K_XL", "bf16", "mxfp4" ...
bool is_quantization(std::string_view text);

// Whatever stands in a file or folder name as a part of a model name: other characters become '-'.
// Never empty.
std::string name_part(std::string_view text);
// The same for a namespace, which has no dots.
std::string namespace_part(std::string_view text);

}  // namespace hearth::registry
