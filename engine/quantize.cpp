// See quantize.h: the header of the new file, and the rows that are converted for it.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <future>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/gguf/keys.h"
#include "engine/gguf/reader.h"
#include "engine/gguf/writer.h"
#include "engine/quantize.h"
#include "engine/quantize/plan.h"
#include "engine/tensor/codec.h"

namespace hearth::engine {
namespace {

constexpr int64_t chunk_values = int64_t{1} << 16;
constexpr uint32_t quantization_version = 2;

bool is_about_parts(std::string_view key, std::string_view architecture) {
  const std::string inner = fmt::format("{}.split.", architecture);
  return key.starts_with("split.") || key.starts_with(inner);
}

GgufWriter planned_file(const GgufFile& file, const Mixture* mixture,
                        std::span<const DType> types) {
  GgufWriter writer;
  const std::string_view architecture = file.metadata().require_string(key_architecture);
  for (const GgufMetadata::Entry& entry : file.metadata().entries()) {
    const bool is_ours = entry.key == key_file_type || entry.key == key_quantization_version;
    if (is_ours && mixture != nullptr) continue;
    if (!is_about_parts(entry.key, architecture)) writer.add(entry.key, entry.value);
  }
  if (mixture != nullptr) {
    writer.add(key_quantization_version, quantization_version);
    writer.add(key_file_type, static_cast<uint32_t>(mixture->file_type));
  }
  for (size_t i = 0; i < file.tensors().size(); ++i) {
    const TensorInfo& tensor = file.tensors()[i];
    const auto dimensions = static_cast<size_t>(tensor.dimension_count);
    writer.add_tensor(tensor.name, types[i], std::span(tensor.shape).first(dimensions));
  }
  return writer;
}

// Converts one tensor, rows shared out in chunks. The calling thread works too, and reports.
class Conversion {
 public:
  Conversion(const TensorInfo& source, DType type)
      : source_(source),
        type_(type),
        width_(source.shape[0]),
        rows_(source.value_count() / source.shape[0]),
        rows_per_chunk_(std::max<int64_t>(1, chunk_values / width_)),
        result_(static_cast<size_t>(row_bytes(type, width_) * rows_)) {}

  // `report` is called with the share done and may throw, which ends the other threads too.
  template <typename Report>
  std::span<const std::byte> run(int32_t threads, const Report& report) {
    const int64_t chunks = (rows_ + rows_per_chunk_ - 1) / rows_per_chunk_;
    std::vector<std::future<void>> helpers;  // their destructors wait
    const StopAtEnd stop(is_stopped_);
    for (int32_t i = 1; i < std::min<int64_t>(threads, chunks); ++i) {
      helpers.push_back(std::async(std::launch::async, [this] {
        while (convert_next()) {
        }
      }));
    }
    while (convert_next()) report(static_cast<double>(done_rows_) / static_cast<double>(rows_));
    for (std::future<void>& helper : helpers) helper.get();
    return result_;
  }

 private:
  struct StopAtEnd {
    explicit StopAtEnd(std::atomic<bool>& the_flag) : flag(the_flag) {}
    StopAtEnd(const StopAtEnd&) = delete;
    StopAtEnd& operator=(const StopAtEnd&) = delete;
    ~StopAtEnd() { flag = true; }
    std::atomic<bool>& flag;
  };

  bool convert_next() {
    const int64_t first = next_row_.fetch_add(rows_per_chunk_);
    if (first >= rows_ || is_stopped_) return false;
    const int64_t rows = std::min(rows_per_chunk_, rows_ - first);
    const auto from = static_cast<size_t>(row_bytes(source_.type, width_));
    const auto to = static_cast<size_t>(row_bytes(type_, width_));
    std::vector<float> values(static_cast<size_t>(rows * width_));
    const auto begin = static_cast<size_t>(first);
    const auto count = static_cast<size_t>(rows);
    decode(source_.type, source_.data.subspan(begin * from, count * from), values);
    check_finite(values);
    encode(type_, values, std::span(result_).subspan(begin * to, count * to));
    done_rows_ += rows;
    return true;
  }

  void check_finite(std::span<const float> values) const {
    const bool is_finite =
        std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
    if (is_finite) return;
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{} has values that are not finite numbers", source_.name));
  }

  const TensorInfo& source_;
  DType type_;
  int64_t width_;
  int64_t rows_;
  int64_t rows_per_chunk_;
  std::vector<std::byte> result_;
  std::atomic<int64_t> next_row_{0};
  std::atomic<int64_t> done_rows_{0};
  std::atomic<bool> is_stopped_{false};
};

}  // namespace

void quantize_model(const GgufFile& file, const Mixture* mixture, int32_t threads, int out_fd,
                    const QuantizeProgress& progress) {
  uint64_t total = 0;
  for (const TensorInfo& tensor : file.tensors()) total += static_cast<uint64_t>(tensor.size_bytes);
  if (total > file.file_size_bytes()) {
    throw Error(ErrorCode::corrupt_data, fmt::format("{}: its tensors overlap", file.what()));
  }
  const auto report = [&](uint64_t done) {
    if (progress && !progress(done, total)) throw Error(ErrorCode::cancelled, "stopped");
  };
  const std::vector<DType> types = plan_types(file, mixture);
  const GgufWriter writer = planned_file(file, mixture, types);
  GgufStream stream(writer, out_fd, file.what());
  uint64_t done = 0;
  for (size_t i = 0; i < file.tensors().size(); ++i) {
    const TensorInfo& tensor = file.tensors()[i];
    report(done);
    if (types[i] == tensor.type) {
      stream.write_tensor(tensor.data);
    } else {
      Conversion conversion(tensor, types[i]);
      stream.write_tensor(conversion.run(threads, [&](double share) {
        report(done + static_cast<uint64_t>(share * static_cast<double>(tensor.size_bytes)));
      }));
    }
    done += static_cast<uint64_t>(tensor.size_bytes);
  }
  stream.finish();
  report(total);
}

}  // namespace hearth::engine
