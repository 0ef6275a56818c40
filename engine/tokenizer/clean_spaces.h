// The tidying of old Hugging Face tokenizers ("clean_up_tokenization_spaces"): decoded text loses
// the space before ? ! . , and before contractions.
#pragma once

#include <string>

namespace hearth::engine {

void clean_spaces(std::string& text);

}  // namespace hearth::engine
