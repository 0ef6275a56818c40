#include "engine/tokenizer/text_index.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>

namespace hearth::engine {
namespace {

// The 128-bit product folded to 64 bits.
uint64_t fold_multiply(uint64_t a, uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t load_up_to_8(const char* data, size_t size) {
  uint64_t value = 0;
  std::memcpy(&value, data, size);
  return value;
}

}  // namespace

TextIndex::TextIndex(size_t count) : slots_(std::bit_ceil(std::max<size_t>(16, count * 2))) {
  mask_ = slots_.size() - 1;
  std::random_device device;
  seed_ = (uint64_t{device()} << 32) | device() | 1;
}

uint64_t TextIndex::hash(std::string_view text) const {
  constexpr uint64_t factor = 0x9E3779B97F4A7C15u;
  uint64_t h = seed_ ^ (text.size() * factor);
  const char* data = text.data();
  size_t left = text.size();
  for (; left > 8; left -= 8, data += 8)
    h = fold_multiply(h ^ load_up_to_8(data, 8), factor ^ seed_);
  h = fold_multiply(h ^ load_up_to_8(data, left), factor);
  return h ^ (h >> 32);
}

size_t TextIndex::slot_of(std::string_view text) const {
  size_t i = hash(text) & mask_;
  while (slots_[i].data != nullptr && std::string_view(slots_[i].data, slots_[i].size) != text)
    i = (i + 1) & mask_;
  return i;
}

void TextIndex::add(std::string_view text, TokenId id) {
  if (text.empty()) return;
  Slot& slot = slots_[slot_of(text)];
  slot = {text.data(), static_cast<uint32_t>(text.size()), id};
  text_size_max_ = std::max(text_size_max_, text.size());
}

std::optional<TokenId> TextIndex::find(std::string_view text) const {
  if (text.empty() || text.size() > text_size_max_) return std::nullopt;
  const Slot& slot = slots_[slot_of(text)];
  if (slot.data == nullptr) return std::nullopt;
  return slot.id;
}

}  // namespace hearth::engine
