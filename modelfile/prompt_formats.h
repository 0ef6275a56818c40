// Formats of prompts that known families of models were trained on, for GGUF files that carry no
// chat template. Written here from what the models' makers published.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::modelfile {

// One row. A file is of that family when everything the row names is there.
struct PromptFormat {
  std::string_view name;                   // "chatml"
  std::vector<std::string_view> families;  // general.architecture is one of these; empty: any
  std::vector<std::string_view> names;     // each occurs in the model's name, in lower case
  std::vector<std::string_view> tokens;    // each is a special token of the vocabulary
  std::string_view text;                   // Jinja; see Template::parse_jinja
  std::vector<std::string_view> stops;     // strings that end an answer
};

// What a file says about itself.
struct ModelSigns {
  std::string architecture;
  std::string name;                         // general.name, in any case
  std::vector<std::string> special_tokens;  // control tokens and added ones
};

std::span<const PromptFormat> prompt_formats();

// The first row that fits; null when none does. Rows that ask for more stand first.
const PromptFormat* recognise_prompt_format(const ModelSigns& signs);

}  // namespace hearth::modelfile
