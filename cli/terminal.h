// What the terminal can do, word wrap of an answer that arrives in pieces, and progress lines.
// Answers go to standard output; progress, notes and errors to standard error.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::cli {

bool input_is_terminal();
bool output_is_terminal();
bool errors_are_terminal();
int terminal_width();   // columns; 80 when unknown
int terminal_height();  // rows; 24 when unknown

void print(std::string_view text);        // standard output, flushed
void note(std::string_view line);         // one line on standard error
void print_error(std::string_view text);  // standard error, flushed

// True once Ctrl-C was pressed after the last reset. `watch` takes SIGINT over for the life of the
// guard; a second Ctrl-C before a reset ends the program.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  static std::atomic<bool>& flag();
};

// Wraps words at the terminal's width while text streams through: a word that does not fit moves to
// the next line.
class WordWrap {
 public:
  // width 0: no wrapping. The result of add() is what to print now.
  explicit WordWrap(int width) : width_(width) {}
  std::string add(std::string_view text);

 private:
  int width_;
  int column_ = 0;
  std::string word_;     // the unfinished word on the current line
  std::string partial_;  // bytes of an unfinished code point
  bool is_in_escape_ = false;
};

// One line on standard error that is redrawn: a spinner with a message, or a bar. Silent where it
// is no terminal, but for one plain line per message.
class Progress {
 public:
  ~Progress() { finish(); }
  void message(std::string_view text);
  void bar(std::string_view text, int64_t done, int64_t total);  // of bytes
  void percent(std::string_view text, double share);             // 0..1
  // Clears the line (or ends it, when `keep` is true).
  void finish(bool keep = false);

 private:
  bool is_due();
  bool begins(std::string_view text);
  void draw(const std::string& line);
  void draw_bar(std::string_view text, double share, const std::string& right);

  std::string text_;
  std::chrono::steady_clock::time_point started_{};
  std::chrono::steady_clock::time_point drawn_{};
  size_t frame_ = 0;
  bool is_drawn_ = false;
};

}  // namespace hearth::cli
