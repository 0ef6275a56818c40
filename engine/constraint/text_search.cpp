#include "engine/constraint/text_search.h"

namespace hearth::engine {

TextSearch::TextSearch(std::string_view text) : text_(text), fallback_(text.size() + 1, 0) {
  for (size_t i = 1; i < text_.size(); ++i) fallback_[i + 1] = step(fallback_[i], text_[i]);
}

size_t TextSearch::step(size_t matched, char byte) const {
  while (matched > 0 && (matched == text_.size() || text_[matched] != byte))
    matched = fallback_[matched];
  return matched < text_.size() && text_[matched] == byte ? matched + 1 : matched;
}

}  // namespace hearth::engine
