#include "api/duration.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace hearth::api {
namespace {

struct Unit {
  std::string_view name;
  double ns;
};

// Longer names first, so that "ms" is not read as "m" and a stray "s".
constexpr std::array<Unit, 8> units{{{"ns", 1},
                                     {"us", 1e3},
                                     {"\xc2\xb5s", 1e3},
                                     {"\xce\xbcs", 1e3},
                                     {"ms", 1e6},
                                     {"s", 1e9},
                                     {"m", 60e9},
                                     {"h", 3600e9}}};

// Cuts a decimal number (no sign, no exponent) off the front of `text`.
std::optional<double> take_number(std::string_view& text) {
  size_t size = 0;
  int digits = 0;
  int points = 0;
  for (; size < text.size(); ++size) {
    if (text[size] >= '0' && text[size] <= '9') {
      ++digits;
    } else if (text[size] == '.' && points == 0) {
      ++points;
    } else {
      break;
    }
  }
  if (digits == 0) return std::nullopt;
  double value = 0;
  const std::string number =
      fmt::format("0{}0", text.substr(0, size));  // ".5" and "1." are fine in Go
  const bool has_point = points == 1;
  const char* end = number.data() + number.size() - (has_point ? 0 : 1);
  if (std::from_chars(number.data(), end, value).ec != std::errc()) return std::nullopt;
  text.remove_prefix(size);
  return value;
}

std::optional<double> take_unit_ns(std::string_view& text) {
  for (const Unit& unit : units) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return unit.ns;
  }
  return std::nullopt;
}

constexpr double limit_ns = 9.2e18;

}  // namespace

std::optional<Duration> parse_go_duration(std::string_view text) {
  bool is_negative = false;
  if (text.starts_with('-') || text.starts_with('+')) {
    is_negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text == "0") return Duration(0);
  if (text.empty()) return std::nullopt;
  double total_ns = 0;
  while (!text.empty()) {
    const std::optional<double> number = take_number(text);
    if (!number) return std::nullopt;
    const std::optional<double> unit_ns = take_unit_ns(text);
    if (!unit_ns) return std::nullopt;
    total_ns += *number * *unit_ns;
  }
  if (!(total_ns < limit_ns)) return std::nullopt;
  const auto count = static_cast<int64_t>(std::llround(total_ns));
  return Duration(is_negative ? -count : count);
}

Duration from_seconds(double seconds) {
  const double ns = seconds * 1e9;
  if (std::isnan(ns)) return Duration(0);
  if (ns >= limit_ns) return forever;
  if (ns <= -limit_ns) return -forever;
  return Duration(static_cast<int64_t>(ns));
}

Duration negative_is_forever(Duration value) {
  return value < Duration(0) ? forever : value;
}

std::string print_go_duration(Duration value) {
  if (value == forever) return "-1";
  if (value == Duration(0)) return "0s";
  const bool is_negative = value < Duration(0);
  uint64_t ns = is_negative ? uint64_t{0} - static_cast<uint64_t>(value.count())
                            : static_cast<uint64_t>(value.count());
  std::string text = is_negative ? "-" : "";
  if (ns < 1'000) return text + fmt::format("{}ns", ns);
  if (ns < 1'000'000) return text + fmt::format("{}\xc2\xb5s", static_cast<double>(ns) / 1e3);
  if (ns < 1'000'000'000) return text + fmt::format("{}ms", static_cast<double>(ns) / 1e6);
  const uint64_t minutes = ns / 60'000'000'000;
  const double seconds = static_cast<double>(ns % 60'000'000'000) / 1e9;
  if (minutes >= 60) text += fmt::format("{}h", minutes / 60);
  if (minutes > 0) text += fmt::format("{}m", minutes % 60);
  return text + fmt::format("{}s", seconds);
}

}  // namespace hearth::api
