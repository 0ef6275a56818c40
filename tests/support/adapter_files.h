// Adapters made by the project's own writer, and models into whose f32 weights an adapter was
// merged by hand: what a model with that adapter must be equal to.
#pragma once

#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "engine/gguf/keys.h"
#include "engine/gguf/reader.h"
#include "engine/gguf/writer.h"
#include "engine/tensor/codec.h"
#include "tests/support/gguf_files.h"

namespace hearth::testing {

struct TinyAdapter {
  std::string architecture = "llama";
  std::string general_type = "adapter";
  engine::DType type = engine::DType::f32;
  int64_t rank = 4;
  float alpha = 8.0F;
  uint32_t seed = 1;
  // Names without ".weight"; each must be an f32 matrix of the model.
  std::vector<std::string> matrices;

  engine::GgufFile open(const engine::GgufFile& model) const {
    engine::GgufWriter writer;
    writer.add(engine::key_architecture, architecture);
    writer.add(engine::key_type, general_type);
    writer.add(engine::key_adapter_type, "lora");
    writer.add(engine::key_adapter_lora_alpha, alpha);
    std::deque<std::vector<std::byte>> data;
    std::mt19937 random(seed);
    for (const std::string& name : matrices) {
      const engine::TensorInfo* base = model.find_tensor(name + ".weight");
      const int64_t rows = base != nullptr ? base->shape[1] : 64;
      const int64_t width = base != nullptr ? base->shape[0] : 64;
      add_matrix(writer, data, random, name + ".weight.lora_a", {width, rank});
      add_matrix(writer, data, random, name + ".weight.lora_b", {rank, rows});
    }
    return open_gguf(writer.file_bytes(), "adapter.gguf");
  }

 private:
  void add_matrix(engine::GgufWriter& writer, std::deque<std::vector<std::byte>>& data,
                  std::mt19937& random, const std::string& name,
                  const std::vector<int64_t>& shape) const {
    std::uniform_real_distribution<float> uniform(-0.1F, 0.1F);
    std::vector<float> values(static_cast<size_t>(shape[0] * shape[1]));
    for (float& value : values) value = uniform(random);
    std::vector<std::byte>& bytes =
        data.emplace_back(static_cast<size_t>(shape[1] * engine::row_bytes(type, shape[0])));
    engine::encode(type, values, bytes);
    writer.add_tensor(name, type, shape, bytes);
  }
};

inline std::vector<float> float_values(const engine::TensorInfo& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.value_count()));
  engine::decode(tensor.type, tensor.data, values);
  return values;
}

// W + scale * B A for every matrix of the adapter, everything else as in the model.
inline engine::GgufFile merge_adapter(const engine::GgufFile& model,
                                      const engine::GgufFile& adapter, double scale) {
  engine::GgufWriter writer;
  for (const auto& [key, value] : model.metadata().entries()) writer.add(key, value);
  std::deque<std::vector<float>> merged;
  for (const engine::TensorInfo& tensor : model.tensors()) {
    const std::string name(tensor.name);
    const std::vector<int64_t> shape(tensor.shape.begin(),
                                     tensor.shape.begin() + tensor.dimension_count);
    const engine::TensorInfo* a_info = adapter.find_tensor(name + ".lora_a");
    if (a_info == nullptr) {
      writer.add_tensor(name, tensor.type, shape, tensor.data);
      continue;
    }
    const std::vector<float> a = float_values(*a_info);
    const std::vector<float> b = float_values(*adapter.find_tensor(name + ".lora_b"));
    const int64_t rank = a_info->shape[1];
    std::vector<float>& values = merged.emplace_back(float_values(tensor));
    for (int64_t row = 0; row < shape[1]; ++row) {
      for (int64_t column = 0; column < shape[0]; ++column) {
        double sum = 0;
        for (int64_t r = 0; r < rank; ++r) {
          sum += static_cast<double>(b[static_cast<size_t>(row * rank + r)]) *
                 a[static_cast<size_t>(r * shape[0] + column)];
        }
        values[static_cast<size_t>(row * shape[0] + column)] += static_cast<float>(scale * sum);
      }
    }
    writer.add_tensor(name, engine::DType::f32, shape, std::as_bytes(std::span(values)));
  }
  return open_gguf(writer.file_bytes(), "merged.gguf");
}

}  // namespace hearth::testing
