#include "engine/tokenizer/text_stream.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "base/utf8.h"

namespace hearth::engine {
namespace {

// Feeds `text` in pieces of `size` bytes; each output must be whole UTF-8.
std::string feed(TextStream& stream, std::string_view text, size_t size) {
  std::string out;
  for (size_t at = 0; at < text.size(); at += size) {
    std::string now;
    stream.push(text.substr(at, size), now);
    CHECK(is_valid_utf8(now));
    out += now;
  }
  return out;
}

std::string whole(std::string_view text, std::vector<std::string> stops, size_t size) {
  TextStream stream(std::move(stops));
  std::string out = feed(stream, text, size);
  stream.finish(out);
  return out;
}

}  // namespace

TEST_CASE("text arrives whole however it is cut", "[tokenizer]") {
  const std::string text = "a\u00e9\u4e16\u754c \U0001F999\U0001F468\u200D\U0001F4BB end";
  for (size_t size = 1; size <= text.size(); ++size)
    CHECK(whole(text, {"</s>", "###"}, size) == text);
}

TEST_CASE("malformed and unfinished characters become U+FFFD", "[tokenizer]") {
  for (size_t size = 1; size <= 3; ++size) {
    CHECK(whole("a\x80z", {}, size) == "a\uFFFDz");
    CHECK(whole("a\xE4\xBD", {}, size) == "a\uFFFD\uFFFD");
    CHECK(whole("\xF0\x9F\xA6", {"x"}, size) == "\uFFFD\uFFFD\uFFFD");
  }
  TextStream stream;
  std::string out;
  stream.push("\xE4\xBD", out);
  CHECK(out.empty());
  stream.push("\xA0", out);
  CHECK(out == "\u4f60");
}

TEST_CASE("a stop string ends the text wherever it is cut", "[tokenizer]") {
  const std::string text = "one two<|end|>three";
  for (size_t size = 1; size <= text.size(); ++size) {
    TextStream stream({"never", "<|end|>"});
    std::string out = feed(stream, text, size);
    CHECK(out == "one two");
    CHECK(stream.is_stopped());
    CHECK(stream.stop_hit() == "<|end|>");
    stream.push("more", out);
    stream.finish(out);
    CHECK(out == "one two");
  }
}

TEST_CASE("text is held back only while it may become a stop string", "[tokenizer]") {
  TextStream stream({"aab", ""});
  std::string out;
  stream.push("xaa", out);
  CHECK(out == "x");
  stream.push("a", out);
  CHECK(out == "xa");
  stream.push("c", out);
  CHECK(out == "xaaac");
  stream.push("aa", out);
  stream.finish(out);
  CHECK(out == "xaaacaa");
  CHECK_FALSE(stream.is_stopped());
}

TEST_CASE("the stop string completed first wins, the longest of equal ends", "[tokenizer]") {
  TextStream first({"abcd", "bc"});
  std::string out;
  first.push("xabcd", out);
  CHECK(out == "xa");
  CHECK(first.stop_hit() == "bc");
  TextStream longest({"cd", "abcd"});
  out.clear();
  longest.push("xabcd", out);
  CHECK(out == "x");
  CHECK(longest.stop_hit() == "abcd");
}

namespace {

// What a stream must show, found the slow way: the text before the stop string that ends first, of
// those that end together the longest.
std::string text_before_stop(std::string_view text, const std::vector<std::string>& stops) {
  for (size_t end = 1; end <= text.size(); ++end) {
    size_t longest = 0;
    for (const std::string& stop : stops) {
      if (text.substr(0, end).ends_with(stop)) longest = std::max(longest, stop.size());
    }
    if (longest > 0) return repair_utf8(text.substr(0, end - longest));
  }
  return repair_utf8(text);
}

}  // namespace

TEST_CASE("random texts, stop strings and cuts: as if seen at once, never half a character",
          "[tokenizer]") {
  std::mt19937 random(7);
  const auto below = [&](size_t limit) { return static_cast<size_t>(random() % limit); };
  const std::vector<std::string> letters{"a", "b", "\u00e9", "\u4e16", "\U0001F999"};
  const auto word = [&](size_t length) {
    std::string text;
    for (size_t i = 0; i < length; ++i) text += letters[below(letters.size() - below(3))];
    return text;
  };
  size_t stopped = 0;
  for (int round = 0; round < 2000; ++round) {
    const std::string text = word(1 + below(60));
    std::vector<std::string> stops;
    for (size_t i = below(5); i > 0; --i) stops.push_back(word(1 + below(5)));
    // Parts of each other, and some that begin inside a character.
    if (!stops.empty() && round % 3 == 0) stops.push_back(stops[0].substr(1) + "a");
    std::erase(stops, "");
    TextStream stream(stops);
    std::string shown;
    bool is_whole = true;
    for (size_t at = 0; at < text.size();) {
      const size_t size = below(6);
      std::string now;
      stream.push(std::string_view(text).substr(at, size), now);
      is_whole = is_whole && is_valid_utf8(now);
      shown += now;
      at += size;
    }
    stream.finish(shown);
    stopped += stream.is_stopped() ? 1 : 0;
    INFO(text << " " << stops.size() << " stops");
    CHECK(is_whole);
    CHECK(shown == text_before_stop(text, stops));
  }
  CHECK(stopped > 500);
  CHECK(stopped < 1900);
}

TEST_CASE("stop strings of other scripts and long ones work", "[tokenizer]") {
  CHECK(whole("\u4e16\u754c\u4e16\u754d", {"\u754d"}, 1) == "\u4e16\u754c\u4e16");
  const std::string stop(100'000, 'a');
  CHECK(whole(std::string(300'000, 'a'), {stop + "b"}, 1000) == std::string(300'000, 'a'));
}

}  // namespace hearth::engine
