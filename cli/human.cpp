#include "cli/human.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "base/utf8.h"

namespace hearth::cli {
namespace {

std::string count_of(int64_t count, std::string_view unit) {
  return fmt::format("{} {}", count, unit);
}

// How far apart two times are, in words.
std::string distance(int64_t seconds) {
  const int64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
  if (seconds < 1) return "Less than a second";
  if (seconds == 1) return "1 second";
  if (seconds < 60) return count_of(seconds, "seconds");
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return count_of(minutes, "minutes");
  if (hours == 1) return "About an hour";
  if (hours < 48) return count_of(hours, "hours");
  if (days < 14) return count_of(days, "days");
  if (days < 60) return count_of(days / 7, "weeks");
  if (days < 730) return count_of(days / 30, "months");
  return count_of(days / 365, "years");
}

bool is_wide(uint32_t c) {
  return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) ||
         (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
         (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1FAFF) ||
         (c >= 0x20000 && c <= 0x3FFFD);
}

// `value` with at most nine decimals and no zeros at the end.
std::string trimmed(double value) {
  std::string text = fmt::format("{:.9f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace

std::string human_size(int64_t bytes) {
  constexpr std::array<std::string_view, 5> units = {"B", "KB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < units.size()) {
    value /= 1000;
    ++unit;
  }
  if (value >= 10 || value == std::floor(value))
    return fmt::format("{} {}", static_cast<int64_t>(value), units[unit]);
  return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string human_duration(int64_t nanoseconds) {
  if (nanoseconds == 0) return "0s";
  const auto ns = static_cast<double>(nanoseconds);
  if (nanoseconds < 1000) return fmt::format("{}ns", nanoseconds);
  if (nanoseconds < 1'000'000) return trimmed(ns / 1e3) + "\u00B5s";
  if (nanoseconds < 1'000'000'000) return trimmed(ns / 1e6) + "ms";
  const int64_t minutes = nanoseconds / 60'000'000'000;
  const std::string seconds =
      trimmed(static_cast<double>(nanoseconds % 60'000'000'000) / 1e9) + "s";
  if (minutes == 0) return seconds;
  if (minutes < 60) return fmt::format("{}m{}", minutes, seconds);
  return fmt::format("{}h{}m{}", minutes / 60, minutes % 60, seconds);
}

std::string human_time(std::chrono::system_clock::time_point time,
                       std::chrono::system_clock::time_point now) {
  using std::chrono::seconds;
  const auto ahead = std::chrono::duration_cast<seconds>(time - now).count();
  constexpr int64_t twenty_years = int64_t{20} * 365 * 86400;
  if (time.time_since_epoch().count() <= 0) return "Never";
  if (ahead > twenty_years) return "Forever";
  return ahead > 0 ? distance(ahead) + " from now" : distance(-ahead) + " ago";
}

std::chrono::system_clock::time_point parse_time(std::string_view text) {
  std::tm parts{};
  int read = 0;
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%d-%d-%dT%d:%d:%d%n", &parts.tm_year, &parts.tm_mon,
                  &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &read) != 6) {
    return {};
  }
  // Years past 2261 do not fit into nanoseconds: "forever" is cut there.
  parts.tm_year = std::min(parts.tm_year, 2261) - 1900;
  parts.tm_mon -= 1;
  std::string_view rest = std::string_view(copy).substr(static_cast<size_t>(read));
  if (rest.starts_with('.'))
    rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of("0123456789", 1)));
  int hours = 0, minutes = 0;
  int64_t offset_s = 0;
  if (rest.size() >= 6 &&
      std::sscanf(std::string(rest.substr(1)).c_str(), "%d:%d", &hours, &minutes) == 2) {
    offset_s = (hours * 60 + minutes) * 60 * (rest[0] == '-' ? -1 : 1);
  }
  return std::chrono::system_clock::from_time_t(::timegm(&parts) - offset_s);
}

int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const CodePoint c = decode_utf8(text);
    width += is_wide(c.value)                                              ? 2
             : (c.value >= 0x300 && c.value <= 0x36F) || c.value == 0x200D ? 0
                                                                           : 1;
    text.remove_prefix(static_cast<size_t>(c.size_bytes));
  }
  return width;
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<int> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      text.append(static_cast<size_t>(widths[i] - display_width(row[i]) + 4), ' ');
    }
    text += '\n';
  }
  return text;
}

}  // namespace hearth::cli
