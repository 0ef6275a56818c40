#include "engine/tokenizer/vocabulary.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "engine/gguf/metadata.h"

namespace hearth::engine {
namespace {

using Texts = std::vector<std::string_view>;

// Spellings that mean a role where the file does not say which id has it.
const Texts eot_texts = {"<|eot_id|>",
                         "<|im_end|>",
                         "<|end|>",
                         "<end_of_turn>",
                         "<|endoftext|>",
                         "<|end_of_text|>",
                         "<EOT>",
                         "_<EOT>",
                         "[EOT]",
                         "[EOS]",
                         "<turn|>",
                         "<｜end▁of▁sentence｜>",
                         "<end_of_utterance>"};
const Texts eom_texts = {"<|eom_id|>"};
const Texts fim_prefix_texts = {"<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>",
                                "<PRE>",          "▁<PRE>",       "<｜fim▁begin｜>"};
const Texts fim_suffix_texts = {"<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>",
                                "<SUF>",          "▁<SUF>",       "<｜fim▁hole｜>"};
const Texts fim_middle_texts = {"<|fim_middle|>", "<fim-middle>", "<fim_middle>",
                                "<MID>",          "▁<MID>",       "<｜fim▁end｜>"};
const Texts fim_padding_texts = {"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>"};
const Texts fim_repository_texts = {"<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>",
                                    "<reponame>"};
const Texts fim_separator_texts = {"<|file_sep|>"};
// Spellings that end an answer whatever role they have.
const Texts end_texts = {"<|eot_id|>",
                         "<|im_end|>",
                         "<|end|>",
                         "<|return|>",
                         "<|call|>",
                         "<|flush|>",
                         "<|calls|>",
                         "<end_of_turn>",
                         "<turn|>",
                         "<|tool_response>",
                         "<|endoftext|>",
                         "<|end_of_text|>",
                         "<|eom_id|>",
                         "<EOT>",
                         "_<EOT>",
                         "[EOT]",
                         "[EOS]",
                         "<end_of_utterance>",
                         "<｜end▁of▁sentence｜>",
                         "[e~["};
// These are ordinary words in some vocabularies: they end an answer, but keep the kind the file
// gives them.
const Texts soft_end_texts = {"</s>", "<eos>"};

[[noreturn]] void fail(const std::string& what, const std::string& message) {
  throw Error(ErrorCode::corrupt_data, fmt::format("{}: {}", what, message));
}

// Real vocabularies stay far below; tables grow with the text of the tokens.
constexpr size_t token_bytes_max = 16 * 1024;
constexpr size_t text_bytes_max = size_t{64} << 20;

bool means_none(int64_t id) {
  return id == -1 || id == std::numeric_limits<uint32_t>::max();
}

}  // namespace

Vocabulary::Vocabulary(const GgufMetadata& metadata, const RoleDefaults& defaults)
    : what_(metadata.what()) {
  read_tokens(metadata);
  index_ = TextIndex(kinds_.size());
  for (TokenId id = 0; id < size(); ++id) index_.add(text(id), id);
  read_roles(metadata, defaults);
  find_roles_by_text();
  find_ends();
}

std::string_view Vocabulary::text(TokenId id) const {
  const uint64_t begin = offsets_[static_cast<size_t>(id)];
  return std::string_view(arena_).substr(begin, offsets_[static_cast<size_t>(id) + 1] - begin);
}

void Vocabulary::read_tokens(const GgufMetadata& metadata) {
  const auto texts = metadata.require_strings("tokenizer.ggml.tokens");
  if (texts.empty()) fail(what_, "tokenizer.ggml.tokens is empty, expected at least one token");
  if (texts.size() > static_cast<size_t>(std::numeric_limits<TokenId>::max()))
    fail(what_, "too many tokens");
  size_t total = 0;
  for (const auto text : texts) {
    if (text.size() > token_bytes_max)
      fail(what_, fmt::format("a token of {} bytes, at most {} are allowed", text.size(),
                              token_bytes_max));
    total += text.size();
  }
  if (total > text_bytes_max)
    fail(what_,
         fmt::format("tokens of {} bytes together, at most {} are allowed", total, text_bytes_max));
  arena_.reserve(total);
  offsets_.reserve(texts.size() + 1);
  for (const auto text : texts) {
    offsets_.push_back(arena_.size());
    arena_ += text;
  }
  offsets_.push_back(arena_.size());

  kinds_.assign(texts.size(), TokenKind::normal);
  const auto check_size = [&](std::string_view key, size_t found) {
    if (found != texts.size())
      fail(what_,
           fmt::format("{} has {} values, expected {} (one per token)", key, found, texts.size()));
  };
  if (const auto kinds = metadata.find_ints("tokenizer.ggml.token_type")) {
    check_size("tokenizer.ggml.token_type", kinds->size());
    for (size_t i = 0; i < kinds->size(); ++i) {
      const int64_t kind = (*kinds)[i];
      if (kind < 0 || kind > 6)
        fail(what_, fmt::format("tokenizer.ggml.token_type[{}] is {}, expected 1 to 6", i, kind));
      if (kind != 0) kinds_[i] = static_cast<TokenKind>(kind);
    }
  }
  if (const auto scores = metadata.find_floats("tokenizer.ggml.scores")) {
    check_size("tokenizer.ggml.scores", scores->size());
    scores_.assign(scores->begin(), scores->end());
  }
}

void Vocabulary::read_roles(const GgufMetadata& metadata, const RoleDefaults& defaults) {
  const auto read = [&](std::string_view name) -> std::optional<TokenId> {
    const std::string key = fmt::format("tokenizer.ggml.{}_token_id", name);
    const auto id = metadata.find_int(key);
    if (!id || means_none(*id)) return std::nullopt;
    if (*id >= 0 && *id < size()) return static_cast<TokenId>(*id);
    const std::string message = fmt::format("{} is {}, expected an id below {}", key, *id, size());
    if (name == "bos" || name == "eos" || name == "unknown") fail(what_, message);
    log::warn(fmt::format("{}: {}; ignored", what_, message));
    return std::nullopt;
  };
  const auto read_or = [&](std::string_view name, std::optional<TokenId> fallback) {
    if (metadata.find_int(fmt::format("tokenizer.ggml.{}_token_id", name))) return read(name);
    return fallback && contains(*fallback) ? fallback : std::nullopt;
  };
  roles_.bos = read_or("bos", defaults.bos);
  roles_.eos = read_or("eos", defaults.eos);
  roles_.unknown = read_or("unknown", defaults.unknown);
  roles_.eot = read("eot");
  roles_.eom = read("eom");
  roles_.padding = read("padding");
  roles_.separator = read_or("seperator", defaults.separator);  // sic: the key of the format
  roles_.fim_prefix = read("fim_pre");
  roles_.fim_suffix = read("fim_suf");
  roles_.fim_middle = read("fim_mid");
  roles_.fim_padding = read("fim_pad");
  roles_.fim_repository = read("fim_rep");
  roles_.fim_separator = read("fim_sep");
}

std::optional<TokenId> Vocabulary::first_of(const Texts& texts) const {
  for (const auto text : texts) {
    if (const auto id = find(text)) return id;
  }
  return std::nullopt;
}

// Files are known that call control tokens normal; as text they would leak into answers.
void Vocabulary::make_control(TokenId id) {
  TokenKind& kind = kinds_[static_cast<size_t>(id)];
  if (kind != TokenKind::unknown) kind = TokenKind::control;
}

void Vocabulary::find_roles_by_text() {
  const auto fill = [this](std::optional<TokenId>& role, const Texts& texts) {
    if (role) return;
    role = first_of(texts);
    if (role) make_control(*role);
  };
  fill(roles_.eot, eot_texts);
  fill(roles_.eom, eom_texts);
  fill(roles_.fim_prefix, fim_prefix_texts);
  fill(roles_.fim_suffix, fim_suffix_texts);
  fill(roles_.fim_middle, fim_middle_texts);
  fill(roles_.fim_padding, fim_padding_texts);
  fill(roles_.fim_repository, fim_repository_texts);
  fill(roles_.fim_separator, fim_separator_texts);
}

void Vocabulary::find_ends() {
  ends_.assign(kinds_.size(), false);
  const auto mark = [this](std::optional<TokenId> id) {
    if (id) ends_[static_cast<size_t>(*id)] = true;
  };
  for (const auto text : end_texts) {
    const auto id = find(text);
    mark(id);
    if (id) make_control(*id);
  }
  for (const auto text : soft_end_texts) mark(find(text));
  for (const auto role : {roles_.eos, roles_.eot, roles_.eom, roles_.fim_padding,
                          roles_.fim_repository, roles_.fim_separator}) {
    mark(role);
  }
  // In the harmony format <|end|> only closes one message of an answer.
  const auto end = find("<|end|>");
  if (end && end != roles_.eos && find("<|return|>") && find("<|call|>"))
    ends_[static_cast<size_t>(*end)] = false;
}

ByteTrie spelling_trie(const Vocabulary& vocabulary) {
  std::vector<std::pair<std::string_view, TokenId>> entries;
  entries.reserve(static_cast<size_t>(vocabulary.size()));
  for (TokenId id = 0; id < vocabulary.size(); ++id) entries.emplace_back(vocabulary.text(id), id);
  return ByteTrie(std::move(entries));
}

}  // namespace hearth::engine
