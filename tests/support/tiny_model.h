// A complete tiny model with random weights, written as a GGUF file in memory; tests change what
// they want to break.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "engine/gguf/reader.h"
#include "engine/gguf/writer.h"
#include "engine/tensor/codec.h"
#include "tests/support/gguf_files.h"

namespace hearth::testing {

struct TinyModel {
  std::string architecture = "llama";
  engine::DType type = engine::DType::f32;  // of the matrices
  int64_t width = 64;
  int64_t heads = 4;
  int64_t kv_heads = 2;
  int64_t feed_forward = 96;
  int64_t layers = 2;
  int64_t vocab = 50;
  // Keys without the architecture in front; added, or instead of the default value.
  std::map<std::string, int64_t> integers;
  std::map<std::string, double> floats;
  std::map<std::string, std::string> texts;
  std::map<std::string, std::vector<int32_t>> lists;
  std::vector<std::string> missing_keys;
  // By tensor name. An empty shape leaves the tensor out.
  std::map<std::string, std::vector<int64_t>> shapes;

  engine::GgufFile open(const std::string& what = "tiny.gguf") const {
    return open_gguf(file_bytes(), what);
  }

  std::string file_bytes() const {
    engine::GgufWriter writer;
    add_keys(writer);
    std::deque<std::vector<std::byte>> data;
    std::mt19937 random(42);
    for (const auto& [name, shape] : all_shapes()) {
      if (shape.empty()) continue;
      const engine::DType dtype = shape.size() > 1 ? type : engine::DType::f32;
      data.push_back(random_values(random, dtype, shape, name.find("norm") != std::string::npos));
      writer.add_tensor(name, dtype, shape, data.back());
    }
    return writer.file_bytes();
  }

 private:
  bool is_missing(const std::string& key) const {
    return std::find(missing_keys.begin(), missing_keys.end(), key) != missing_keys.end();
  }

  void add_keys(engine::GgufWriter& writer) const {
    std::map<std::string, int64_t> all = {
        {"block_count", layers},         {"context_length", 2048},
        {"embedding_length", width},     {"feed_forward_length", feed_forward},
        {"attention.head_count", heads}, {"attention.head_count_kv", kv_heads}};
    for (const auto& [key, value] : integers) all[key] = value;
    std::map<std::string, double> numbers = {{"attention.layer_norm_rms_epsilon", 1e-5}};
    for (const auto& [key, value] : floats) numbers[key] = value;
    writer.add("general.architecture", architecture);
    const std::string start = architecture + ".";
    for (const auto& [key, value] : all) {
      if (!is_missing(key) && !lists.contains(key)) writer.add(start + key, value);
    }
    for (const auto& [key, value] : numbers) {
      if (!is_missing(key)) writer.add(start + key, static_cast<float>(value));
    }
    for (const auto& [key, value] : texts) writer.add(start + key, value);
    for (const auto& [key, value] : lists) writer.add_array(start + key, value);
  }

  std::map<std::string, std::vector<int64_t>> all_shapes() const {
    const int64_t kv_width = heads > 0 ? width / heads * kv_heads : 0;
    std::map<std::string, std::vector<int64_t>> all = {{"token_embd.weight", {width, vocab}},
                                                       {"output_norm.weight", {width}}};
    for (int64_t layer = 0; layer < layers; ++layer) {
      const std::string start = "blk." + std::to_string(layer) + ".";
      all[start + "attn_norm.weight"] = {width};
      all[start + "attn_q.weight"] = {width, width};
      all[start + "attn_k.weight"] = {width, kv_width};
      all[start + "attn_v.weight"] = {width, kv_width};
      all[start + "attn_output.weight"] = {width, width};
      all[start + "ffn_norm.weight"] = {width};
      all[start + "ffn_gate.weight"] = {width, feed_forward};
      all[start + "ffn_up.weight"] = {width, feed_forward};
      all[start + "ffn_down.weight"] = {feed_forward, width};
    }
    for (const auto& [name, shape] : shapes) all[name] = shape;
    return all;
  }

  static std::vector<std::byte> random_values(std::mt19937& random, engine::DType dtype,
                                              const std::vector<int64_t>& shape, bool is_norm) {
    int64_t count = 1;
    for (int64_t dimension : shape) count *= dimension;
    std::uniform_real_distribution<float> uniform(is_norm ? 0.5F : -0.3F, is_norm ? 1.5F : 0.3F);
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = uniform(random);
    const int64_t rows = count / shape[0];
    std::vector<std::byte> bytes(static_cast<size_t>(rows * engine::row_bytes(dtype, shape[0])));
    engine::encode(dtype, values, bytes);
    return bytes;
  }
};

}  // namespace hearth::testing
