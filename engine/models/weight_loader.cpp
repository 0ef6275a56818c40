#include "engine/models/weight_loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "engine/tensor/codec.h"

namespace hearth::engine {
namespace {

// A message that names thousands of tensors helps nobody.
constexpr size_t listed_max = 50;

// Parts of files that hold a vision or audio tower beside the text model; the text model runs
// without them.
constexpr std::array<std::string_view, 3> tower_prefixes = {"v.", "a.", "mm."};

std::string join(const std::vector<std::string>& items) {
  std::string text;
  for (size_t i = 0; i < std::min(items.size(), listed_max); ++i) {
    if (i > 0) text += "; ";
    text += items[i];
  }
  if (items.size() > listed_max)
    text += "; and " + std::to_string(items.size() - listed_max) + " more";
  return text;
}

std::string shape_text(const TensorInfo& tensor) {
  std::string text = "[";
  for (int i = 0; i < tensor.dimension_count; ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(tensor.shape[static_cast<size_t>(i)]);
  }
  return text + "]";
}

std::string shape_text(int64_t width, int64_t rows, int64_t depth) {
  if (depth > 1) return fmt::format("[{}, {}, {}]", width, rows, depth);
  return rows == 1 ? fmt::format("[{}]", width) : fmt::format("[{}, {}]", width, rows);
}

bool is_tower(std::string_view name) {
  return std::any_of(tower_prefixes.begin(), tower_prefixes.end(),
                     [name](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace

WeightLoader::WeightLoader(const GgufFile& file, const KernelTable& kernels, Tape& tape,
                           VectorStorage& storage)
    : file_(file), kernels_(kernels), tape_(tape), storage_(storage) {}

const TensorInfo* WeightLoader::take(const std::string& name, int64_t width, int64_t rows,
                                     bool is_required, int64_t depth) {
  const TensorInfo* tensor = file_.find_tensor(name);
  taken_.insert(name);
  if (tensor == nullptr) {
    if (is_required)
      problems_.push_back(name + ": missing, expected " + shape_text(width, rows, depth));
    return nullptr;
  }
  const bool fits = tensor->shape[0] == width && tensor->shape[1] == rows &&
                    tensor->shape[2] == depth && tensor->shape[3] == 1;
  if (!fits) {
    problems_.push_back(name + ": shape " + shape_text(*tensor) + ", expected " +
                        shape_text(width, rows, depth));
    return nullptr;
  }
  weight_bytes_ += tensor->size_bytes;
  return tensor;
}

WeightId WeightLoader::bind_matrix(const TensorInfo* tensor, int64_t width, int64_t rows) {
  Weight weight{DType::f32, Layout::rows, nullptr,
                width,      rows,         width * static_cast<int64_t>(sizeof(float))};
  if (tensor != nullptr && find_format(kernels_, tensor->type) == nullptr) {
    if (unsupported_types_.insert(tensor->type).second) {
      unsupported_.push_back(std::string(tensor->name) + " and perhaps others are " +
                             std::string(info(tensor->type).name) + ", for which the " +
                             kernels_.name + " kernels have no row");
    }
  } else if (tensor != nullptr) {
    weight.type = tensor->type;
    weight.data = tensor->data.data();
    weight.row_bytes = row_bytes(tensor->type, width);
  }
  return tape_.add_weight(weight);
}

WeightId WeightLoader::bind_vector(const TensorInfo* tensor, int64_t size) {
  Weight weight{
      DType::f32, Layout::rows, nullptr, size, 1, size * static_cast<int64_t>(sizeof(float))};
  if (tensor != nullptr && tensor->type == DType::f32) {
    weight.data = tensor->data.data();
  } else if (tensor != nullptr) {
    std::vector<float>& values = storage_.emplace_back(static_cast<size_t>(size));
    decode(tensor->type, tensor->data, values);
    weight.data = values.data();
  }
  return tape_.add_weight(weight);
}

WeightId WeightLoader::matrix(const std::string& name, int64_t width, int64_t rows) {
  return bind_matrix(take(name, width, rows, true), width, rows);
}

WeightId WeightLoader::matrix_rows(const std::string& name, int64_t width, int64_t total,
                                   int64_t first, int64_t count) {
  const bool is_new = !taken_.contains(name);
  const TensorInfo* tensor = take(name, width, total, true);
  if (!is_new && tensor != nullptr) weight_bytes_ -= tensor->size_bytes;
  const WeightId whole = bind_matrix(tensor, width, total);
  Weight part = tape_.weight(whole);
  part.row_count = count;
  if (part.data != nullptr)
    part.data = static_cast<const std::byte*>(part.data) + first * part.row_bytes;
  return tape_.add_weight(part);
}

ExpertMatrix WeightLoader::experts(const std::string& name, int64_t width, int64_t rows,
                                   int64_t count) {
  ExpertMatrix matrix;
  matrix.weight =
      bind_matrix(take(name + ".weight", width, rows, true, count), width, rows * count);
  if (has(name + ".bias"))
    matrix.bias = bind_vector(take(name + ".bias", rows, count, true), rows * count);
  return matrix;
}

void WeightLoader::expect_same_columns(WeightId a, WeightId b, const std::string& name) {
  const DType first = tape_.weight(a).type;
  const DType second = tape_.weight(b).type;
  const FormatKernels* one = find_format(kernels_, first);
  const FormatKernels* other = find_format(kernels_, second);
  if (one == nullptr || other == nullptr || one->column == other->column) return;
  unsupported_.push_back(fmt::format("{} is {}, which cannot be mixed with the {} of its pair",
                                     name, info(first).name, info(second).name));
}

WeightId WeightLoader::table(const std::string& name, int64_t width) {
  const TensorInfo* found = file_.find_tensor(name);
  const int64_t rows = found == nullptr ? 1 : found->shape[1];
  return bind_matrix(take(name, width, rows, true), width, rows);
}

WeightId WeightLoader::optional_table(const std::string& name, int64_t width) {
  return file_.find_tensor(name) == nullptr ? no_weight : table(name, width);
}

WeightId WeightLoader::vector(const std::string& name, int64_t size) {
  return bind_vector(take(name, size, 1, true), size);
}

WeightId WeightLoader::vectors(const std::string& name, int64_t size, int64_t count) {
  return bind_vector(take(name, size, count, true), size * count);
}

WeightId WeightLoader::optional_vector(const std::string& name, int64_t size) {
  return file_.find_tensor(name) == nullptr ? no_weight : vector(name, size);
}

WeightId WeightLoader::computed_vector(std::vector<float> values) {
  const std::vector<float>& kept = storage_.emplace_back(std::move(values));
  const auto size = static_cast<int64_t>(kept.size());
  return tape_.add_weight(
      {DType::f32, Layout::rows, kept.data(), size, 1, size * static_cast<int64_t>(sizeof(float))});
}

std::span<const float> WeightLoader::values(WeightId vector) const {
  if (vector == no_weight) return {};
  const Weight& weight = tape_.weight(vector);
  if (weight.data == nullptr) return {};
  return {static_cast<const float*>(weight.data), static_cast<size_t>(weight.width)};
}

void WeightLoader::finish() const {
  const std::string start = file_.what() + ": ";
  if (!problems_.empty()) {
    throw Error(ErrorCode::corrupt_data, start + std::to_string(problems_.size()) +
                                             " tensors are not as expected: " + join(problems_));
  }
  if (!unsupported_.empty()) throw Error(ErrorCode::unsupported, start + join(unsupported_));
  check_unused();
}

void WeightLoader::check_unused() const {
  std::vector<std::string> unused;
  for (const TensorInfo& tensor : file_.tensors()) {
    if (!taken_.contains(tensor.name) && !is_tower(tensor.name))
      unused.push_back(printable(tensor.name));
  }
  if (unused.empty()) return;
  throw Error(
      ErrorCode::unsupported,
      file_.what() + ": " + std::to_string(unused.size()) +
          " tensors belong to no part of this architecture that hearth knows, so the model would "
          "run wrongly: " +
          join(unused));
}

}  // namespace hearth::engine
