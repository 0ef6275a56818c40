// Finds a text in what is generated, byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::engine {

// Immutable: where a search stands is a number, 0 at first.
class TextSearch {
 public:
  // Not empty, or never found.
  explicit TextSearch(std::string_view text);

  // How much of the text is matched behind this byte; size() when it is found.
  size_t step(size_t matched, char byte) const;
  size_t size() const { return text_.size(); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::vector<size_t> fallback_;  // by matched length (Knuth, Morris, Pratt)
};

}  // namespace hearth::engine
