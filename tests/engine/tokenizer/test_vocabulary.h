// Small vocabularies written in the test that needs them, without a file.
#pragma once

#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "engine/gguf/metadata.h"

namespace hearth::engine {

// Collects keys and values; owns their bytes, so it must outlive the metadata.
class MetadataBuilder {
 public:
  MetadataBuilder& text(std::string_view key, std::string_view value) {
    return add(key, GgufType::string, GgufType::string, 1, counted(value));
  }
  MetadataBuilder& number(std::string_view key, uint32_t value) {
    return add(key, GgufType::u32, GgufType::u32, 1, bytes_of(value));
  }
  MetadataBuilder& boolean(std::string_view key, bool value) {
    return add(key, GgufType::boolean, GgufType::boolean, 1, std::string(1, value ? '\1' : '\0'));
  }
  MetadataBuilder& texts(std::string_view key, const std::vector<std::string>& values) {
    std::string bytes;
    for (const auto& value : values) bytes += counted(value);
    return add(key, GgufType::array, GgufType::string, values.size(), bytes);
  }
  MetadataBuilder& numbers(std::string_view key, const std::vector<int32_t>& values) {
    std::string bytes;
    for (const int32_t value : values) bytes += bytes_of(value);
    return add(key, GgufType::array, GgufType::i32, values.size(), bytes);
  }
  MetadataBuilder& floats(std::string_view key, const std::vector<float>& values) {
    std::string bytes;
    for (const float value : values) bytes += bytes_of(value);
    return add(key, GgufType::array, GgufType::f32, values.size(), bytes);
  }

  GgufMetadata build() const { return GgufMetadata("test.gguf", entries_); }

 private:
  template <typename T>
  static std::string bytes_of(T value) {
    std::string bytes(sizeof(T), '\0');
    std::memcpy(bytes.data(), &value, sizeof(T));
    return bytes;
  }
  static std::string counted(std::string_view value) {
    return bytes_of(uint64_t{value.size()}).append(value);
  }

  MetadataBuilder& add(std::string_view key, GgufType type, GgufType element, size_t count,
                       std::string bytes) {
    const std::string& kept_key = strings_.emplace_back(key);
    const std::string& kept = strings_.emplace_back(std::move(bytes));
    entries_.push_back({kept_key, GgufValue(type, element, static_cast<int64_t>(count),
                                            std::as_bytes(std::span(kept)))});
    return *this;
  }

  std::deque<std::string> strings_;  // never moves what it holds
  std::vector<GgufMetadata::Entry> entries_;
};

// A SentencePiece vocabulary: <unk> <s> </s> <|im_start|> and the given pieces, the earlier the
// better.
inline MetadataBuilder spm_vocabulary(const std::vector<std::string>& pieces) {
  std::vector<std::string> texts{"<unk>", "<s>", "</s>", "<|im_start|>"};
  std::vector<int32_t> kinds{2, 3, 3, 3};
  std::vector<float> scores{0, 0, 0, 0};
  for (const auto& piece : pieces) {
    texts.push_back(piece);
    kinds.push_back(1);
    scores.push_back(-static_cast<float>(scores.size()));
  }
  MetadataBuilder builder;
  builder.text("tokenizer.ggml.model", "llama").texts("tokenizer.ggml.tokens", texts);
  builder.numbers("tokenizer.ggml.token_type", kinds).floats("tokenizer.ggml.scores", scores);
  return builder;
}

}  // namespace hearth::engine
