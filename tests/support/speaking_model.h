// Complete models of a few thousand random weights, so that tests of everything above a file run
// without shared data.
#pragma once

#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "engine/gguf/writer.h"

namespace hearth::testing {

struct SpeakingModelOptions {
  std::string architecture =
      "llama";  // or "gemma3": every sixth layer is full, the others see `window` tokens; or
                // "gemma-embedding": the same, looking to both sides and without a head
  int32_t layers = 2;
  int64_t context_tokens = 2048;
  int64_t window = 0;
  uint32_t seed = 1;
};

// Tokens: <unk>, <s>, </s>, 256 bytes, a space and the letters: any text can be read and written.
inline constexpr int64_t speaking_vocab_size = 3 + 256 + 1 + 26;

class SpeakingModel {
 public:
  explicit SpeakingModel(const SpeakingModelOptions& options)
      : options_(options), random_(options.seed) {
    add_parameters();
    add_tokenizer();
    add_weights();
  }
  // The GGUF file.
  std::string bytes() const { return writer_.file_bytes(); }

 private:
  static constexpr int64_t width = 64;
  static constexpr int64_t heads = 4;
  static constexpr int64_t kv_heads = 2;
  static constexpr int64_t head_width = 16;
  static constexpr int64_t hidden = 96;

  void add_parameters() {
    const std::string prefix = options_.architecture + ".";
    writer_.add("general.architecture", std::string_view(options_.architecture));
    writer_.add(prefix + "context_length", static_cast<uint32_t>(options_.context_tokens));
    writer_.add(prefix + "embedding_length", static_cast<uint32_t>(width));
    writer_.add(prefix + "block_count", static_cast<uint32_t>(options_.layers));
    writer_.add(prefix + "feed_forward_length", static_cast<uint32_t>(hidden));
    writer_.add(prefix + "attention.head_count", static_cast<uint32_t>(heads));
    writer_.add(prefix + "attention.head_count_kv", static_cast<uint32_t>(kv_heads));
    writer_.add(prefix + "attention.key_length", static_cast<uint32_t>(head_width));
    writer_.add(prefix + "attention.value_length", static_cast<uint32_t>(head_width));
    writer_.add(prefix + "attention.layer_norm_rms_epsilon", 1e-5f);
    writer_.add(prefix + "rope.freq_base", 10000.0f);
    if (options_.window > 0) {
      writer_.add(prefix + "attention.sliding_window", static_cast<uint32_t>(options_.window));
    }
  }

  void add_tokenizer() {
    std::vector<std::string> texts{"<unk>", "<s>", "</s>"};
    std::vector<int32_t> kinds{2, 3, 3};
    constexpr char digits[] = "0123456789ABCDEF";
    for (int byte = 0; byte < 256; ++byte) {
      texts.push_back(std::string("<0x") + digits[byte / 16] + digits[byte % 16] + ">");
      kinds.push_back(6);
    }
    texts.emplace_back("\xE2\x96\x81");
    for (char letter = 'a'; letter <= 'z'; ++letter) texts.emplace_back(1, letter);
    kinds.resize(texts.size(), 1);
    writer_.add("tokenizer.ggml.model", std::string_view("llama"));
    writer_.add_strings("tokenizer.ggml.tokens", texts);
    writer_.add_array("tokenizer.ggml.token_type", kinds);
    writer_.add_array("tokenizer.ggml.scores", std::vector<float>(texts.size(), 0.0f));
    writer_.add("tokenizer.ggml.bos_token_id", uint32_t{1});
    writer_.add("tokenizer.ggml.eos_token_id", uint32_t{2});
    writer_.add("tokenizer.ggml.unknown_token_id", uint32_t{0});
  }

  void add_weights() {
    add_matrix("token_embd.weight", width, speaking_vocab_size, 1.0f);
    add_vector("output_norm.weight", width);
    const bool is_gemma = options_.architecture.starts_with("gemma");
    if (options_.architecture != "gemma-embedding")
      add_matrix("output.weight", width, speaking_vocab_size, 0.4f);
    for (int32_t layer = 0; layer < options_.layers; ++layer) {
      const std::string prefix = "blk." + std::to_string(layer) + ".";
      add_vector(prefix + "attn_norm.weight", width);
      add_matrix(prefix + "attn_q.weight", width, heads * head_width, 0.3f);
      add_matrix(prefix + "attn_k.weight", width, kv_heads * head_width, 0.3f);
      add_matrix(prefix + "attn_v.weight", width, kv_heads * head_width, 0.3f);
      add_matrix(prefix + "attn_output.weight", heads * head_width, width, 0.3f);
      add_vector(prefix + "ffn_norm.weight", width);
      add_matrix(prefix + "ffn_gate.weight", width, hidden, 0.2f);
      add_matrix(prefix + "ffn_up.weight", width, hidden, 0.2f);
      add_matrix(prefix + "ffn_down.weight", hidden, width, 0.2f);
      if (!is_gemma) continue;
      add_vector(prefix + "attn_q_norm.weight", head_width);
      add_vector(prefix + "attn_k_norm.weight", head_width);
      add_vector(prefix + "post_attention_norm.weight", width);
      add_vector(prefix + "post_ffw_norm.weight", width);
    }
  }

  void add_matrix(const std::string& name, int64_t row_length, int64_t rows, float deviation) {
    std::vector<float>& values = storage_.emplace_back(static_cast<size_t>(row_length * rows));
    for (float& value : values) value = deviation * noise();
    add_tensor(name, {row_length, rows}, values);
  }

  void add_vector(const std::string& name, int64_t length) {
    std::vector<float>& values = storage_.emplace_back(static_cast<size_t>(length));
    for (float& value : values) value = 1.0f + 0.1f * noise();
    add_tensor(name, {length}, values);
  }

  void add_tensor(const std::string& name, std::vector<int64_t> shape,
                  const std::vector<float>& values) {
    writer_.add_tensor(name, engine::DType::f32, shape, std::as_bytes(std::span(values)));
  }

  // Uniform with deviation 1; not a distribution of the library, so that every machine makes the
  // same file.
  float noise() {
    return (static_cast<float>(random_() >> 8) / static_cast<float>(1 << 24) - 0.5f) * 3.4641016f;
  }

  SpeakingModelOptions options_;
  std::mt19937 random_;
  std::deque<std::vector<float>> storage_;  // tensors refer to it
  engine::GgufWriter writer_;
};

}  // namespace hearth::testing
