#include "engine/tokenizer/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "engine/gguf/reader.h"
#include "engine/tokenizer/bpe.h"
#include "engine/tokenizer/byte_map.h"
#include "engine/tokenizer/byte_tokens.h"
#include "engine/tokenizer/character_bpe.h"
#include "engine/tokenizer/rwkv.h"
#include "engine/tokenizer/space_marks.h"
#include "engine/tokenizer/spm.h"
#include "engine/tokenizer/unigram.h"
#include "engine/tokenizer/vocab_tokenizer.h"
#include "engine/tokenizer/wordpiece.h"

namespace hearth::engine {
namespace {

std::string marked_piece(const Vocabulary& vocabulary, TokenId id) {
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

std::string rwkv_piece(const Vocabulary& vocabulary, TokenId id) {
  return unescape_token(vocabulary.text(id));
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return result;
}

// The added tokens of Phi-3 were trained with the white space behind them dropped; its files can be
// told by name only.
std::vector<bool> eaters_behind(const GgufMetadata& metadata, const Vocabulary& vocabulary) {
  const std::string name = lower(metadata.find_string("general.name").value_or(""));
  if (name.find("phi-3") == name.npos && name.find("phi3") == name.npos) return {};
  std::vector<bool> eats(static_cast<size_t>(vocabulary.size()), false);
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const std::string_view text = vocabulary.text(id);
    const bool is_added = !vocabulary.is_text(id) || vocabulary.kind(id) == TokenKind::user_defined;
    eats[static_cast<size_t>(id)] =
        is_added && text != "<unk>" && text != "<s>" && text != "<|endoftext|>";
  }
  return eats;
}

// <mask> takes the white space before it in the vocabularies that have it as a word.
std::vector<bool> eaters_before(const GgufMetadata& metadata, const Vocabulary& vocabulary) {
  const std::string_view pre = metadata.find_string("tokenizer.ggml.pre").value_or("");
  const std::string_view family = metadata.find_string("general.architecture").value_or("");
  const bool is_concerned = pre == "jina-v2-de" || pre == "jina-v2-es" || pre == "jina-v2-code" ||
                            family == "nomic-bert-moe" || family == "jina-bert-v3";
  const auto mask = vocabulary.find("<mask>");
  if (!is_concerned || !mask) return {};
  std::vector<bool> eats(static_cast<size_t>(vocabulary.size()), false);
  eats[static_cast<size_t>(*mask)] = true;
  return eats;
}

// `traits` has what the family does where the file says nothing.
TokenizerTraits read_traits(const GgufMetadata& metadata, const Vocabulary& vocabulary,
                            TokenizerTraits traits) {
  const auto& roles = vocabulary.roles();
  const auto adds = [&](std::string_view name, bool otherwise, std::optional<TokenId> role) {
    const std::string key = fmt::format("tokenizer.ggml.add_{}_token", name);
    return metadata.find_bool(key).value_or(otherwise) && role.has_value();
  };
  traits.adds_bos = adds("bos", traits.adds_bos, roles.bos);
  traits.adds_eos = adds("eos", traits.adds_eos, roles.eos);
  traits.adds_separator = traits.adds_separator && adds("sep", true, roles.separator);
  traits.eats_space_behind = eaters_behind(metadata, vocabulary);
  traits.eats_space_before = eaters_before(metadata, vocabulary);
  return traits;
}

void require_unknown(const GgufMetadata& metadata, const Vocabulary& vocabulary) {
  if (vocabulary.roles().unknown) return;
  throw Error(
      ErrorCode::corrupt_data,
      fmt::format("{}: the vocabulary has no unknown token, which a \"{}\" vocabulary needs",
                  metadata.what(), metadata.require_string("tokenizer.ggml.model")));
}

std::unique_ptr<const Tokenizer> make_spm(const GgufMetadata& metadata) {
  auto vocabulary = std::make_unique<const Vocabulary>(metadata, RoleDefaults{1, 2, 0});
  auto pieces = make_pieces(*vocabulary, marked_piece);
  const bool adds_space = metadata.find_bool("tokenizer.ggml.add_space_prefix").value_or(true);
  TokenizerTraits traits =
      read_traits(metadata, *vocabulary, {.adds_bos = true, .strips_first_space = adds_space});
  auto encoder = std::make_unique<const SpmEncoder>(*vocabulary, adds_space);
  return std::make_unique<const VocabTokenizer>(std::move(vocabulary), std::move(pieces),
                                                std::move(encoder), std::move(traits));
}

std::unique_ptr<const Tokenizer> make_unigram(const GgufMetadata& metadata) {
  auto vocabulary = std::make_unique<const Vocabulary>(metadata, RoleDefaults{{}, 1, 2});
  require_unknown(metadata, *vocabulary);
  auto pieces = make_pieces(*vocabulary, marked_piece);
  UnigramNormalizer normalizer;
  if (const auto blob = metadata.find_ints("tokenizer.ggml.precompiled_charsmap")) {
    std::string bytes;
    for (const int64_t value : *blob) bytes.push_back(static_cast<char>(value));
    if (!bytes.empty()) normalizer.map = CharacterMap(metadata.what(), bytes);
  }
  normalizer.adds_space = metadata.find_bool("tokenizer.ggml.add_space_prefix").value_or(true);
  normalizer.joins_spaces =
      metadata.find_bool("tokenizer.ggml.remove_extra_whitespaces").value_or(false);
  TokenizerTraits traits = read_traits(
      metadata, *vocabulary, {.adds_eos = true, .strips_first_space = normalizer.adds_space});
  auto encoder = std::make_unique<const UnigramEncoder>(*vocabulary, std::move(normalizer));
  return std::make_unique<const VocabTokenizer>(std::move(vocabulary), std::move(pieces),
                                                std::move(encoder), std::move(traits));
}

std::unique_ptr<const Tokenizer> make_wordpiece(const GgufMetadata& metadata) {
  const auto first = static_cast<TokenId>(
      std::clamp<int64_t>(metadata.find_int("tokenizer.ggml.cls_token_id").value_or(101), -1,
                          std::numeric_limits<TokenId>::max()));
  auto vocabulary = std::make_unique<const Vocabulary>(metadata, RoleDefaults{first, {}, 100, 102});
  require_unknown(metadata, *vocabulary);
  auto pieces = make_pieces(*vocabulary, marked_piece);
  WordNormalizer normalizer;
  normalizer.lowers_case = metadata.find_bool("tokenizer.ggml.normalizer.lowercase").value_or(true);
  const auto strips = metadata.find_bool("tokenizer.ggml.normalizer.strip_accents");
  normalizer.drops_accents = strips.value_or(normalizer.lowers_case);
  normalizer.drops_marks = strips.value_or(false);
  TokenizerTraits traits = read_traits(
      metadata, *vocabulary, {.adds_bos = true, .adds_separator = true, .cleans_spaces = true});
  auto encoder = std::make_unique<const WordPieceEncoder>(*vocabulary, normalizer);
  return std::make_unique<const VocabTokenizer>(std::move(vocabulary), std::move(pieces),
                                                std::move(encoder), std::move(traits));
}

std::unique_ptr<const Tokenizer> make_rwkv(const GgufMetadata& metadata) {
  auto vocabulary = std::make_unique<const Vocabulary>(metadata, RoleDefaults{});
  auto pieces = make_pieces(*vocabulary, rwkv_piece);
  TokenizerTraits traits = read_traits(metadata, *vocabulary, {});
  auto encoder = std::make_unique<const RwkvEncoder>(*vocabulary, *pieces);
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
  throw Error(
      ErrorCode::unsupported,
      fmt::format("{}: tokenizer.ggml.pre is \"{}\", supported are {}; a new name needs its split "
                  "rule (pre_tokenizer in the model's tokenizer.json) as a row of "
                  "engine/tokenizer/pre_tokenizer_rules.cpp",
                  metadata.what(), printable(*name), known));
}

std::unique_ptr<const Tokenizer> make_byte_bpe(const GgufMetadata& metadata,
                                               const PreTokenizerRow& row) {
  auto vocabulary = std::make_unique<const Vocabulary>(metadata, RoleDefaults{});
  auto pieces = make_pieces(*vocabulary, bpe_piece);
  const auto merges = metadata.require_strings("tokenizer.ggml.merges");
  auto encoder = std::make_unique<const BpeEncoder>(*vocabulary, *pieces, merges, row);
  TokenizerTraits traits = read_traits(
      metadata, *vocabulary, {.adds_bos = row.adds_bos, .cleans_spaces = row.cleans_spaces});
  return std::make_unique<const VocabTokenizer>(std::move(vocabulary), std::move(pieces),
                                                std::move(encoder), std::move(traits));
}

std::unique_ptr<const Tokenizer> make_character_bpe(const GgufMetadata& metadata,
                                                    const PreTokenizerRow& row) {
  auto vocabulary = std::make_unique<const Vocabulary>(metadata, RoleDefaults{});
  auto pieces = make_pieces(*vocabulary, marked_piece);
  const auto merges = metadata.require_strings("tokenizer.ggml.merges");
  auto encoder = std::make_unique<const CharacterBpeEncoder>(*vocabulary, merges, row);
  TokenizerTraits traits = read_traits(metadata, *vocabulary, {.adds_bos = row.adds_bos});
  // Files of this kind are known that deny the first token their models cannot do without.
  traits.adds_bos = traits.adds_bos || (row.adds_bos && vocabulary->roles().bos.has_value());
  return std::make_unique<const VocabTokenizer>(std::move(vocabulary), std::move(pieces),
                                                std::move(encoder), std::move(traits));
}

std::unique_ptr<const Tokenizer> make_bpe(const GgufMetadata& metadata) {
  const PreTokenizerRow& row = choose_pre_tokenizer(metadata);
  return row.alphabet == Alphabet::bytes ? make_byte_bpe(metadata, row)
                                         : make_character_bpe(metadata, row);
}

std::unique_ptr<const Tokenizer> make_gemma4(const GgufMetadata& metadata) {
  return make_character_bpe(metadata, *find_pre_tokenizer("gemma4"));
}

struct FamilyRow {
  std::string_view model;
  std::unique_ptr<const Tokenizer> (*make)(const GgufMetadata&);
};

constexpr FamilyRow families[] = {{"llama", make_spm},      {"gpt2", make_bpe},
                                  {"gemma4", make_gemma4},  {"t5", make_unigram},
                                  {"bert", make_wordpiece}, {"rwkv", make_rwkv}};

}  // namespace

std::vector<TokenId> Tokenizer::encode_prompt(std::span<const TextPart> parts) const {
  std::vector<TokenId> ids = encode_parts(parts);
  // Templates often spell the first token themselves; two of them would harm the answer.
  if (adds_bos() && (ids.empty() || ids.front() != *bos())) ids.insert(ids.begin(), *bos());
  if (adds_eos() && (ids.empty() || ids.back() != *eos())) ids.push_back(*eos());
  if (adds_separator() && (ids.empty() || ids.back() != *separator())) ids.push_back(*separator());
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
              fmt::format("{}: tokenizer.ggml.model is \"{}\", supported are {}; another kind of "
                          "vocabulary needs an encoder of its own in engine/tokenizer",
                          metadata.what(), printable(model), known));
}

std::unique_ptr<const Tokenizer> make_tokenizer(const GgufFile& file) {
  return make_tokenizer(file.metadata());
}

}  // namespace hearth::engine
