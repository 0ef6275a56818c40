#include "engine/model_info.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include "base/error.h"
#include "engine/gguf/keys.h"
#include "engine/gguf/reader.h"

namespace hearth::engine {
namespace {

// Far beyond every model, small enough that products of a few of them stay inside int64_t.
constexpr int64_t layer_count_max = 4096;
constexpr int64_t width_max = int64_t{1} << 24;
constexpr int64_t token_count_max = int64_t{1} << 32;

struct FileTypeRow {
  int64_t id;
  std::string_view name;
};

// Values of general.file_type. They name the majority only: files mix types.
constexpr FileTypeRow file_types[] = {
    {0, "F32"},      {1, "F16"},      {2, "Q4_0"},    {3, "Q4_1"},    {7, "Q8_0"},
    {8, "Q5_0"},     {9, "Q5_1"},     {10, "Q2_K"},   {11, "Q3_K_S"}, {12, "Q3_K_M"},
    {13, "Q3_K_L"},  {14, "Q4_K_S"},  {15, "Q4_K_M"}, {16, "Q5_K_S"}, {17, "Q5_K_M"},
    {18, "Q6_K"},    {19, "IQ2_XXS"}, {20, "IQ2_XS"}, {21, "Q2_K_S"}, {22, "IQ3_XS"},
    {23, "IQ3_XXS"}, {24, "IQ1_S"},   {25, "IQ4_NL"}, {26, "IQ3_S"},  {27, "IQ3_M"},
    {28, "IQ2_S"},   {29, "IQ2_M"},   {30, "IQ4_XS"}, {31, "IQ1_M"},  {32, "BF16"},
    {36, "TQ1_0"},   {37, "TQ2_0"},   {38, "MXFP4"},  {39, "NVFP4"},  {40, "Q1_0"},
    {41, "Q2_0"},
};
constexpr int64_t file_type_is_guessed = 1024;

struct WindowRow {
  std::string_view architecture;
  int64_t period;
};

// Architectures whose windows follow a fixed period that files need not state: the last layer of
// each period sees everything. Other files that mention a window without a pattern (old Mistral,
// phi3) do not use it.
constexpr WindowRow window_periods[] = {
    {"gemma2", 2},  {"gemma3", 6},  {"gemma3n", 5}, {"gemma-embedding", 6},
    {"gpt-oss", 2}, {"cohere2", 4}, {"olmo3", 4},
};

std::string upper_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return result;
}

std::string text_or_empty(const GgufMetadata& metadata, std::string_view key) {
  return std::string(metadata.find_string(key).value_or(""));
}

void check_range(const GgufMetadata& metadata, std::string_view key, int64_t value,
                 int64_t value_max) {
  if (value < 0 || value > value_max) {
    throw Error(ErrorCode::corrupt_data, fmt::format("{}: {} is {}, expected 0 to {}",
                                                     metadata.what(), key, value, value_max));
  }
}

// Numbers under "<architecture>.", 0 where absent.
class ArchitectureNumbers {
 public:
  explicit ArchitectureNumbers(const GgufMetadata& metadata)
      : metadata_(metadata), architecture_(text_or_empty(metadata, key_architecture)) {}

  const std::string& architecture() const { return architecture_; }

  int64_t number(std::string_view suffix, int64_t value_max) const {
    const std::string key = arch_key(architecture_, suffix);
    const int64_t value = metadata_.find_int(key).value_or(0);
    check_range(metadata_, key, value, value_max);
    return value;
  }

  // One number per layer; absent as zeros.
  std::vector<int64_t> per_layer(std::string_view suffix, int64_t layer_count) const {
    const std::string key = arch_key(architecture_, suffix);
    auto values = metadata_.find_ints_per_layer(key, layer_count);
    if (!values) return std::vector<int64_t>(static_cast<size_t>(layer_count), 0);
    for (const int64_t value : *values) check_range(metadata_, key, value, width_max);
    return *std::move(values);
  }

  // Which layers have a window; empty when none has.
  std::vector<bool> windowed_layers(int64_t layer_count) const;

 private:
  const GgufMetadata& metadata_;
  std::string architecture_;
};

std::vector<bool> ArchitectureNumbers::windowed_layers(int64_t layer_count) const {
  int64_t period = 0;
  for (const WindowRow& row : window_periods) {
    if (row.architecture == architecture_) period = row.period;
  }
  const std::string key = arch_key(architecture_, suffix_sliding_window_pattern);
  const GgufValue* pattern = metadata_.find(key);
  if (pattern != nullptr && pattern->is_array()) {
    const auto values = metadata_.find_ints_per_layer(key, layer_count);
    std::vector<bool> windowed;
    for (const int64_t value : *values) windowed.push_back(value != 0);
    return windowed;
  }
  if (pattern != nullptr) period = number(suffix_sliding_window_pattern, width_max);
  if (period < 2) return {};
  std::vector<bool> windowed(static_cast<size_t>(layer_count));
  for (int64_t i = 0; i < layer_count; ++i)
    windowed[static_cast<size_t>(i)] = i % period < period - 1;
  return windowed;
}

int64_t largest(const std::vector<int64_t>& values) {
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

void read_layers(const ArchitectureNumbers& numbers, ModelInfo& model) {
  const int64_t count = numbers.number(suffix_block_count, layer_count_max);
  const std::vector<int64_t> heads = numbers.per_layer(suffix_head_count, count);
  std::vector<int64_t> kv_heads = numbers.per_layer(suffix_head_count_kv, count);
  model.head_count = largest(heads);
  model.feed_forward_length = largest(numbers.per_layer(suffix_feed_forward_length, count));
  // Files without grouped heads may leave the number of key-value heads out; zero in some layers
  // means no attention.
  if (largest(kv_heads) == 0) kv_heads = heads;
  const int64_t head_dim = model.head_count > 0 ? model.embedding_length / model.head_count : 0;
  const auto dim = [&](std::string_view suffix, int64_t otherwise) {
    const int64_t value = numbers.number(suffix, width_max);
    return value > 0 ? value : otherwise;
  };
  const int64_t key_dim = dim(suffix_key_length, head_dim);
  const int64_t value_dim = dim(suffix_value_length, head_dim);
  const int64_t window = numbers.number(suffix_sliding_window, token_count_max);
  const std::vector<bool> windowed =
      window > 0 ? numbers.windowed_layers(count) : std::vector<bool>{};
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    const bool has_window = !windowed.empty() && windowed[i];
    ModelLayerInfo layer{kv_heads[i], key_dim, value_dim, has_window ? window : 0};
    if (has_window) {
      layer.key_dim = dim(suffix_key_length_swa, key_dim);
      layer.value_dim = dim(suffix_value_length_swa, value_dim);
    }
    model.layers.push_back(layer);
  }
}

void read_architecture(const GgufMetadata& metadata, ModelInfo& model) {
  const ArchitectureNumbers numbers(metadata);
  model.architecture = numbers.architecture();
  model.context_length = numbers.number(suffix_context_length, token_count_max);
  model.embedding_length = numbers.number(suffix_embedding_length, width_max);
  model.expert_count = numbers.number(suffix_expert_count, width_max);
  model.vocab_size = numbers.number(suffix_vocab_size, token_count_max);
  model.is_embedding = metadata.find(arch_key(model.architecture, suffix_pooling_type)) != nullptr;
  const auto has_encoder = [&](std::string_view kind) {
    return metadata.find(arch_key(model.architecture, fmt::format("{}.block_count", kind))) !=
               nullptr ||
           metadata.find_bool(fmt::format("clip.has_{}_encoder", kind)).value_or(false);
  };
  model.has_vision = has_encoder("vision");
  model.has_audio = has_encoder("audio");
  read_layers(numbers, model);
}

// Of tokenizer.ggml.token_type.
constexpr int64_t token_kind_control = 3;
constexpr int64_t token_kind_added = 4;
constexpr size_t special_tokens_max = 20'000;

void read_tokenizer(const GgufMetadata& metadata, ModelInfo& model) {
  model.tokenizer_model = text_or_empty(metadata, key_tokenizer_model);
  model.add_bos = metadata.find_bool(key_tokenizer_add_bos);
  model.add_eos = metadata.find_bool(key_tokenizer_add_eos);
  model.chat_template = text_or_empty(metadata, key_chat_template);
  const std::string prefix = std::string(key_chat_template) + ".";
  for (const auto& [key, value] : metadata.entries()) {
    const auto text = value.as_string();
    if (key.starts_with(prefix) && text)
      model.named_chat_templates.emplace_back(key.substr(prefix.size()), *text);
  }
  const auto tokens = metadata.find_strings(key_tokenizer_tokens);
  if (!tokens) return;
  model.vocab_size = static_cast<int64_t>(tokens->size());
  const auto token_at = [&](std::string_view key) -> std::string {
    const auto id = metadata.find_int(key);
    if (!id || *id < 0 || *id >= model.vocab_size) return {};
    return std::string((*tokens)[static_cast<size_t>(*id)]);
  };
  model.bos_token = token_at(key_tokenizer_bos_id);
  model.eos_token = token_at(key_tokenizer_eos_id);
  const auto kinds = metadata.find_ints(key_tokenizer_token_type);
  for (size_t i = 0; kinds && i < std::min(kinds->size(), tokens->size()); ++i) {
    const bool is_special = (*kinds)[i] == token_kind_control || (*kinds)[i] == token_kind_added;
    if (is_special && model.special_tokens.size() < special_tokens_max)
      model.special_tokens.emplace_back((*tokens)[i]);
  }
}

void read_tensors(const GgufFile& file, ModelInfo& model) {
  std::map<DType, int64_t> values_by_type;
  for (const TensorInfo& tensor : file.tensors()) {
    const auto dimensions = static_cast<size_t>(tensor.dimension_count);
    model.tensors.push_back(
        {std::string(tensor.name),
         upper_case(info(tensor.type).name),
         {tensor.shape.begin(), tensor.shape.begin() + static_cast<ptrdiff_t>(dimensions)}});
    values_by_type[tensor.type] += tensor.value_count();
    model.parameter_count += tensor.value_count();
    model.tensor_bytes += tensor.size_bytes;
  }
  const auto majority =
      std::max_element(values_by_type.begin(), values_by_type.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  if (majority != values_by_type.end())
    model.majority_type = upper_case(info(majority->first).name);
}

std::string file_type_name(const GgufMetadata& metadata, const std::string& majority_type) {
  const int64_t id = metadata.find_int(key_file_type).value_or(-1);
  for (const FileTypeRow& row : file_types) {
    if (id >= 0 && row.id == (id & ~file_type_is_guessed)) return std::string(row.name);
  }
  return majority_type;
}

ModelInfo info_from(const GgufFile& file) {
  const GgufMetadata& metadata = file.metadata();
  ModelInfo model;
  model.general_type = text_or_empty(metadata, key_type);
  model.name = text_or_empty(metadata, key_name);
  model.basename = text_or_empty(metadata, key_basename);
  model.size_label = text_or_empty(metadata, key_size_label);
  model.license = text_or_empty(metadata, key_license);
  model.shard_count = file.shard_count();
  model.file_bytes = static_cast<int64_t>(file.file_size_bytes());
  read_architecture(metadata, model);
  read_tokenizer(metadata, model);
  read_tensors(file, model);
  model.file_type = file_type_name(metadata, model.majority_type);
  return model;
}

}  // namespace

ModelInfo read_model_info(const std::filesystem::path& path) {
  return info_from(GgufFile::open(path));
}

ModelInfo read_model_info(std::span<const int> fds, std::string_view what) {
  return info_from(GgufFile::from_fds(fds, what));
}

int64_t cache_value_count(const ModelInfo& model, int64_t context_tokens) {
  // Unsigned and saturating through double: hostile headers may claim more than any integer holds.
  double total = 0;
  for (const ModelLayerInfo& layer : model.layers) {
    const int64_t tokens =
        layer.window > 0 ? std::min(layer.window, context_tokens) : context_tokens;
    total += static_cast<double>(layer.kv_heads) *
             static_cast<double>(layer.key_dim + layer.value_dim) * static_cast<double>(tokens);
  }
  constexpr double representable = 9.0e18;
  return static_cast<int64_t>(std::min(total, representable));
}

}  // namespace hearth::engine
