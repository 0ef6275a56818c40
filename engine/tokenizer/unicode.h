// What WordPiece asks about characters: classes, lower case, and letters without their accents. The
// tables are generated (make_unicode_tables).
#pragma once

#include <cstdint>

namespace hearth::engine {

enum class CodePointClass : uint8_t {
  other,
  control,      // categories Cc, Cf, Co, Cs
  punctuation,  // categories P*
  accent,       // category Mn
};

// By category; what is not assigned is `other`.
CodePointClass code_point_class(uint32_t code_point);
// Unicode's White_Space.
bool is_white_space(uint32_t code_point);
// The simple lower-case mapping, one character to one.
uint32_t lower_case(uint32_t code_point);
// The first character of the canonical decomposition: é gives e, a Hangul syllable its first jamo.
uint32_t base_character(uint32_t code_point);
// Characters that WordPiece takes as words of their own. The block from U+2B820 begins at U+2B920,
// as in the tokenizers the vocabularies were made with.
bool is_cjk(uint32_t code_point);

}  // namespace hearth::engine
