// Binds a file's tensors to a tape by name and expected shape, and collects everything that is
// wrong, so that a broken or foreign file is explained by one message and not one problem at a
// time.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/gguf/reader.h"
#include "engine/kernels/kernels.h"
#include "engine/tape/tape.h"

namespace hearth::engine {

// Vectors that a file stores as something else than f32, turned into it. Weights point into it: it
// lives as long as the tape.
using VectorStorage = std::deque<std::vector<float>>;

class WeightLoader {
 public:
  WeightLoader(const GgufFile& file, const KernelTable& kernels, Tape& tape,
               VectorStorage& storage);

  bool has(const std::string& name) const { return file_.find_tensor(name) != nullptr; }
  // [width, rows] in the order of the file. A matrix keeps its type and memory. Whatever is wrong
  // with it is noted, and a weight of the expected shape without data is given, so that emission
  // can go on.
  WeightId matrix(const std::string& name, int64_t width, int64_t rows);
  // Some rows of a matrix of `total` rows.
  WeightId matrix_rows(const std::string& name, int64_t width, int64_t total, int64_t first,
                       int64_t count);
  // [width, rows, count]: as a matrix of rows * count rows, with its bias [rows, count] where there
  // is one. `name` without ".weight".
  ExpertMatrix experts(const std::string& name, int64_t width, int64_t rows, int64_t count);
  // Notes it as unsupported when two matrices of one input read different forms of it.
  void expect_same_columns(WeightId a, WeightId b, const std::string& name);
  // As many rows as the tensor has.
  WeightId table(const std::string& name, int64_t width);
  // f32 [size].
  WeightId vector(const std::string& name, int64_t size);
  // [size, count] as one vector of size * count values.
  WeightId vectors(const std::string& name, int64_t size, int64_t count);
  // no_weight when the tensor is not there.
  WeightId optional_table(const std::string& name, int64_t width);
  WeightId optional_vector(const std::string& name, int64_t size);
  // A vector that no file holds.
  WeightId computed_vector(std::vector<float> values);
  // Empty when absent.
  std::span<const float> values(WeightId vector) const;

  // Throws what was noted: Error{corrupt_data} for missing and misshapen tensors, else
  // Error{unsupported} for types without kernels and for tensors that nobody asked for and that
  // would have changed the result.
  void finish() const;
  int64_t weight_bytes() const { return weight_bytes_; }

 private:
  const TensorInfo* take(const std::string& name, int64_t width, int64_t rows, bool is_required,
                         int64_t depth = 1);
  WeightId bind_matrix(const TensorInfo* tensor, int64_t width, int64_t rows);
  WeightId bind_vector(const TensorInfo* tensor, int64_t size);
  void check_unused() const;

  const GgufFile& file_;
  const KernelTable& kernels_;
  Tape& tape_;
  VectorStorage& storage_;
  std::set<std::string, std::less<>> taken_;
  std::vector<std::string> problems_;
  std::vector<std::string> unsupported_;
  std::set<DType> unsupported_types_;
  int64_t weight_bytes_ = 0;
};

}  // namespace hearth::engine
