// Decimal numbers as digits, and sets of them as automata over their spelling: what the bounds of a
// JSON Schema leave.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/constraint/rules.h"

namespace hearth::engine {

struct Decimal {
  bool is_negative = false;
  std::string whole = "0";  // without leading zeros
  std::string fraction;     // without trailing zeros

  bool is_zero() const { return whole == "0" && fraction.empty(); }
  bool operator==(const Decimal&) const = default;
};

// From the spelling of a JSON number. Absent when its exponent is beyond 40.
std::optional<Decimal> parse_decimal(std::string_view text);
// Below 0, 0 or above 0.
int compare(const Decimal& a, const Decimal& b);

struct NumberBounds {
  struct Bound {
    Decimal value;
    bool is_exclusive = false;
  };
  std::optional<Bound> lower;
  std::optional<Bound> upper;
  std::vector<Decimal> multiples_of;  // positive
  bool is_integer = false;

  bool is_free() const { return !lower && !upper && multiples_of.empty(); }
};

bool fits(const Decimal& value, const NumberBounds& bounds);
// The spellings, without an exponent: integers of up to 16 digits (or as many as a bound has),
// others of up to 15 digits, so that no reader rounds one across a bound. Throws Error{unsupported}
// for a multiple with too many states.
CodeAutomaton number_spellings(const NumberBounds& bounds);

}  // namespace hearth::engine
