#include "engine/constraint/decimal.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/error.h"
#include "engine/constraint/code_automaton.h"
#include "engine/constraint/regex.h"

namespace hearth::engine {
namespace {

constexpr size_t whole_digits_max = 16;
constexpr size_t digits_max = 15;  // with a fraction: as many as every double keeps apart
constexpr int exponent_max = 40;
constexpr int64_t multiple_states_max = 8000;

constexpr std::string_view any_fraction = "(\\.[0-9]+)?";

// As a regular expression: the digits from `first` to `last`; nothing when there are none.
std::string digit_range(char first, char last) {
  return first > last ? "" : fmt::format("[{}-{}]", first, last);
}

void add(std::vector<std::string>& alternatives, std::string text) {
  alternatives.push_back(std::move(text));
}

std::string joined(const std::vector<std::string>& alternatives) {
  return fmt::format("({})", fmt::join(alternatives, "|"));
}

// Spellings without a sign of what is at least, or above, `bound`.
std::string at_least(const Decimal& bound, bool is_exclusive, size_t whole_digits) {
  std::vector<std::string> ways;
  const std::string& whole = bound.whole;
  const std::string& fraction = bound.fraction;
  if (whole.size() < whole_digits)
    add(ways, fmt::format("[1-9][0-9]{{{},{}}}{}", whole.size(), whole_digits - 1, any_fraction));
  for (size_t i = 0; i < whole.size(); ++i) {
    if (whole[i] == '9') continue;
    add(ways, fmt::format("{}{}[0-9]{{{}}}{}", whole.substr(0, i),
                          digit_range(static_cast<char>(whole[i] + 1), '9'), whole.size() - 1 - i,
                          any_fraction));
  }
  for (size_t j = 0; j < fraction.size(); ++j) {
    if (fraction[j] == '9') continue;
    add(ways, fmt::format("{}\\.{}{}[0-9]*", whole, fraction.substr(0, j),
                          digit_range(static_cast<char>(fraction[j] + 1), '9')));
  }
  if (is_exclusive) {
    add(ways, fmt::format("{}\\.{}[0-9]*[1-9][0-9]*", whole, fraction));
  } else {
    add(ways, fraction.empty() ? whole + std::string(any_fraction)
                               : fmt::format("{}\\.{}[0-9]*", whole, fraction));
  }
  return joined(ways);
}

// Spellings without a sign of what is at most, or below, `bound`.
std::string at_most(const Decimal& bound, bool is_exclusive) {
  std::vector<std::string> ways;
  const std::string& whole = bound.whole;
  const std::string& fraction = bound.fraction;
  if (whole.size() > 1)
    add(ways, fmt::format("(0|[1-9][0-9]{{0,{}}}){}", whole.size() - 2, any_fraction));
  for (size_t i = 0; i < whole.size(); ++i) {
    const char lowest = i == 0 && whole.size() > 1 ? '1' : '0';
    if (whole[i] <= lowest) continue;
    add(ways, fmt::format("{}{}[0-9]{{{}}}{}", whole.substr(0, i),
                          digit_range(lowest, static_cast<char>(whole[i] - 1)),
                          whole.size() - 1 - i, any_fraction));
  }
  if (!fraction.empty()) add(ways, whole);
  for (size_t j = 0; j < fraction.size(); ++j) {
    if (j > 0) add(ways, fmt::format("{}\\.{}", whole, fraction.substr(0, j)));
    if (fraction[j] == '0') continue;
    add(ways, fmt::format("{}\\.{}{}[0-9]*", whole, fraction.substr(0, j),
                          digit_range('0', static_cast<char>(fraction[j] - 1))));
  }
  if (!is_exclusive)
    add(ways, fraction.empty() ? whole + "(\\.0+)?" : fmt::format("{}\\.{}0*", whole, fraction));
  // A set that holds nothing.
  return ways.empty() ? "[]" : joined(ways);
}

std::string lower_pattern(const NumberBounds::Bound& bound, size_t digits) {
  if (!bound.value.is_negative) return at_least(bound.value, bound.is_exclusive, digits);
  return fmt::format("([0-9.]+|-{})", at_most(bound.value, bound.is_exclusive));
}

std::string upper_pattern(const NumberBounds::Bound& bound, size_t digits) {
  if (bound.value.is_negative) return "-" + at_least(bound.value, bound.is_exclusive, digits);
  // -0.0 is not below 0.
  if (bound.value.is_zero() && bound.is_exclusive) return "-" + at_least({}, true, digits);
  return fmt::format("(-[0-9.]+|{})", at_most(bound.value, bound.is_exclusive));
}

std::string all_pattern(bool is_integer, size_t digits) {
  if (is_integer) return fmt::format("0|-?[1-9][0-9]{{0,{}}}", digits - 1);
  std::vector<std::string> ways{"0", fmt::format("[1-9][0-9]{{0,{}}}", digits - 1),
                                fmt::format("0\\.[0-9]{{1,{}}}", digits_max - 1)};
  for (size_t k = 1; k < digits_max; ++k)
    add(ways, fmt::format("[1-9][0-9]{{{}}}\\.[0-9]{{1,{}}}", k - 1, digits_max - k));
  return "-?" + joined(ways);
}

// Reads a spelling digit by digit and keeps the remainder. The multiple is step / 10^decimals.
class MultipleAutomaton {
 public:
  MultipleAutomaton(int64_t step, int64_t decimals) : step_(step), decimals_(decimals) {}

  CodeAutomaton build() {
    automaton_.states.resize(static_cast<size_t>(3 + step_ * (decimals_ + 2)));
    link(start, '-', '-', signed_);
    for (const int32_t from : {start, signed_}) {
      link(from, '0', '0', zero);
      link_digits(from, 0, '1', 0);
    }
    automaton_.states[zero].accepts = true;
    link_point(zero, 0);
    for (int64_t r = 0; r < step_; ++r) {
      link_digits(state(0, r), r, '0', 0);
      link_point(state(0, r), r);
      accept(0, r);
      for (int64_t j = 0; j <= decimals_; ++j) {
        if (j < decimals_) link_digits(state(j + 1, r), r, '0', j + 1);
        if (j > 0) accept(j, r);
      }
    }
    for (CodeAutomaton::State& s : automaton_.states) {
      std::sort(s.edges.begin(), s.edges.end(),
                [](const auto& a, const auto& b) { return a.range.first < b.range.first; });
    }
    return trimmed(automaton_);
  }

 private:
  static constexpr int32_t start = 0, signed_ = 1, zero = 2;

  // Level 0: before the point; 1: right behind it; j + 1: behind j digits of the fraction.
  int32_t state(int64_t level, int64_t remainder) const {
    return static_cast<int32_t>(3 + level * step_ + remainder);
  }
  void link(int32_t from, char first, char last, int32_t to) {
    automaton_.states[static_cast<size_t>(from)].edges.push_back(
        {{static_cast<uint32_t>(first), static_cast<uint32_t>(last)}, to});
  }
  void link_point(int32_t from, int64_t remainder) {
    if (decimals_ > 0) link(from, '.', '.', state(1, remainder));
  }
  // `level` is that of `from`.
  void link_digits(int32_t from, int64_t remainder, char first, int64_t level) {
    const int64_t next = level == 0 ? 0 : level + 1;
    for (char digit = first; digit <= '9'; ++digit)
      link(from, digit, digit, state(next, (10 * remainder + (digit - '0')) % step_));
  }
  void accept(int64_t fraction_digits, int64_t remainder) {
    int64_t value = remainder;
    for (int64_t j = fraction_digits; j < decimals_; ++j) value = 10 * value % step_;
    const int64_t level = fraction_digits == 0 ? 0 : fraction_digits + 1;
    automaton_.states[static_cast<size_t>(state(level, remainder))].accepts = value == 0;
  }

  int64_t step_;
  int64_t decimals_;
  CodeAutomaton automaton_;
};

CodeAutomaton multiple_spellings(const Decimal& multiple) {
  const std::string digits = multiple.whole + multiple.fraction;
  int64_t step = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), step);
  const auto decimals = static_cast<int64_t>(multiple.fraction.size());
  if (problem != std::errc() || step == 0 || step > multiple_states_max ||
      step * (decimals + 2) > multiple_states_max)
    throw Error(ErrorCode::unsupported,
                "multipleOf: at most a few thousand remainders can be told apart");
  return MultipleAutomaton(step, decimals).build();
}

}  // namespace

std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal decimal;
  if (text.starts_with("-")) {
    decimal.is_negative = true;
    text.remove_prefix(1);
  }
  int exponent = 0;
  if (const size_t e = text.find_first_of("eE"); e != text.npos) {
    std::string_view digits = text.substr(e + 1);
    if (digits.starts_with("+")) digits.remove_prefix(1);
    const auto [end, problem] =
        std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (problem != std::errc() || std::abs(exponent) > exponent_max) return std::nullopt;
    text = text.substr(0, e);
  }
  const size_t point = std::min(text.find('.'), text.size());
  decimal.whole = text.substr(0, point);
  if (point < text.size()) decimal.fraction = text.substr(point + 1);
  for (; exponent > 0; --exponent) {
    decimal.whole += decimal.fraction.empty() ? '0' : decimal.fraction.front();
    if (!decimal.fraction.empty()) decimal.fraction.erase(0, 1);
  }
  for (; exponent < 0; ++exponent) {
    decimal.fraction.insert(decimal.fraction.begin(),
                            decimal.whole.empty() ? '0' : decimal.whole.back());
    if (!decimal.whole.empty()) decimal.whole.pop_back();
  }
  decimal.whole.erase(0, std::min(decimal.whole.find_first_not_of('0'), decimal.whole.size()));
  if (decimal.whole.empty()) decimal.whole = "0";
  decimal.fraction.resize(decimal.fraction.find_last_not_of('0') + 1);
  if (decimal.is_zero()) decimal.is_negative = false;
  return decimal;
}

int compare(const Decimal& a, const Decimal& b) {
  if (a.is_negative != b.is_negative) return a.is_negative ? -1 : 1;
  const int sign = a.is_negative ? -1 : 1;
  if (a.whole.size() != b.whole.size()) return a.whole.size() < b.whole.size() ? -sign : sign;
  const int whole = a.whole.compare(b.whole);
  const int order = whole != 0 ? whole : a.fraction.compare(b.fraction);
  return order == 0 ? 0 : (order < 0 ? -sign : sign);
}

bool fits(const Decimal& value, const NumberBounds& bounds) {
  if (bounds.is_integer && !value.fraction.empty()) return false;
  if (bounds.lower) {
    const int order = compare(value, bounds.lower->value);
    if (order < 0 || (order == 0 && bounds.lower->is_exclusive)) return false;
  }
  if (bounds.upper) {
    const int order = compare(value, bounds.upper->value);
    if (order > 0 || (order == 0 && bounds.upper->is_exclusive)) return false;
  }
  const std::string spelling = (value.is_negative ? "-" : "") + value.whole +
                               (value.fraction.empty() ? "" : "." + value.fraction);
  return std::all_of(bounds.multiples_of.begin(), bounds.multiples_of.end(),
                     [&](const Decimal& m) { return accepts(multiple_spellings(m), spelling); });
}

CodeAutomaton number_spellings(const NumberBounds& bounds) {
  size_t digits = whole_digits_max;
  if (bounds.lower) digits = std::max(digits, bounds.lower->value.whole.size());
  if (bounds.upper) digits = std::max(digits, bounds.upper->value.whole.size());
  CodeAutomaton spellings =
      regex_automaton(all_pattern(bounds.is_integer, digits), RegexUse::whole);
  const auto cut = [&spellings](const CodeAutomaton& other) {
    spellings = intersection(spellings, other);
  };
  if (bounds.lower) cut(regex_automaton(lower_pattern(*bounds.lower, digits), RegexUse::whole));
  if (bounds.upper) cut(regex_automaton(upper_pattern(*bounds.upper, digits), RegexUse::whole));
  for (const Decimal& multiple : bounds.multiples_of) cut(multiple_spellings(multiple));
  return spellings;
}

}  // namespace hearth::engine
