#include "engine/tokenizer/text_stream.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace hearth::engine {
namespace {

// fallback[i]: length of the longest proper prefix of `text` that ends at byte i.
std::vector<size_t> make_fallback(std::string_view text) {
  std::vector<size_t> fallback(text.size(), 0);
  size_t matched = 0;
  for (size_t i = 1; i < text.size(); ++i) {
    while (matched > 0 && text[matched] != text[i]) matched = fallback[matched - 1];
    if (text[matched] == text[i]) ++matched;
    fallback[i] = matched;
  }
  return fallback;
}

}  // namespace

TextStream::TextStream(std::vector<std::string> stops) {
  for (std::string& text : stops) {
    if (text.empty()) continue;
    auto fallback = make_fallback(text);
    stops_.push_back({std::move(text), std::move(fallback), 0});
  }
}

void TextStream::advance(char byte) {
  for (size_t i = 0; i < stops_.size(); ++i) {
    Stop& stop = stops_[i];
    while (stop.matched > 0 && stop.text[stop.matched] != byte)
      stop.matched = stop.fallback[stop.matched - 1];
    if (stop.text[stop.matched] == byte) ++stop.matched;
    const bool is_whole = stop.matched == stop.text.size();
    if (is_whole && (!hit_ || stop.text.size() > stops_[*hit_].text.size())) hit_ = i;
  }
}

void TextStream::show(size_t count, std::string& out) {
  out += repair_utf8(std::string_view(held_).substr(0, count));
  held_.erase(0, count);
}

void TextStream::push(std::string_view bytes, std::string& out) {
  if (hit_) return;
  for (const char byte : bytes) {
    held_.push_back(byte);
    advance(byte);
    if (!hit_) continue;
    show(held_.size() - stops_[*hit_].text.size(), out);
    held_.clear();
    return;
  }
  size_t beginning = 0;
  for (const Stop& stop : stops_) beginning = std::max(beginning, stop.matched);
  show(complete_utf8_prefix(std::string_view(held_).substr(0, held_.size() - beginning)), out);
}

void TextStream::finish(std::string& out) {
  show(held_.size(), out);
  for (Stop& stop : stops_) stop.matched = 0;
}

std::optional<std::string_view> TextStream::stop_hit() const {
  if (!hit_) return std::nullopt;
  return stops_[*hit_].text;
}

}  // namespace hearth::engine
