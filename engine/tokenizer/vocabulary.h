// The vocabulary of a GGUF file: spelling, kind and score of every token, and which ids have a
// role. Everything is copied out of the file and checked once, so that the rest of the tokenizer
// can trust it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/token_id.h"
#include "engine/tokenizer/byte_trie.h"
#include "engine/tokenizer/text_index.h"

namespace hearth::engine {

class GgufMetadata;

// The values are those of tokenizer.ggml.token_type.
enum class TokenKind : uint8_t {
  normal = 1,
  unknown = 2,
  control = 3,
  user_defined = 4,
  unused = 5,
  byte = 6
};

struct TokenRoles {
  std::optional<TokenId> bos, eos, eot, eom, unknown, padding, separator;
  std::optional<TokenId> fim_prefix, fim_suffix, fim_middle, fim_padding, fim_repository,
      fim_separator;
};

// What a family of vocabularies means by keys that are not there.
struct RoleDefaults {
  std::optional<TokenId> bos = {}, eos = {}, unknown = {}, separator = {};
};

// Immutable after construction.
class Vocabulary {
 public:
  // Throws Error{corrupt_data} for an empty vocabulary, arrays of different lengths, unknown kinds
  // of tokens, and bos, eos or unknown ids that are not in it. Other roles outside the vocabulary
  // are dropped with a warning; -1, also as 4294967295, means none.
  Vocabulary(const GgufMetadata& metadata, const RoleDefaults& defaults);

  int64_t size() const { return static_cast<int64_t>(kinds_.size()); }
  bool contains(TokenId id) const { return id >= 0 && id < size(); }
  // The following need an id that the vocabulary contains.
  std::string_view text(TokenId id) const;
  TokenKind kind(TokenId id) const { return kinds_[static_cast<size_t>(id)]; }
  // Neither a control token nor the unknown one: plain text may become it.
  bool is_text(TokenId id) const {
    return kind(id) != TokenKind::control && kind(id) != TokenKind::unknown;
  }
  // 0 where the file has no scores.
  float score(TokenId id) const {
    return scores_.empty() ? 0.0f : scores_[static_cast<size_t>(id)];
  }
  bool is_end_of_generation(TokenId id) const { return ends_[static_cast<size_t>(id)]; }

  // By the exact spelling in the file.
  std::optional<TokenId> find(std::string_view text) const { return index_.find(text); }
  const TokenRoles& roles() const { return roles_; }
  // Names the file in messages.
  const std::string& what() const { return what_; }

 private:
  void read_tokens(const GgufMetadata& metadata);
  void read_roles(const GgufMetadata& metadata, const RoleDefaults& defaults);
  void find_roles_by_text();
  void find_ends();
  void make_control(TokenId id);
  std::optional<TokenId> first_of(const std::vector<std::string_view>& texts) const;

  std::string what_;
  std::string arena_;              // all spellings, one after the other
  std::vector<uint64_t> offsets_;  // size() + 1 positions in arena_
  std::vector<TokenKind> kinds_;
  std::vector<float> scores_;
  std::vector<bool> ends_;
  TextIndex index_{0};
  TokenRoles roles_;
};

// All spellings of a vocabulary; keeps nothing of it.
ByteTrie spelling_trie(const Vocabulary& vocabulary);

}  // namespace hearth::engine
