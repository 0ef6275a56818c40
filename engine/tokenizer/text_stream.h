// Text of a running answer: bytes of tokens go in, text that may be shown now comes out.
// Two things are held back: the bytes of an unfinished UTF-8 character, and text that may turn out
// to be the beginning of a stop string. Each byte is looked at once per stop string, however they
// overlap.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::engine {

// Belongs to one sequence; not thread-safe.
class TextStream {
 public:
  // Empty stop strings are ignored. Stop strings are compared byte by byte with the text as it was
  // generated.
  explicit TextStream(std::vector<std::string> stops = {});

  // Takes the bytes of one token (Tokenizer::append_piece) and appends to `out` what can be shown:
  // always whole UTF-8 characters, malformed bytes as U+FFFD. When a stop string is completed,
  // `out` gets the text before it and everything later is dropped. The stop string completed first
  // wins; of several completed by the same byte, the longest.
  void push(std::string_view bytes, std::string& out);
  // The answer is over: appends what was held back, an unfinished character as U+FFFD.
  void finish(std::string& out);

  bool is_stopped() const { return hit_.has_value(); }
  // The stop string that ended the text, as given to the constructor.
  std::optional<std::string_view> stop_hit() const;

 private:
  // A stop string with its failure table (Knuth, Morris, Pratt) and how much of it the text ends
  // with.
  struct Stop {
    std::string text;
    std::vector<size_t> fallback;
    size_t matched = 0;
  };

  void advance(char byte);
  void show(size_t count, std::string& out);

  std::vector<Stop> stops_;
  std::string held_;
  std::optional<size_t> hit_;
};

}  // namespace hearth::engine
