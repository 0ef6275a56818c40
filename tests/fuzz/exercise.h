// Everything hearth does with a GGUF file of unknown origin, in one call.
#pragma once

#include <string>
#include <string_view>

namespace hearth::fuzz {

// How far a file got.
enum class Depth { refused, opened, has_info, has_tokenizer, loaded, ran };

struct Outcome {
  Depth depth = Depth::refused;
  std::string complaint;  // the first Error's text; empty when there was none
};

// Opens, describes, tokenizes, loads and runs a step of the file. Every hearth::Error is an orderly
// refusal; any other exception is let through, and so is an Error whose text is not one printable
// line (as std::logic_error).
Outcome exercise_gguf(std::string_view bytes);

}  // namespace hearth::fuzz
