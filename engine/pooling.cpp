#include "engine/pooling.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace hearth::engine {
namespace {

constexpr std::array<std::string_view, pooling_count> names = {"none", "mean", "cls", "last",
                                                               "rank"};

}  // namespace

std::string_view to_string(Pooling pooling) {
  return names[static_cast<size_t>(pooling)];
}

std::optional<Pooling> pooling_from(std::string_view name) {
  const auto place = std::find(names.begin(), names.end(), name);
  if (place == names.end()) return std::nullopt;
  return static_cast<Pooling>(place - names.begin());
}

void RowMean::add(std::span<const float> rows, int64_t width) {
  sums_.resize(static_cast<size_t>(width), 0.0);
  for (size_t i = 0; i < rows.size(); ++i) sums_[i % sums_.size()] += static_cast<double>(rows[i]);
  count_ += std::ssize(rows) / width;
}

std::vector<float> RowMean::mean() const {
  std::vector<float> mean;
  mean.reserve(sums_.size());
  for (double sum : sums_) mean.push_back(static_cast<float>(sum / static_cast<double>(count_)));
  return mean;
}

void normalize(std::span<float> vector) {
  double squares = 0;
  for (float value : vector) squares += static_cast<double>(value) * value;
  if (squares == 0) return;
  const double factor = 1.0 / std::sqrt(squares);
  for (float& value : vector) value = static_cast<float>(value * factor);
}

void soften(std::span<float> scores) {
  const double largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (float score : scores) sum += std::exp(score - largest);
  for (float& score : scores) score = static_cast<float>(std::exp(score - largest) / sum);
}

}  // namespace hearth::engine
