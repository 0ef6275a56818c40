#include "base/nearest_word.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace hearth {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t exchanged = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({exchanged, row[j] + 1, diagonal + 1});
    }
  }
  return row[b.size()];
}

NearestWord::NearestWord(std::string_view word)
    : word_(word), distance_max_(std::max<size_t>(2, word.size() / 3)) {}

void NearestWord::consider(std::string_view candidate) {
  const size_t distance = edit_distance(word_, candidate);
  if (distance > distance_max_ || (!found_.empty() && distance == distance_max_)) return;
  found_ = candidate;
  distance_max_ = distance;
}

}  // namespace hearth
