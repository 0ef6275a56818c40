// See progress_bars.h.
#include "cli/progress_bars.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "cli/human.h"
#include "cli/terminal.h"

namespace hearth::cli {
namespace {

using std::chrono::seconds;

constexpr auto sample_interval = seconds(1);
constexpr size_t samples_max = 11;  // ten intervals
constexpr auto news_interval = seconds(10);

std::string_view spinner(std::chrono::steady_clock::time_point now) {
  constexpr std::array<std::string_view, 10> frames = {"⠋", "⠙", "⠹", "⠸", "⠼",
                                                       "⠴", "⠦", "⠧", "⠇", "⠏"};
  const auto tenths =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() / 100;
  return frames[static_cast<size_t>(tenths) % frames.size()];
}

int percent(int64_t completed, int64_t total) {
  return static_cast<int>(static_cast<double>(completed) / static_cast<double>(total) * 100);
}

}  // namespace

std::string time_left(double left) {
  const auto whole = static_cast<int64_t>(std::min(left + 0.999, 1e9));
  const int64_t minutes = whole / 60, hours = minutes / 60;
  if (hours > 99) return "99h+";
  if (hours > 0) return fmt::format("{}h{}m", hours, minutes % 60);
  if (minutes > 0) return fmt::format("{}m{}s", minutes, whole % 60);
  return fmt::format("{}s", whole);
}

double ProgressBars::Line::bytes_per_second(Time now) const {
  if (samples.empty()) return 0;
  const double passed = std::chrono::duration<double>(now - samples.front().first).count();
  return passed < 0.5 ? 0 : static_cast<double>(completed - samples.front().second) / passed;
}

// What is said with the same digest, or without one in the same words, is one line.
ProgressBars::Line& ProgressBars::line_for(const nlohmann::ordered_json& event, Time now) {
  const std::string status = event.value("status", ""), digest = event.value("digest", "");
  for (Line& line : lines_) {
    const bool is_same = digest.empty() ? line.digest.empty() && line.status == status
                                        : line.digest == digest && line.status == status;
    if (is_same) return line;
  }
  Line& line = lines_.emplace_back();
  line.status = status;
  line.digest = digest;
  // What was there before this pull began is no speed of this pull.
  line.samples.emplace_back(now, event.value("completed", int64_t{0}));
  return line;
}

void ProgressBars::take(const nlohmann::ordered_json& event, Time now) {
  Line& line = line_for(event, now);
  line.total = std::max(line.total, event.value("total", int64_t{0}));
  line.completed = std::clamp(event.value("completed", int64_t{0}), line.completed,
                              std::max(line.total, line.completed));
  if (now - line.samples.back().first < sample_interval) return;
  line.samples.emplace_back(now, line.completed);
  if (line.samples.size() > samples_max) line.samples.pop_front();
}

std::string ProgressBars::bar(const Line& line, int width, Time now) const {
  const std::string left =
      fmt::format("{}: {:3}% ", line.status, percent(line.completed, line.total));
  std::string right = human_size(line.total);
  if (!line.is_done()) {
    right = fmt::format("{}/{}", human_size(line.completed), human_size(line.total));
    const double rate = line.bytes_per_second(now);
    if (rate >= 1) {
      const auto rest = static_cast<double>(line.total - line.completed);
      right +=
          fmt::format("  {}/s  {}", human_size(static_cast<int64_t>(rate)), time_left(rest / rate));
    }
  }
  // The right side keeps its place while its text changes.
  constexpr int right_width = 34;
  const int padding = std::max(0, right_width - display_width(right));
  const int cells = width - display_width(left) - std::max(right_width, display_width(right)) - 4;
  if (cells < 4) return fmt::format("{}{}", left, right);
  const auto full = static_cast<int>(static_cast<double>(line.completed) /
                                     static_cast<double>(line.total) * cells);
  std::string text = left + "▕";
  for (int i = 0; i < cells; ++i) text += i < full ? "█" : " ";
  return fmt::format("{}▏ {}{:{}}", text, right, "", padding);
}

std::vector<std::string> ProgressBars::frame(int width, Time now) const {
  std::vector<std::string> frame;
  for (const Line& line : lines_) {
    if (line.total > 0) {
      frame.push_back(bar(line, width, now));
    } else if (&line == &lines_.back() && line.status != "success") {
      frame.push_back(fmt::format("{} {}", line.status, spinner(now)));
    } else {
      frame.push_back(line.status);
    }
  }
  return frame;
}

std::vector<std::string> ProgressBars::news(Time now) {
  std::vector<std::string> news;
  for (Line& line : lines_) {
    const bool is_first = line.told < 0;
    const bool has_ended = line.is_done() && line.told < line.total;
    const bool is_due = line.completed > line.told && now - line.told_at >= news_interval;
    if (!is_first && (line.total == 0 || (!has_ended && !is_due))) continue;
    line.told = line.completed;
    line.told_at = now;
    if (line.total == 0) {
      news.push_back(line.status);
    } else if (line.is_done()) {
      news.push_back(fmt::format("{}: 100% {}", line.status, human_size(line.total)));
    } else {
      const double rate = line.bytes_per_second(now);
      news.push_back(fmt::format(
          "{}: {}% {}/{}{}", line.status, percent(line.completed, line.total),
          human_size(line.completed), human_size(line.total),
          rate < 1 ? "" : fmt::format(" {}/s", human_size(static_cast<int64_t>(rate)))));
    }
  }
  return news;
}

ProgressDisplay::~ProgressDisplay() {
  finish();
}

void ProgressDisplay::take(const nlohmann::ordered_json& event) {
  bars_.take(event, std::chrono::steady_clock::now());
  is_drawn_ = true;
  tick();
}

void ProgressDisplay::tick() {
  if (bars_.is_empty()) return;
  const auto now = std::chrono::steady_clock::now();
  if (!errors_are_terminal()) {
    for (const std::string& line : bars_.news(now)) note(line);
  } else if (now - drawn_ >= std::chrono::milliseconds(100)) {
    drawn_ = now;
    draw();
  }
}

// Over the lines that were drawn before; more than the terminal has rows scroll away.
void ProgressDisplay::draw() {
  std::vector<std::string> frame = bars_.frame(terminal_width(), std::chrono::steady_clock::now());
  const auto rows = static_cast<size_t>(std::max(terminal_height() - 1, 1));
  if (frame.size() > rows) frame.erase(frame.begin(), frame.end() - static_cast<long>(rows));
  std::string text;
  if (drawn_lines_ > 0) text += fmt::format("\x1b[{}A", drawn_lines_);
  for (const std::string& line : frame) text += fmt::format("\r\x1b[K{}\n", line);
  drawn_lines_ = frame.size();
  print_error(text);
}

void ProgressDisplay::finish() {
  if (!is_drawn_ || !errors_are_terminal()) return;
  draw();
  is_drawn_ = false;
}

}  // namespace hearth::cli
