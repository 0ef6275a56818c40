#include "tests/fuzz/seeds.h"

#include <array>
#include <cstdint>
#include <deque>
#include <random>

#include "engine/gguf/keys.h"
#include "engine/gguf/writer.h"
#include "engine/tensor/codec.h"

namespace hearth::fuzz {
namespace {

using namespace engine;

struct Shape {
  std::string_view architecture;
  std::string_view tokenizer;
  DType matrix_type = DType::f32;
  int64_t width = 32;
  int64_t feed_forward = 32;
  bool has_qk_norm = false;
  bool has_post_norms = false;
  bool has_bias = false;
};

constexpr int64_t layer_count = 2;
constexpr int64_t head_count = 2;
constexpr int64_t kv_head_count = 1;

class ModelWriter {
 public:
  explicit ModelWriter(const Shape& shape) : shape_(shape) {}

  std::string bytes() {
    add_architecture();
    const bool has_scores = shape_.tokenizer == "llama" || shape_.tokenizer == "t5" ||
                            shape_.tokenizer == "bert" || shape_.tokenizer == "rwkv";
    const int64_t vocab_size = has_scores ? add_scored_vocabulary() : add_bpe();
    add_tensors(vocab_size);
    return writer_.file_bytes();
  }

 private:
  void add_architecture();
  int64_t add_scored_vocabulary();
  int64_t add_bpe();
  void add_tensors(int64_t vocab_size);
  void add_layer(const std::string& prefix);
  void tensor(const std::string& name, DType type, std::vector<int64_t> shape);

  std::string key(std::string_view suffix) const { return arch_key(shape_.architecture, suffix); }
  int64_t head_dim() const { return shape_.width / head_count; }

  Shape shape_;
  GgufWriter writer_;
  std::deque<std::vector<std::byte>> data_;
  std::mt19937 random_{7};
};

void ModelWriter::add_architecture() {
  writer_.add(key_architecture, shape_.architecture);
  writer_.add(key_file_type, uint32_t{0});
  writer_.add(key(suffix_block_count), static_cast<uint32_t>(layer_count));
  writer_.add(key(suffix_context_length), uint32_t{64});
  writer_.add(key(suffix_embedding_length), static_cast<uint32_t>(shape_.width));
  writer_.add(key(suffix_feed_forward_length), static_cast<uint32_t>(shape_.feed_forward));
  writer_.add(key(suffix_head_count), static_cast<uint32_t>(head_count));
  writer_.add(key(suffix_head_count_kv), static_cast<uint32_t>(kv_head_count));
  writer_.add(key(suffix_key_length), static_cast<uint32_t>(head_dim()));
  writer_.add(key(suffix_value_length), static_cast<uint32_t>(head_dim()));
  writer_.add(key(suffix_rms_epsilon), 1e-6f);
  writer_.add(key(suffix_rope_freq_base), 10000.0f);
  writer_.add(key(suffix_rope_scaling_type), "yarn");
  writer_.add(key(suffix_rope_scaling_factor), 2.0f);
  writer_.add(key(suffix_rope_scaling_original_context), uint32_t{32});
  if (shape_.has_post_norms) writer_.add(key(suffix_sliding_window), uint32_t{16});
}

int64_t ModelWriter::add_scored_vocabulary() {
  std::vector<std::string> tokens = {"<unk>",  "<s>", "</s>", "<0x0A>", "<0x41>",
                                     "\u2581", "a",   "b",    "ab",     "\u2581ab"};
  std::vector<float> scores;
  std::vector<int32_t> types;
  for (size_t i = 0; i < tokens.size(); ++i) {
    scores.push_back(-static_cast<float>(i));
    types.push_back(i == 0 ? 2 : i < 3 ? 3 : i < 5 ? 6 : 1);
  }
  writer_.add(key_tokenizer_model, shape_.tokenizer);
  if (shape_.tokenizer == "t5") {
    // Two trie words and a replacement.
    writer_.add_array("tokenizer.ggml.precompiled_charsmap",
                      std::vector<uint8_t>{8, 0, 0, 0, 0, 4, 0, 0, 97, 1, 0, 0, 98, 0});
  }
  writer_.add("tokenizer.ggml.unknown_token_id", uint32_t{0});
  writer_.add_strings(key_tokenizer_tokens, tokens);
  writer_.add_array(key_tokenizer_scores, scores);
  writer_.add_array(key_tokenizer_token_type, types);
  writer_.add(key_tokenizer_bos_id, uint32_t{1});
  writer_.add(key_tokenizer_eos_id, uint32_t{2});
  writer_.add(key_tokenizer_add_bos, true);
  writer_.add(key_chat_template, "{{ messages }}");
  return static_cast<int64_t>(tokens.size());
}

int64_t ModelWriter::add_bpe() {
  const std::vector<std::string> tokens = {
      "a", "b", "c", "\u0120", "ab", "\u0120ab", "abc", "<|im_start|>", "<|im_end|>"};
  writer_.add(key_tokenizer_model, "gpt2");
  writer_.add(key_tokenizer_pre, shape_.tokenizer);
  writer_.add_strings(key_tokenizer_tokens, tokens);
  writer_.add_array(key_tokenizer_token_type, std::vector<int32_t>{1, 1, 1, 1, 1, 1, 1, 3, 3});
  writer_.add_strings(key_tokenizer_merges, std::vector<std::string>{"a b", "\u0120 ab", "ab c"});
  writer_.add(key_tokenizer_eos_id, uint32_t{8});
  writer_.add(key_tokenizer_add_bos, false);
  return static_cast<int64_t>(tokens.size());
}

void ModelWriter::tensor(const std::string& name, DType type, std::vector<int64_t> shape) {
  int64_t count = 1;
  for (const int64_t dimension : shape) count *= dimension;
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values)
    value = static_cast<float>(static_cast<int>(random_() % 201) - 100) / 100.0f;
  data_.emplace_back(static_cast<size_t>(row_bytes(type, count)));
  encode(type, values, data_.back());
  writer_.add_tensor(name, type, shape, data_.back());
}

void ModelWriter::add_layer(const std::string& prefix) {
  const int64_t q_width = head_count * head_dim();
  const int64_t kv_width = kv_head_count * head_dim();
  const DType type = shape_.matrix_type;
  tensor(prefix + "attn_norm.weight", DType::f32, {shape_.width});
  tensor(prefix + "attn_q.weight", type, {shape_.width, q_width});
  tensor(prefix + "attn_k.weight", type, {shape_.width, kv_width});
  tensor(prefix + "attn_v.weight", type, {shape_.width, kv_width});
  tensor(prefix + "attn_output.weight", type, {q_width, shape_.width});
  if (shape_.has_bias) {
    tensor(prefix + "attn_q.bias", DType::f32, {q_width});
    tensor(prefix + "attn_k.bias", DType::f32, {kv_width});
    tensor(prefix + "attn_v.bias", DType::f32, {kv_width});
  }
  if (shape_.has_qk_norm) {
    tensor(prefix + "attn_q_norm.weight", DType::f32, {head_dim()});
    tensor(prefix + "attn_k_norm.weight", DType::f32, {head_dim()});
  }
  if (shape_.has_post_norms) {
    tensor(prefix + "post_attention_norm.weight", DType::f32, {shape_.width});
    tensor(prefix + "post_ffw_norm.weight", DType::f32, {shape_.width});
  }
  tensor(prefix + "ffn_norm.weight", DType::f32, {shape_.width});
  tensor(prefix + "ffn_gate.weight", type, {shape_.width, shape_.feed_forward});
  tensor(prefix + "ffn_up.weight", type, {shape_.width, shape_.feed_forward});
  tensor(prefix + "ffn_down.weight", type, {shape_.feed_forward, shape_.width});
}

void ModelWriter::add_tensors(int64_t vocab_size) {
  tensor("token_embd.weight", shape_.matrix_type, {shape_.width, vocab_size});
  tensor("output_norm.weight", DType::f32, {shape_.width});
  for (int64_t layer = 0; layer < layer_count; ++layer)
    add_layer("blk." + std::to_string(layer) + ".");
}

// Every type of value and a tensor of every type, without being a model.
std::string catalogue() {
  GgufWriter writer;
  writer.add(key_architecture, "unheard-of");
  writer.add("u8", uint8_t{1});
  writer.add("i8", int8_t{-1});
  writer.add("u16", uint16_t{1});
  writer.add("i16", int16_t{-1});
  writer.add("u64", uint64_t{1});
  writer.add("i64", int64_t{-1});
  writer.add("f64", 1.0);
  writer.add_array("booleans", std::vector<uint8_t>{0, 1});
  writer.add_array("doubles", std::vector<double>{0.5});
  writer.add(key_split_count, uint16_t{1});
  writer.set_alignment(64);
  static const std::vector<std::byte> data(1024);
  for (const DTypeInfo& row : dtype_table) {
    const int64_t shape[] = {row.block_values, 1, 2};
    writer.add_tensor(std::string(row.name), row.type, shape,
                      std::span(data).first(static_cast<size_t>(2 * row.block_bytes)));
  }
  return writer.file_bytes();
}

}  // namespace

std::vector<std::string> make_seeds() {
  constexpr std::array shapes = {
      Shape{"llama", "llama"},
      Shape{"llama", "llama", DType::q8_0},
      Shape{"llama", "t5"},
      Shape{"llama", "bert"},
      Shape{"llama", "rwkv"},
      Shape{.architecture = "llama",
            .tokenizer = "llama-bpe",
            .matrix_type = DType::q4_k,
            .width = 256,
            .feed_forward = 256},
      Shape{.architecture = "qwen2", .tokenizer = "qwen2", .has_bias = true},
      Shape{.architecture = "qwen3",
            .tokenizer = "qwen2",
            .matrix_type = DType::f16,
            .has_qk_norm = true},
      Shape{.architecture = "gemma3",
            .tokenizer = "llama",
            .matrix_type = DType::bf16,
            .has_qk_norm = true,
            .has_post_norms = true},
  };
  std::vector<std::string> seeds;
  for (const Shape& shape : shapes) seeds.push_back(ModelWriter(shape).bytes());
  seeds.push_back(catalogue());
  return seeds;
}

}  // namespace hearth::fuzz
