#include "engine/tokenizer/vocab_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "engine/tokenizer/clean_spaces.h"

namespace hearth::engine {
namespace {

constexpr size_t text_bytes_max = size_t{1} << 30;

bool is_ascii_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool has(const std::vector<bool>& flags, TokenId id) {
  return !flags.empty() && flags[static_cast<size_t>(id)];
}

}  // namespace

VocabTokenizer::VocabTokenizer(std::unique_ptr<const Vocabulary> vocabulary,
                               std::unique_ptr<const PieceTable> pieces,
                               std::unique_ptr<const FragmentEncoder> encoder,
                               TokenizerTraits traits)
    : vocabulary_(std::move(vocabulary)),
      pieces_(std::move(pieces)),
      encoder_(std::move(encoder)),
      splitter_(*vocabulary_),
      traits_(std::move(traits)) {}

void VocabTokenizer::check(TokenId id) const {
  if (vocabulary_->contains(id)) return;
  throw Error(ErrorCode::invalid_argument,
              fmt::format("token id {}, expected 0 to {}", id, vocabulary_->size() - 1));
}

std::vector<TokenId> VocabTokenizer::encode(std::string_view text, Specials specials) const {
  const TextRange all{0, text.size()};
  return encode_text(text, std::span(&all, specials == Specials::parse ? 1 : 0),
                     ControlTokens::reachable);
}

std::vector<TokenId> VocabTokenizer::encode_parts(std::span<const TextPart> parts) const {
  std::string text;
  std::vector<TextRange> trusted;
  for (const TextPart& part : parts) {
    const TextRange range{text.size(), text.size() + part.text.size()};
    text += part.text;
    if (!part.is_trusted || part.text.empty()) continue;
    if (!trusted.empty() && trusted.back().end == range.begin) {
      trusted.back().end = range.end;
    } else {
      trusted.push_back(range);
    }
  }
  return encode_text(text, trusted, ControlTokens::excluded);
}

std::vector<TokenId> VocabTokenizer::encode_text(std::string_view text,
                                                 std::span<const TextRange> trusted,
                                                 ControlTokens controls) const {
  if (text.size() > text_bytes_max) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("text of {} bytes, at most {} can be tokenized at once", text.size(),
                            text_bytes_max));
  }
  std::vector<TokenId> ids;
  ids.reserve(text.size() / 4 + 4);
  size_t at = 0;
  bool begins = true;
  const auto encode_until = [&](size_t end) {
    if (end > at) {
      encoder_->encode(text.substr(at, end - at), begins, controls, ids);
      begins = false;
    }
  };
  for (const SpecialMatch& match : splitter_.find(text, trusted)) {
    size_t end = match.begin;
    if (has(traits_.eats_space_before, match.id)) {
      while (end > at && is_ascii_space(text[end - 1])) --end;
    }
    encode_until(end);
    ids.push_back(match.id);
    begins = true;
    at = match.end;
    if (has(traits_.eats_space_behind, match.id)) {
      while (at < text.size() && is_ascii_space(text[at])) ++at;
    }
  }
  encode_until(text.size());
  return ids;
}

void VocabTokenizer::append_piece(std::string& text, TokenId id, bool show_special) const {
  check(id);
  if (show_special || !is_control(id)) text += (*pieces_)[id];
}

std::string VocabTokenizer::decode(std::span<const TokenId> ids, bool show_special,
                                   Tidying tidying) const {
  std::string text;
  for (size_t i = 0; i < ids.size(); ++i) {
    const size_t begin = text.size();
    append_piece(text, ids[i], show_special);
    if (i == 0 && traits_.strips_first_space && text.size() > begin && text[begin] == ' ')
      text.erase(begin, 1);
  }
  if (traits_.cleans_spaces && tidying == Tidying::by_vocabulary) clean_spaces(text);
  return text;
}

std::string_view VocabTokenizer::token_text(TokenId id) const {
  check(id);
  return vocabulary_->text(id);
}

bool VocabTokenizer::is_control(TokenId id) const {
  if (!vocabulary_->contains(id)) return false;
  const TokenKind kind = vocabulary_->kind(id);
  return kind == TokenKind::control || kind == TokenKind::unknown;
}

bool VocabTokenizer::is_end_of_generation(TokenId id) const {
  return vocabulary_->contains(id) && vocabulary_->is_end_of_generation(id);
}

}  // namespace hearth::engine
