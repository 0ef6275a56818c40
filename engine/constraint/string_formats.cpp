#include "engine/constraint/string_formats.h"

#include <algorithm>
#include <string>

#include "engine/constraint/regex.h"

namespace hearth::engine {
namespace {

// Of 400 years 97 have a 29th of February.
std::string date() {
  const std::string year = "(000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})";
  const std::string leap_year =
      "([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)";
  return "(" + year +
         "-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)" +
         "|02-(0[1-9]|1[0-9]|2[0-8]))|" + leap_year + "-02-29)";
}

// Without leap seconds: whether a minute has one cannot be known.
std::string time() {
  return "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?"
         "([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
}

std::string duration() {
  const std::string days = "[0-9]{1,9}D";
  const std::string months = "[0-9]{1,9}M(" + days + ")?";
  const std::string years = "[0-9]{1,9}Y(" + months + ")?";
  const std::string seconds = "[0-9]{1,9}S";
  const std::string minutes = "[0-9]{1,9}M(" + seconds + ")?";
  const std::string hours = "[0-9]{1,9}H(" + minutes + ")?";
  const std::string clock = "T(" + hours + "|" + minutes + "|" + seconds + ")";
  return "P([0-9]{1,9}W|(" + years + "|" + months + "|" + days + ")(" + clock + ")?|" + clock + ")";
}

// Labels as they are registered: not those that stand for letters of other alphabets (xn--).
std::string hostname() {
  const std::string letter = "[A-Za-z0-9]";
  const std::string inner = "[A-Za-z0-9-]";
  // None has two hyphens in the third and fourth place.
  const auto label = [&](int bytes_max) {
    const std::string rest = std::to_string(bytes_max - 5);
    return "(" + letter + "|" + letter + letter + "|" + letter + inner + letter + "|" + letter +
           inner + inner + letter + "|" + letter + inner + "(" + letter + inner + "|-" + letter +
           ")" + inner + "{0," + rest + "}" + letter + ")";
  };
  // At most 253 bytes in all.
  return "(" + label(63) + "(\\." + label(63) + "){0,2}|" + label(20) + "(\\." + label(20) +
         "){0,11})";
}

std::string email() {
  const std::string atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
  const std::string label = "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?";
  return atom + "(\\." + atom + ")*@" + label + "(\\." + label + ")*";
}

const std::string octet = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";

std::string ipv4() {
  return octet + "(\\." + octet + "){3}";
}

// By how many groups stand before the two colons.
std::string ipv6() {
  const std::string group = "[0-9A-Fa-f]{1,4}";
  const std::string last = "(" + group + ":" + group + "|" + ipv4() + ")";
  std::string ways = "((" + group + ":){6}" + last;
  ways += "|::(" + group + ":){5}" + last;
  const auto up_to = [&](int groups) {  // before the colons
    return groups == 0 ? std::string("(" + group + ")?")
                       : "((" + group + ":){0," + std::to_string(groups) + "}" + group + ")?";
  };
  for (int before = 0; before <= 3; ++before)
    ways += "|" + up_to(before) + "::(" + group + ":){" + std::to_string(4 - before) + "}" + last;
  ways += "|" + up_to(4) + "::" + last + "|" + up_to(5) + "::" + group + "|" + up_to(6) + "::)";
  return ways;
}

const std::string percent = "%[0-9A-Fa-f]{2}";

// Behind a scheme, or all of a reference whose first segment has no colon.
std::string uri_rest(const std::string& first_segment) {
  const std::string character = "([A-Za-z0-9._~!$&'()*+,;=:@-]|" + percent + ")";
  const std::string host = "([A-Za-z0-9._~!$&'()*+,;=-]|" + percent + ")*|\\[" + ipv6() + "\\]";
  const std::string user = "(([A-Za-z0-9._~!$&'()*+,;=:-]|" + percent + ")*@)?";
  const std::string slashes = "(/" + character + "*)*";
  const std::string path = "(//" + user + "(" + host + ")(:[0-9]*)?" + slashes + "|/(" + character +
                           "+" + slashes + ")?|" + first_segment + slashes + "|)";
  const std::string tail = "([A-Za-z0-9._~!$&'()*+,;=:@/?-]|" + percent + ")*";
  return path + "(\\?" + tail + ")?(#" + tail + ")?";
}

std::string uri() {
  return "[A-Za-z][A-Za-z0-9+.-]*:" + uri_rest("([A-Za-z0-9._~!$&'()*+,;=:@-]|" + percent + ")+");
}

std::string uri_reference() {
  return "(" + uri() + "|" + uri_rest("([A-Za-z0-9._~!$&'()*+,;=@-]|" + percent + ")+") + ")";
}

std::string json_pointer() {
  return "(/([^~/]|~[01])*)*";
}

struct Format {
  std::string_view name;
  std::string (*pattern)();
};

const Format formats[] = {
    {"date", date},
    {"time", time},
    {"date-time", [] { return date() + "[Tt]" + time(); }},
    {"duration", duration},
    {"email", email},
    {"hostname", hostname},
    {"ipv4", ipv4},
    {"ipv6", ipv6},
    {"uri", uri},
    {"uri-reference", uri_reference},
    {"uuid", [] { return std::string("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"); }},
    {"json-pointer", json_pointer},
    {"relative-json-pointer", [] { return "(0|[1-9][0-9]{0,15})(#|" + json_pointer() + ")"; }},
};

constexpr std::string_view annotations[] = {"int32",  "int64",   "uint32", "uint64", "float",
                                            "double", "decimal", "byte",   "binary", "password"};

}  // namespace

std::optional<CodeAutomaton> string_format(std::string_view name) {
  for (const Format& format : formats) {
    if (format.name != name) continue;
    return regex_automaton(format.pattern(), RegexUse::whole);
  }
  return std::nullopt;
}

bool is_annotation_format(std::string_view name) {
  return std::find(std::begin(annotations), std::end(annotations), name) != std::end(annotations);
}

}  // namespace hearth::engine
