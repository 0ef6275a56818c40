// From one row per token to what an embedding request answers: one vector, one row of scores, or
// all rows.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace hearth::engine {

// Values are those of the key <architecture>.pooling_type.
enum class Pooling : uint8_t {
  none,  // the rows of all tokens
  mean,  // of all tokens
  cls,   // the first token
  last,  // the last token
  rank,  // scores of a reranker's head, for the first token or, in models that look back only, the
         // last
};

inline constexpr int32_t pooling_count = 5;
std::string_view to_string(Pooling pooling);
// Empty for a name that is none.
std::optional<Pooling> pooling_from(std::string_view name);

// Adds up the mean of rows that arrive in any number of pieces, in the order of the tokens and in
// double, so that the result does not depend on the pieces.
class RowMean {
 public:
  // [rows, width]
  void add(std::span<const float> rows, int64_t width);
  std::vector<float> mean() const;

 private:
  std::vector<double> sums_;
  int64_t count_ = 0;
};

// To length 1; zeros stay zeros.
void normalize(std::span<float> vector);
// Scores to shares that add up to 1.
void soften(std::span<float> scores);

}  // namespace hearth::engine
