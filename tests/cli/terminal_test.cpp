// Word wrap of text that arrives in pieces: whatever the pieces, the screen shows the same.
#include "cli/terminal.h"

#include <catch2/catch.hpp>
#include <string>

using namespace hearth::cli;

namespace {

// What a terminal shows after the text and the two control sequences WordWrap uses.
std::string screen(const std::string& output) {
  std::string shown;
  for (size_t i = 0; i < output.size(); ++i) {
    if (output[i] != '\x1b') {
      shown += output[i];
      continue;
    }
    const size_t end = output.find_first_of("DK", i);
    if (output[end] == 'D') shown.erase(shown.size() - std::stoul(output.substr(i + 2)));
    i = end;
  }
  return shown;
}

std::string wrapped(const std::string& text, int width, size_t piece_bytes) {
  WordWrap wrap(width);
  std::string output;
  for (size_t i = 0; i < text.size(); i += piece_bytes)
    output += wrap.add(text.substr(i, piece_bytes));
  return screen(output);
}

}  // namespace

TEST_CASE("a word that does not fit moves to the next line") {
  CHECK(wrapped("one two three", 9, 100) == "one two \nthree");
  CHECK(wrapped("one two\nthree", 9, 100) == "one two\nthree");
}

TEST_CASE("a word longer than the line is broken") {
  CHECK(wrapped("abcdefghij", 5, 100) == "abcdef\nghij");
}

TEST_CASE("pieces do not matter, not even within a code point") {
  const std::string text = "the quick brown fox über dem Zaun und 日本語 ist da";
  for (size_t piece : {1, 2, 3, 7}) CHECK(wrapped(text, 12, piece) == wrapped(text, 12, 1000));
}

TEST_CASE("no width, no wrapping") {
  CHECK(wrapped("one two three four", 0, 3) == "one two three four");
}

TEST_CASE("colours take no room") {
  WordWrap wrap(8);
  CHECK(wrap.add("\x1b[90maa bb\x1b[0m cc") == "\x1b[90maa bb\x1b[0m cc");
}
