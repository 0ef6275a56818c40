#include "engine/tokenizer/clean_spaces.h"

#include <string_view>

namespace hearth::engine {
namespace {

bool is_closing(char c) {
  return c == '?' || c == '!' || c == '.' || c == ',';
}

// Whether `rest`, which follows an apostrophe, makes it a contraction.
bool is_contraction(std::string_view rest) {
  return rest.starts_with('s') || rest.starts_with('m') || rest.starts_with("re") ||
         rest.starts_with("ve");
}

// Copies `text` without the bytes `drops(text, i)` names.
template <typename Drops>
std::string without(std::string_view text, const Drops& drops) {
  std::string kept;
  kept.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (!drops(text, i)) kept.push_back(text[i]);
  }
  return kept;
}

// Drops the spaces around apostrophes that stand alone. A space is dropped for one apostrophe only:
// the next one then has none before it.
std::string without_quoting_spaces(std::string_view text) {
  std::string kept;
  kept.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with(" ' ")) {
      kept.push_back('\'');
      i += 2;
    } else {
      kept.push_back(text[i]);
    }
  }
  return kept;
}

}  // namespace

void clean_spaces(std::string& text) {
  text = without(text, [](std::string_view t, size_t i) {
    return t[i] == ' ' && i + 1 < t.size() && is_closing(t[i + 1]);
  });
  text = without_quoting_spaces(text);
  text = without(text, [](std::string_view t, size_t i) {
    return t.substr(i).starts_with(" '") && is_contraction(t.substr(i + 2));
  });
}

}  // namespace hearth::engine
