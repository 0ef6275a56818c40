#include "engine/engine/dry_breakers.h"

#include <algorithm>
#include <string_view>

namespace hearth::engine {
namespace {

constexpr size_t string_bytes_max = 40;
constexpr size_t tail_tokens_max = 20;
constexpr size_t cached_max = 16;

// Whether `piece` ends with the beginning of `string` from `at` on.
bool overlaps(std::string_view piece, size_t at, std::string_view string) {
  return string.starts_with(piece.substr(at));
}

// A token holds the string, or ends in the beginning of it: then the rest must follow.
void add_token(const Tokenizer& tokenizer, TokenId id, std::string_view string,
               DryBreakers& breakers) {
  const std::string piece = tokenizer.decode(std::span(&id, 1), true);
  if (piece.find(string) != piece.npos) return breakers.add(id, {});
  const size_t first = piece.size() < string.size() ? 0 : piece.size() - string.size() + 1;
  for (size_t at = first; at < piece.size(); ++at) {
    if (!overlaps(piece, at, string)) continue;
    auto tail = tokenizer.encode(string.substr(piece.size() - at), Specials::as_text);
    if (tail.size() > tail_tokens_max) tail.resize(tail_tokens_max);
    breakers.add(id, std::move(tail));
  }
}

}  // namespace

std::shared_ptr<const DryBreakers> find_breakers(const Tokenizer& tokenizer,
                                                 const std::vector<std::string>& strings) {
  if (strings.empty()) return nullptr;
  // Shared: see DryBreakerCache.
  auto breakers = std::make_shared<DryBreakers>(tokenizer.vocab_size());
  for (const std::string& string : strings) {
    if (string.empty()) continue;
    const std::string_view used = std::string_view(string).substr(0, string_bytes_max);
    for (TokenId id = 0; id < tokenizer.vocab_size(); ++id)
      add_token(tokenizer, id, used, *breakers);
  }
  return breakers;
}

// Shared: see the header.
std::shared_ptr<const DryBreakers> DryBreakerCache::get(const std::vector<std::string>& strings) {
  const auto place = found_.find(strings);
  if (place != found_.end()) return place->second;
  if (found_.size() >= cached_max) found_.clear();
  return found_.emplace(strings, find_breakers(tokenizer_, strings)).first->second;
}

}  // namespace hearth::engine
