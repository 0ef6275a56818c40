// "Did you mean ...?": the known word that somebody who mistyped most likely meant.
#pragma once

#include <cstddef>
#include <string_view>

namespace hearth {

// Letters to put in, take out or exchange to make one word the other.
size_t edit_distance(std::string_view a, std::string_view b);

// Considers candidates one by one; the views must outlive it.
class NearestWord {
 public:
  explicit NearestWord(std::string_view word);

  void consider(std::string_view candidate);
  // The nearest one considered, the first of equals; empty when all are too far for a slip of the
  // fingers.
  std::string_view found() const { return found_; }

 private:
  std::string_view word_;
  std::string_view found_;
  size_t distance_max_;  // of what would be nearer
};

}  // namespace hearth
