#include "engine/constraint/regex_syntax.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "engine/constraint/rules.h"

namespace hearth::engine {
namespace {

constexpr int32_t depth_max = 100;
constexpr int64_t repetitions_max = 10'000;
constexpr size_t nodes_max = 50'000;

CodeSet digits() {
  return CodeSet({{'0', '9'}});
}
CodeSet word_characters() {
  return CodeSet({{'0', '9'}, {'A', 'Z'}, {'a', 'z'}, {'_', '_'}});
}
CodeSet spaces() {
  return CodeSet({{9, 13},
                  {' ', ' '},
                  {0xA0, 0xA0},
                  {0x1680, 0x1680},
                  {0x2000, 0x200A},
                  {0x2028, 0x2029},
                  {0x202F, 0x202F},
                  {0x205F, 0x205F},
                  {0x3000, 0x3000},
                  {0xFEFF, 0xFEFF}});
}
CodeSet line_ends() {
  return CodeSet({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}});
}

class RegexParser {
 public:
  explicit RegexParser(std::string_view text) : text_(text) {}

  RegexTree parse() {
    tree_.root = parse_choice(0);
    if (at_ < text_.size()) fail("a ) without its (");
    return std::move(tree_);
  }

 private:
  using Kind = RegexTree::Kind;

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::invalid_argument, fmt::format("pattern, byte {}: {}", at_, what));
  }
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::unsupported, fmt::format("pattern, byte {}: {}", at_, what));
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool at_end() const { return at_ >= text_.size(); }
  bool take(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }

  int32_t add(RegexTree::Node node) {
    if (tree_.nodes.size() >= nodes_max) refuse("the expression is too long");
    tree_.nodes.push_back(std::move(node));
    return static_cast<int32_t>(tree_.nodes.size() - 1);
  }

  int32_t parse_choice(int32_t depth) {
    if (depth > depth_max) refuse("groups are nested too deeply");
    std::vector<int32_t> parts{parse_sequence(depth)};
    while (take("|")) parts.push_back(parse_sequence(depth));
    if (parts.size() == 1) return parts.front();
    return add({Kind::choice, {}, std::move(parts)});
  }

  int32_t parse_sequence(int32_t depth) {
    std::vector<int32_t> parts;
    while (!at_end() && peek() != '|' && peek() != ')')
      parts.push_back(parse_repetition(parse_atom(depth)));
    return add({Kind::sequence, {}, std::move(parts)});
  }

  int32_t parse_atom(int32_t depth) {
    if (take("^")) return add({Kind::begin});
    if (take("$")) return add({Kind::end});
    if (take("(")) return parse_group(depth);
    if (take("[")) return add({Kind::set, parse_class()});
    if (take(".")) return add({Kind::set, line_ends().inverted()});
    const char c = peek();
    if (c == '*' || c == '+' || c == '?') fail("a repetition of nothing");
    if (take("\\")) return add({Kind::set, parse_escape(false)});
    return add({Kind::set, single(take_code_point())});
  }

  int32_t parse_group(int32_t depth) {
    if (take("?")) {
      const bool looks_around =
          peek() == '=' || peek() == '!' || (take("<") && (peek() == '=' || peek() == '!'));
      if (looks_around) refuse("look-around is not possible in a grammar");
      if (text_[at_ - 1] == '<') {
        while (!at_end() && peek() != '>') ++at_;
        if (!take(">")) fail("the name of a group has no end");
      } else if (!take(":")) {
        refuse("this kind of group is not possible in a grammar");
      }
    }
    const int32_t group = parse_choice(depth + 1);
    if (!take(")")) fail("a ( without its )");
    return group;
  }

  int32_t parse_repetition(int32_t part) {
    const size_t begin = at_;
    int64_t least = 0;
    int64_t most = unbounded;
    if (take("*")) {
    } else if (take("+")) {
      least = 1;
    } else if (take("?")) {
      most = 1;
    } else if (!take_counts(least, most)) {
      at_ = begin;
      return part;
    }
    take("?");  // as few as possible: the same texts
    const char c = peek();
    if (!at_end() && (c == '*' || c == '+' || c == '?')) fail("a repetition of a repetition");
    return add({Kind::repeat, {}, {part}, least, most});
  }

  bool take_count(int64_t& count) {
    const size_t begin = at_;
    count = 0;
    while (peek() >= '0' && peek() <= '9') {
      count = 10 * count + (peek() - '0');
      if (count > repetitions_max) refuse(fmt::format("more than {} repetitions", repetitions_max));
      ++at_;
    }
    return at_ > begin;
  }

  // {n}, {n,} or {n,m}; anything else in braces is text.
  bool take_counts(int64_t& least, int64_t& most) {
    if (!take("{") || !take_count(least)) return false;
    most = least;
    if (take(",") && !take_count(most)) most = unbounded;
    if (!take("}")) return false;
    if (most != unbounded && most < least) fail("a repetition whose most is below its least");
    return true;
  }

  static CodeSet single(uint32_t code_point) { return CodeSet({{code_point, code_point}}); }

  uint32_t take_code_point() {
    if (at_end()) fail("the pattern ends too early");
    const CodePoint point = decode_utf8(text_.substr(at_));
    if (!point.is_valid) fail("malformed UTF-8");
    at_ += static_cast<size_t>(point.size_bytes);
    return point.value;
  }

  CodeSet parse_class() {
    const bool is_inverted = take("^");
    CodeSet set;
    while (!take("]")) {
      if (at_end()) fail("a [ without its ]");
      CodeSet part = class_part();
      const bool is_range =
          peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']' && is_single(part);
      if (is_range) {
        ++at_;
        const CodeSet last = class_part();
        const uint32_t first = part.ranges()[0].first;
        if (!is_single(last) || last.ranges()[0].first < first) fail("a range that is none");
        part = CodeSet({{first, last.ranges()[0].first}});
      }
      set = set.united(part);
    }
    return is_inverted ? set.inverted() : set;
  }

  static bool is_single(const CodeSet& set) {
    return set.ranges().size() == 1 && set.ranges()[0].first == set.ranges()[0].last;
  }

  CodeSet class_part() {
    if (take("\\")) return parse_escape(true);
    return single(take_code_point());
  }

  uint32_t take_hex(int digits) {
    uint32_t value = 0;
    for (int i = 0; i < digits; ++i, ++at_) {
      const char c = static_cast<char>(peek() | 32);
      if (c >= '0' && c <= '9') {
        value = 16 * value + static_cast<uint32_t>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        value = 16 * value + static_cast<uint32_t>(c - 'a' + 10);
      } else {
        fail("expected hexadecimal digits");
      }
    }
    return value;
  }

  uint32_t take_unicode() {
    if (take("{")) {
      uint32_t value = 0;
      while (peek() != '}') {
        value = 16 * value + take_hex(1);
        if (value > code_point_max) fail("there is no such character");
      }
      ++at_;
      return value;
    }
    const uint32_t value = take_hex(4);
    if (value < 0xD800 || value > 0xDBFF || !take("\\u")) return value;
    const uint32_t low = take_hex(4);
    if (low < 0xDC00 || low > 0xDFFF) fail("half a surrogate pair");
    return 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
  }

  CodeSet parse_escape(bool in_class) {
    if (at_end()) fail("the pattern ends behind a backslash");
    const uint32_t c = take_code_point();
    switch (c) {
      case 'd':
        return digits();
      case 'D':
        return digits().inverted();
      case 'w':
        return word_characters();
      case 'W':
        return word_characters().inverted();
      case 's':
        return spaces();
      case 'S':
        return spaces().inverted();
      case 't':
        return single('\t');
      case 'n':
        return single('\n');
      case 'r':
        return single('\r');
      case 'f':
        return single('\f');
      case 'v':
        return single('\v');
      case '0':
        return single(0);
      case 'x':
        return single(take_hex(2));
      case 'u':
        return single(take_unicode());
      case 'c':
        return single(take_code_point() % 32);
      case 'b':
        if (in_class) return single('\b');
        refuse("word boundaries (\\b) are not possible in a grammar");
      case 'p':
      case 'P':
        refuse("Unicode properties (\\p) are not known: write the characters as a class");
      default:
        break;
    }
    if (c >= '1' && c <= '9') refuse("back references are not possible in a grammar");
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) fail("an escape that is not known");
    return single(c);
  }

  std::string_view text_;
  size_t at_ = 0;
  RegexTree tree_;
};

}  // namespace

RegexTree parse_regex(std::string_view pattern) {
  return RegexParser(pattern).parse();
}

}  // namespace hearth::engine
