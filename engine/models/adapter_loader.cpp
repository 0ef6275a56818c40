#include "engine/models/adapter_loader.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <optional>
#include <string>

#include "base/error.h"
#include "engine/gguf/keys.h"
#include "engine/tensor/codec.h"

namespace hearth::engine {
namespace {

constexpr std::string_view suffix_a = ".weight.lora_a";
constexpr std::string_view suffix_b = ".weight.lora_b";
constexpr std::string_view key_adapter_alora_tokens = "adapter.alora.invocation_tokens";
constexpr size_t listed_max = 20;

class AdapterLoader {
 public:
  AdapterLoader(const AdapterFile& adapter, const KernelTable& kernels, Tape& tape,
                VectorStorage& storage)
      : file_(*adapter.file),
        scale_(adapter.scale),
        kernels_(kernels),
        tape_(tape),
        storage_(storage) {}

  void check_kind(const GgufMetadata& model) const {
    const GgufMetadata& metadata = file_.metadata();
    if (metadata.find_string(key_type).value_or("") != "adapter") {
      fail(ErrorCode::invalid_argument,
           fmt::format("{} is not \"adapter\": this file is no adapter", key_type));
    }
    const std::string_view kind = metadata.find_string(key_adapter_type).value_or("lora");
    if (kind != "lora" || metadata.find(key_adapter_alora_tokens) != nullptr) {
      fail(ErrorCode::unsupported,
           fmt::format("an adapter of the kind \"{}\" is not supported, only lora",
                       kind == "lora" ? "activated lora" : printable(kind)));
    }
    const std::string_view wanted = model.require_string(key_architecture);
    const std::string_view found = metadata.require_string(key_architecture);
    if (wanted != found) {
      fail(ErrorCode::invalid_argument,
           fmt::format("the adapter is for a model of the architecture \"{}\", this one is \"{}\"",
                       printable(found), printable(wanted)));
    }
  }

  int64_t load() {
    alpha_ = file_.metadata().find_float(key_adapter_lora_alpha).value_or(0.0);
    if (!std::isfinite(alpha_) || !std::isfinite(scale_)) {
      fail(ErrorCode::corrupt_data,
           fmt::format("{} or the scale is no finite number", key_adapter_lora_alpha));
    }
    std::map<std::string, int32_t, std::less<>> slots;
    for (const AdapterSlot& slot : tape_.adapter_slots())
      slots.emplace(slot.name, static_cast<int32_t>(slots.size()));
    std::vector<AdapterPart> parts(tape_.adapter_slots().size());
    if (file_.tensors().empty()) problems_.push_back("the file has no tensors");
    for (const TensorInfo& tensor : file_.tensors()) {
      const std::string_view name = tensor.name;
      if (name.ends_with(suffix_b)) {
        check_partner(name.substr(0, name.size() - suffix_b.size()), suffix_a, name);
        continue;
      }
      const std::string_view base =
          name.substr(0, name.size() - std::min(name.size(), suffix_a.size()));
      const auto slot = slots.find(base);
      if (!name.ends_with(suffix_a) || slot == slots.end()) {
        problems_.push_back(printable(name) + " belongs to no matrix that an adapter can change");
      } else {
        parts[static_cast<size_t>(slot->second)] = bind(tensor, base, slot->second);
      }
    }
    if (!problems_.empty()) fail(ErrorCode::corrupt_data, "does not fit: " + listed());
    tape_.add_adapter(std::move(parts));
    return bytes_;
  }

 private:
  [[noreturn]] void fail(ErrorCode code, const std::string& what) const {
    throw Error(code, "adapter " + file_.what() + ": " + what);
  }

  std::string listed() const {
    std::string text;
    for (size_t i = 0; i < std::min(problems_.size(), listed_max); ++i)
      text += (i > 0 ? "; " : "") + problems_[i];
    if (problems_.size() > listed_max)
      text += fmt::format("; and {} more", problems_.size() - listed_max);
    return text;
  }

  const TensorInfo* check_partner(std::string_view base, std::string_view suffix,
                                  std::string_view name) {
    const TensorInfo* partner = file_.find_tensor(std::string(base).append(suffix));
    if (partner == nullptr)
      problems_.push_back(fmt::format("{} has no {}", printable(name), suffix.substr(8)));
    return partner;
  }

  static bool is_matrix(const TensorInfo& tensor) {
    return tensor.shape[2] == 1 && tensor.shape[3] == 1;
  }

  AdapterPart bind(const TensorInfo& a, std::string_view base, int32_t slot_index) {
    const TensorInfo* b = check_partner(base, suffix_b, a.name);
    if (b == nullptr) return {};
    const AdapterSlot& slot = tape_.adapter_slots()[static_cast<size_t>(slot_index)];
    const int64_t rank = a.shape[1];
    const bool fits = is_matrix(a) && is_matrix(*b) && a.shape[0] == slot.width &&
                      b->shape[0] == rank && b->shape[1] == slot.row_count;
    if (!fits) {
      problems_.push_back(fmt::format(
          "{}: A is [{}, {}] and B [{}, {}], expected [{}, rank] and [rank, {}]", printable(base),
          a.shape[0], a.shape[1], b->shape[0], b->shape[1], slot.width, slot.row_count));
      return {};
    }
    const double factor = alpha_ != 0.0 ? alpha_ / static_cast<double>(rank) : 1.0;
    const auto scale = static_cast<float>(factor * scale_);
    return {bind_matrix(a), bind_matrix(*b), scale};
  }

  WeightId bind_matrix(const TensorInfo& tensor) {
    const int64_t width = tensor.shape[0];
    const int64_t rows = tensor.shape[1];
    const FormatKernels* format = find_format(kernels_, tensor.type);
    bytes_ += tensor.size_bytes;
    if (format != nullptr && format->column == ColumnKind::f32) {
      return tape_.add_weight({tensor.type, Layout::rows, tensor.data.data(), width, rows,
                               row_bytes(tensor.type, width)});
    }
    std::vector<float>& values = storage_.emplace_back(static_cast<size_t>(width * rows));
    decode(tensor.type, tensor.data, values);
    return tape_.add_weight({DType::f32, Layout::rows, values.data(), width, rows,
                             width * static_cast<int64_t>(sizeof(float))});
  }

  const GgufFile& file_;
  float scale_;
  const KernelTable& kernels_;
  Tape& tape_;
  VectorStorage& storage_;
  double alpha_ = 0;
  std::vector<std::string> problems_;
  int64_t bytes_ = 0;
};

}  // namespace

int64_t load_adapter(const AdapterFile& adapter, const GgufMetadata& model,
                     const KernelTable& kernels, Tape& tape, VectorStorage& storage) {
  AdapterLoader loader(adapter, kernels, tape, storage);
  loader.check_kind(model);
  return loader.load();
}

}  // namespace hearth::engine
