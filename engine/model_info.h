// What a GGUF header says about a model: for show, list, create and the memory plan. No tensor data
// is read. The JSON form of the metadata is in model_info_json.h, so that this header stays light.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::engine {

struct ModelTensorInfo {
  std::string name;
  std::string type;            // "Q4_K", as GGUF tools print it
  std::vector<int64_t> shape;  // row length first
};

// What attention keeps per token in one layer. kv_heads is 0 for layers without attention.
struct ModelLayerInfo {
  int64_t kv_heads = 0;
  int64_t key_dim = 0;    // values per head
  int64_t value_dim = 0;  // values per head
  int64_t window = 0;     // tokens kept; 0 keeps all
};

// Numbers the file does not give are 0, texts it does not give are empty.
struct ModelInfo {
  std::string architecture;
  std::string general_type;  // "model", "adapter", "mmproj", ...; often empty
  std::string name;
  std::string basename;
  std::string size_label;
  std::string license;
  std::string file_type;      // "Q4_K_M": what the file says, else the type most of it has
  std::string majority_type;  // type that holds most of the parameters, "Q4_K"

  int64_t parameter_count = 0;
  int64_t tensor_bytes = 0;  // all tensors as they lie in the file
  int64_t file_bytes = 0;    // all parts together
  int shard_count = 1;

  int64_t context_length = 0;
  int64_t embedding_length = 0;
  int64_t feed_forward_length = 0;  // the widest layer
  int64_t head_count = 0;           // the layer with most
  int64_t expert_count = 0;
  int64_t vocab_size = 0;
  std::vector<ModelLayerInfo> layers;  // block_count of them

  std::string tokenizer_model;
  std::string bos_token;
  std::string eos_token;
  std::optional<bool> add_bos;
  std::optional<bool> add_eos;
  // Texts of the control tokens and of those the model's maker added, as far as there are not
  // absurdly many: by them formats of prompts are recognised.
  std::vector<std::string> special_tokens;
  std::string chat_template;
  std::vector<std::pair<std::string, std::string>> named_chat_templates;

  // The architecture pools its outputs: an embedding model.
  bool is_embedding = false;
  bool has_vision = false;
  bool has_audio = false;
  std::vector<ModelTensorInfo> tensors;  // in the order of the file

  int64_t block_count() const { return static_cast<int64_t>(layers.size()); }
};

// `path` is a file or the first part of a split one. Throws what GgufFile::open throws, and
// Error{corrupt_data} where numbers make no sense (negative, or beyond any model).
ModelInfo read_model_info(const std::filesystem::path& path);
// Descriptors of all parts in order; `what` names the file in messages.
ModelInfo read_model_info(std::span<const int> fds, std::string_view what);

// Numbers the KV cache holds for one sequence of `context_tokens`: keys and values of all layers,
// windows respected.
int64_t cache_value_count(const ModelInfo& model, int64_t context_tokens);

}  // namespace hearth::engine
