#include "engine/tokenizer/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "engine/gguf/reader.h"
#include "engine/tokenizer/bpe.h"
#include "engine/tokenizer/byte_map.h"
#include "engine/tokenizer/spm.h"
#include "engine/tokenizer/vocab_tokenizer.h"

namespace hearth::engine {
namespace {

// The space of a piece is spelled U+2581.
std::string unmark_spaces(std::string_view text) {
  constexpr std::string_view mark = "\xE2\x96\x81";
  std::string result;
  while (!text.empty()) {
    const size_t at = std::min(text.find(mark), text.size());
    result += text.substr(0, at);
    if (at == text.size()) break;
    result.push_back(' ');
    text.remove_prefix(at + mark.size());
  }
  return result;
}

std::string spm_piece(const Vocabulary& vocabulary, TokenId id) {
  const std::string_view text = vocabulary.text(id);
  switch (vocabulary.kind(id)) {
    case TokenKind::byte:
      if (const auto byte = byte_of_token(text)) return std::string(1, static_cast<char>(*byte));
      return std::string(text);
    case TokenKind::normal:
    case TokenKind::unused:
      return unmark_spaces(text);
    default:
      return std::string(text);
  }
}

std::string bpe_piece(const Vocabulary& vocabulary, TokenId id) {
  const TokenKind kind = vocabulary.kind(id);
  const bool is_spelled =
      kind == TokenKind::normal || kind == TokenKind::unused || kind == TokenKind::byte;
  return is_spelled ? unspell_leniently(vocabulary.text(id)) : std::string(vocabulary.text(id));
}

template <typename PieceOf>
std::unique_ptr<const PieceTable> make_pieces(const Vocabulary& vocabulary,
                                              const PieceOf& piece_of) {
  auto pieces = std::make_unique<PieceTable>();
  for (TokenId id = 0; id < vocabulary.size(); ++id) pieces->add(piece_of(vocabulary, id));
  return pieces;
}

// The added tokens of Phi-3 were trained with the white space behind them dropped; its files can be
// told by name only.
std::vector<bool> space_eaters(const GgufMetadata& metadata, const Vocabulary& vocabulary) {
  std::string name(metadata.find_string("general.name").value_or(""));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  if (name.find("phi-3") == name.npos && name.find("phi3") == name.npos) return {};
  std::vector<bool> eats(static_cast<size_t>(vocabulary.size()), false);
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const TokenKind kind = vocabulary.kind(id);
    const std::string_view text = vocabulary.text(id);
    const bool is_added =
        kind == TokenKind::control || kind == TokenKind::user_defined || kind == TokenKind::unknown;
    eats[static_cast<size_t>(id)] =
        is_added && text != "<unk>" && text != "<s>" && text != "<|endoftext|>";
  }
  return eats;
}

TokenizerTraits read_traits(const GgufMetadata& metadata, const Vocabulary& vocabulary,
                            bool adds_bos, bool cleans_spaces) {
  TokenizerTraits traits;
  const auto& roles = vocabulary.roles();
  traits.adds_bos = metadata.find_bool("tokenizer.ggml.add_bos_token").value_or(adds_bos) &&
                    roles.bos.has_value();
  traits.adds_eos =
      metadata.find_bool("tokenizer.ggml.add_eos_token").value_or(false) && roles.eos.has_value();
  traits.cleans_spaces = cleans_spaces;
  traits.eats_space = space_eaters(metadata, vocabulary);
  return traits;
}

std::unique_ptr<const Tokenizer> make_spm(const GgufMetadata& metadata) {
  auto vocabulary = std::make_unique<const Vocabulary>(metadata, RoleDefaults{1, 2, 0});
  auto pieces = make_pieces(*vocabulary, spm_piece);
  const bool adds_space = metadata.find_bool("tokenizer.ggml.add_space_prefix").value_or(true);
  TokenizerTraits traits = read_traits(metadata, *vocabulary, true, false);
  traits.strips_first_space = adds_space;
  auto encoder = std::make_unique<const SpmEncoder>(*vocabulary, adds_space);
  return std::make_unique<const VocabTokenizer>(std::move(vocabulary), std::move(pieces),
                                                std::move(encoder), std::move(traits));
}

const PreTokenizerRow& choose_pre_tokenizer(const GgufMetadata& metadata) {
  auto name = metadata.find_string("tokenizer.ggml.pre");
  if (!name || name->empty()) {
    log::warn(
        fmt::format("{}: tokenizer.ggml.pre is missing, taken as \"default\": text may be split "
                    "otherwise than in training; "
                    "convert the model again to mend it",
                    metadata.what()));
    name = "default";
  }
  if (const PreTokenizerRow* row = find_pre_tokenizer(*name)) return *row;
  std::string known;
  for (const PreTokenizerRow& row : pre_tokenizer_rows())
    known += fmt::format("{}{}", known.empty() ? "" : ", ", row.name);
  throw Error(ErrorCode::unsupported,
              fmt::format("{}: tokenizer.ggml.pre is \"{}\", supported are {}", metadata.what(),
                          printable(*name), known));
}

std::unique_ptr<const Tokenizer> make_bpe(const GgufMetadata& metadata) {
  const PreTokenizerRow& row = choose_pre_tokenizer(metadata);
  auto vocabulary = std::make_unique<const Vocabulary>(metadata, RoleDefaults{});
  auto pieces = make_pieces(*vocabulary, bpe_piece);
  const auto merges = metadata.require_strings("tokenizer.ggml.merges");
  auto encoder = std::make_unique<const BpeEncoder>(*vocabulary, *pieces, merges, row);
  TokenizerTraits traits = read_traits(metadata, *vocabulary, row.adds_bos, row.cleans_spaces);
  return std::make_unique<const VocabTokenizer>(std::move(vocabulary), std::move(pieces),
                                                std::move(encoder), std::move(traits));
}

struct FamilyRow {
  std::string_view model;
  std::unique_ptr<const Tokenizer> (*make)(const GgufMetadata&);
};

constexpr FamilyRow families[] = {{"llama", make_spm}, {"gpt2", make_bpe}};

}  // namespace

std::vector<TokenId> Tokenizer::encode_prompt(std::span<const TextPart> parts) const {
  std::vector<TokenId> ids = encode_parts(parts);
  // Templates often spell the first token themselves; two of them would harm the answer.
  if (adds_bos() && (ids.empty() || ids.front() != *bos())) ids.insert(ids.begin(), *bos());
  if (adds_eos() && (ids.empty() || ids.back() != *eos())) ids.push_back(*eos());
  return ids;
}

std::unique_ptr<const Tokenizer> make_tokenizer(const GgufMetadata& metadata) {
  const std::string_view model = metadata.require_string("tokenizer.ggml.model");
  std::string known;
  for (const FamilyRow& family : families) {
    if (family.model == model) return family.make(metadata);
    known += fmt::format("{}{}", known.empty() ? "" : ", ", family.model);
  }
  throw Error(ErrorCode::unsupported,
              fmt::format("{}: tokenizer.ggml.model is \"{}\", supported are {}", metadata.what(),
                          printable(model), known));
}

std::unique_ptr<const Tokenizer> make_tokenizer(const GgufFile& file) {
  return make_tokenizer(file.metadata());
}

}  // namespace hearth::engine
