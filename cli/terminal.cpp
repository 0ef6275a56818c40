#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/utf8.h"
#include "cli/human.h"

namespace hearth::cli {
namespace {

void on_interrupt(int) {
  if (InterruptGuard::flag().exchange(true)) ::_exit(130);
}

}  // namespace

bool input_is_terminal() {
  return ::isatty(STDIN_FILENO) == 1;
}
bool output_is_terminal() {
  return ::isatty(STDOUT_FILENO) == 1;
}
bool errors_are_terminal() {
  return ::isatty(STDERR_FILENO) == 1;
}

int terminal_width() {
  winsize size{};
  for (int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  }
  return 80;
}

int terminal_height() {
  winsize size{};
  for (int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0) return size.ws_row;
  }
  return 24;
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void print_error(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void note(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fputc('\n', stderr);
}

std::atomic<bool>& InterruptGuard::flag() {
  static std::atomic<bool> is_interrupted{false};
  return is_interrupted;
}

InterruptGuard::InterruptGuard() {
  flag() = false;
  struct sigaction action {};
  action.sa_handler = &on_interrupt;
  ::sigaction(SIGINT, &action, nullptr);
}

InterruptGuard::~InterruptGuard() {
  std::signal(SIGINT, SIG_DFL);
}

std::string WordWrap::add(std::string_view text) {
  if (width_ <= 0) return std::string(text);
  partial_ += text;
  const size_t whole = complete_utf8_prefix(partial_);
  std::string result;
  for (std::string_view rest = std::string_view(partial_).substr(0, whole); !rest.empty();) {
    const auto c = rest.substr(0, static_cast<size_t>(decode_utf8(rest).size_bytes));
    rest.remove_prefix(c.size());
    result += c;
    if (c == "\x1b" || is_in_escape_) {  // colours take no room
      is_in_escape_ =
          !(c.size() == 1 && ((c[0] >= 'a' && c[0] <= 'z') || (c[0] >= 'A' && c[0] <= 'Z')));
      continue;
    }
    if (c == "\n") {
      column_ = 0;
      word_.clear();
      continue;
    }
    column_ += display_width(c);
    if (c == " ") {
      word_.clear();
    } else {
      word_ += c;
    }
    if (column_ <= width_ || c == " ") continue;
    const int word_width = display_width(word_);
    if (word_width < width_ && word_width < column_) {
      // The word is on the screen already: it is wiped there and written again on the next line.
      result += fmt::format("\x1b[{}D\x1b[K\n{}", word_width, word_);
      column_ = word_width;
    } else {
      result += "\n";
      column_ = 0;
      word_.clear();
    }
  }
  partial_.erase(0, whole);
  return result;
}

bool Progress::is_due() {
  const auto now = std::chrono::steady_clock::now();
  if (is_drawn_ && now - drawn_ < std::chrono::milliseconds(100)) return false;
  drawn_ = now;
  return true;
}

void Progress::draw(const std::string& line) {
  is_drawn_ = true;
  std::fprintf(stderr, "\r\x1b[K%s", line.c_str());
  std::fflush(stderr);
}

void Progress::message(std::string_view text) {
  if (!errors_are_terminal()) {
    if (text != text_) note(text);
    text_ = text;
    return;
  }
  if (text == text_ && !is_due()) return;
  text_ = text;
  constexpr std::array<std::string_view, 10> frames = {"⠋", "⠙", "⠹", "⠸", "⠼",
                                                       "⠴", "⠦", "⠧", "⠇", "⠏"};
  draw(fmt::format("{} {}", text, frames[frame_++ % frames.size()]));
}

// True when the bar is a new one; it is then drawn at once.
bool Progress::begins(std::string_view text) {
  if (text == text_) return false;
  started_ = std::chrono::steady_clock::now();
  text_ = text;
  return true;
}

void Progress::draw_bar(std::string_view text, double share, const std::string& right) {
  const std::string left = fmt::format("{} {:3.0f}% ", text, share * 100);
  const int room = terminal_width() - display_width(left) - display_width(right) - 4;
  const int cells = std::max(room, 4);
  const int full = static_cast<int>(share * cells);
  std::string cells_text;
  for (int i = 0; i < cells; ++i) cells_text += i < full ? "█" : " ";
  draw(fmt::format("{}▕{}▏ {}", left, cells_text, right));
}

void Progress::bar(std::string_view text, int64_t done, int64_t total) {
  if (!errors_are_terminal()) return message(text);
  if (!begins(text) && done < total && !is_due()) return;
  const double share =
      total > 0 ? std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0)
                : 0.0;
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  const double rate = seconds > 0.2 ? static_cast<double>(done) / seconds : 0;
  std::string right = fmt::format("{}/{}", human_size(done), human_size(total));
  if (rate > 0 && done < total) {
    right += fmt::format("  {}/s  {}s", human_size(static_cast<int64_t>(rate)),
                         static_cast<int64_t>(static_cast<double>(total - done) / rate) + 1);
  }
  draw_bar(text, share, right);
}

void Progress::percent(std::string_view text, double share) {
  if (!errors_are_terminal()) return message(text);
  if (!begins(text) && share < 1 && !is_due()) return;
  draw_bar(text, std::clamp(share, 0.0, 1.0), "");
}

void Progress::finish(bool keep) {
  if (is_drawn_) std::fputs(keep ? "\n" : "\r\x1b[K", stderr);
  is_drawn_ = false;
  text_.clear();
}

}  // namespace hearth::cli
