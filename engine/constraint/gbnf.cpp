#include "engine/constraint/gbnf.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"

namespace hearth::engine {
namespace {

constexpr int32_t depth_max = 100;  // of groups
constexpr int64_t repetitions_max = 100'000;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

class GbnfParser {
 public:
  explicit GbnfParser(std::string_view text) : text_(text) {}

  Rules parse(std::span<const NamedRules> parts) {
    skip_blanks(true);
    while (at_ < text_.size()) parse_rule();
    for (const NamedRules& part : parts) {
      const auto place = names_.find(part.name);
      if (place == names_.end() || is_defined(place->second)) continue;
      rules_.define(place->second, rules_.call(rules_.append(part.rules)));
    }
    for (const auto& [name, rule] : names_) {
      if (!is_defined(rule))
        fail_at(first_uses_[name], fmt::format("rule \"{}\" is used and not defined", name));
    }
    const auto root = names_.find("root");
    if (root == names_.end())
      throw Error(ErrorCode::invalid_argument, "the grammar has no rule \"root\"");
    rules_.set_root(root->second);
    return std::move(rules_);
  }

 private:
  [[noreturn]] void fail_at(size_t at, const std::string& what) const {
    const auto line =
        1 + std::count(text_.begin(),
                       text_.begin() + static_cast<ptrdiff_t>(std::min(at, text_.size())), '\n');
    throw Error(ErrorCode::invalid_argument, fmt::format("grammar, line {}: {}", line, what));
  }
  [[noreturn]] void fail(const std::string& what) const { fail_at(at_, what); }

  bool is_defined(RuleId rule) const { return rules_.rules()[static_cast<size_t>(rule)].body >= 0; }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }

  void skip_blanks(bool lines) {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
      } else if (c == ' ' || c == '\t' || (lines && (c == '\n' || c == '\r'))) {
        ++at_;
      } else {
        break;
      }
    }
  }

  std::string take_name() {
    const size_t begin = at_;
    while (at_ < text_.size() && is_name_character(text_[at_])) ++at_;
    if (at_ == begin) fail("expected the name of a rule");
    return std::string(text_.substr(begin, at_ - begin));
  }

  RuleId rule_named(const std::string& name, size_t at) {
    const auto [place, is_new] = names_.emplace(name, 0);
    if (is_new) {
      place->second = rules_.add_rule(name);
      first_uses_.emplace(name, at);
    }
    return place->second;
  }

  void parse_rule() {
    const size_t begin = at_;
    const std::string name = take_name();
    skip_blanks(false);
    if (!take("::=")) fail(fmt::format("expected ::= behind \"{}\"", name));
    skip_blanks(true);
    const ExprId body = parse_alternatives(0, false);
    const RuleId rule = rule_named(name, begin);
    if (is_defined(rule)) fail_at(begin, fmt::format("rule \"{}\" is defined twice", name));
    rules_.define(rule, body);
    if (at_ < text_.size() && peek() != '\n' && peek() != '\r')
      fail(fmt::format("unexpected \"{}\"", text_.substr(at_, 10)));
    skip_blanks(true);
  }

  ExprId parse_alternatives(int32_t depth, bool in_group) {
    if (depth > depth_max) fail("groups are nested too deeply");
    std::vector<ExprId> alternatives{parse_sequence(depth, in_group)};
    while (peek() == '|') {
      ++at_;
      skip_blanks(true);
      alternatives.push_back(parse_sequence(depth, in_group));
    }
    return rules_.choice(alternatives);
  }

  ExprId parse_sequence(int32_t depth, bool in_group) {
    std::vector<ExprId> parts;
    while (at_ < text_.size()) {
      const std::optional<ExprId> part = parse_part(depth);
      if (!part) break;
      skip_blanks(in_group);
      parts.push_back(*part);
      parse_repetition(parts, in_group);
    }
    return rules_.sequence(parts);
  }

  std::optional<ExprId> parse_part(int32_t depth) {
    const char c = peek();
    if (c == '"') return parse_literal();
    if (c == '[') return parse_class();
    if (c == '.') {
      ++at_;
      return rules_.character(CodeSet::all());
    }
    if (c == '(') {
      ++at_;
      skip_blanks(true);
      const ExprId group = parse_alternatives(depth + 1, true);
      if (!take(")")) fail("expected )");
      return group;
    }
    if (c == '<') {
      throw Error(ErrorCode::unsupported,
                  "a grammar with tokens (<...>): write what they print, as a literal");
    }
    if (!is_name_character(c)) return std::nullopt;
    const size_t begin = at_;
    const std::string name = take_name();
    return rules_.call(rule_named(name, begin));
  }

  int64_t take_count() {
    int64_t value = 0;
    const size_t begin = at_;
    while (peek() >= '0' && peek() <= '9') {
      value = 10 * value + (peek() - '0');
      if (value > repetitions_max) fail(fmt::format("more than {} repetitions", repetitions_max));
      ++at_;
    }
    if (at_ == begin) fail("expected a number of repetitions");
    return value;
  }

  void parse_repetition(std::vector<ExprId>& parts, bool in_group) {
    for (int32_t count = 0;; ++count) {
      if (count > depth_max) fail("too many repetitions of a repetition");
      int64_t least = 0;
      int64_t most = unbounded;
      if (take("*")) {
      } else if (take("+")) {
        least = 1;
      } else if (take("?")) {
        most = 1;
      } else if (take("{")) {
        skip_blanks(in_group);
        if (peek() != ',') least = most = take_count();
        skip_blanks(in_group);
        if (take(",")) {
          skip_blanks(in_group);
          most = peek() == '}' ? unbounded : take_count();
        }
        skip_blanks(in_group);
        if (!take("}")) fail("expected }");
        if (most != unbounded && most < least)
          fail("the most repetitions are fewer than the least");
      } else {
        return;
      }
      skip_blanks(in_group);
      parts.back() = rules_.repeat(parts.back(), least, most);
    }
  }

  uint32_t take_hex(int digits) {
    uint32_t value = 0;
    for (int i = 0; i < digits; ++i, ++at_) {
      const char c = peek();
      uint32_t digit = 0;
      if (c >= '0' && c <= '9') {
        digit = static_cast<uint32_t>(c - '0');
      } else if ((c | 32) >= 'a' && (c | 32) <= 'f') {
        digit = static_cast<uint32_t>((c | 32) - 'a' + 10);
      } else {
        fail(fmt::format("expected {} hexadecimal digits", digits));
      }
      value = 16 * value + digit;
    }
    if (value > code_point_max) fail("there is no such character");
    return value;
  }

  uint32_t take_character() {
    if (at_ >= text_.size()) fail("the grammar ends inside quotes or brackets");
    if (!take("\\")) {
      const CodePoint point = decode_utf8(text_.substr(at_));
      if (!point.is_valid) fail("malformed UTF-8");
      at_ += static_cast<size_t>(point.size_bytes);
      return point.value;
    }
    const char c = peek();
    ++at_;
    switch (c) {
      case 'x':
        return take_hex(2);
      case 'u':
        return take_hex(4);
      case 'U':
        return take_hex(8);
      case 't':
        return '\t';
      case 'r':
        return '\r';
      case 'n':
        return '\n';
      case '\\':
      case '"':
      case '[':
      case ']':
      case '-':
      case '^':
        return static_cast<uint32_t>(c);
      default:
        at_ -= 1;
        fail("an escape that is not known");
    }
  }

  ExprId parse_literal() {
    ++at_;
    std::string bytes;
    while (peek() != '"' || at_ >= text_.size()) append_utf8(bytes, take_character());
    ++at_;
    return rules_.bytes(bytes);
  }

  ExprId parse_class() {
    ++at_;
    const bool is_inverted = take("^");
    std::vector<CodeRange> ranges;
    while (peek() != ']' || at_ >= text_.size()) {
      const uint32_t first = take_character();
      uint32_t last = first;
      if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        last = take_character();
        if (last < first) fail("a range that ends before it begins");
      }
      ranges.push_back({first, last});
    }
    ++at_;
    const CodeSet set(std::move(ranges));
    return rules_.character(is_inverted ? set.inverted() : set);
  }

  std::string_view text_;
  size_t at_ = 0;
  Rules rules_;
  std::map<std::string, RuleId> names_;
  std::map<std::string, size_t> first_uses_;
};

}  // namespace

Rules parse_gbnf(std::string_view text, std::span<const NamedRules> parts) {
  return GbnfParser(text).parse(parts);
}

}  // namespace hearth::engine
