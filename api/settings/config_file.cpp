#include "api/settings/config_file.h"

#include <fmt/format.h>

#include "base/error.h"

namespace hearth::api {
namespace {

constexpr std::string_view blank = " \t\r";

std::string_view trimmed(std::string_view text) {
  const size_t start = text.find_first_not_of(blank);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(blank) - start + 1);
}

[[noreturn]] void fail(int number, std::string_view expected, std::string_view found) {
  throw Error(ErrorCode::invalid_argument,
              fmt::format("line {}: expected {}, found: {}", number, expected, found));
}

// A cursor over the value of one line.
class ValueReader {
 public:
  ValueReader(std::string_view text, int number) : rest_(text), whole_(text), number_(number) {}

  std::string read() {
    skip_blanks();
    std::string value = rest_.starts_with('[') ? list() : item("#");
    skip_blanks();
    if (!rest_.empty() && !rest_.starts_with('#')) fail(number_, "nothing after the value", whole_);
    return value;
  }

 private:
  void skip_blanks() {
    rest_.remove_prefix(std::min(rest_.size(), rest_.find_first_not_of(blank)));
  }

  std::string list() {
    std::string items;
    rest_.remove_prefix(1);
    for (;;) {
      skip_blanks();
      if (rest_.empty()) fail(number_, "a list that ends with ] on its line", whole_);
      if (rest_.starts_with(']')) break;
      if (!items.empty()) items += ',';
      items += item(",]#");
      skip_blanks();
      if (rest_.starts_with(',')) rest_.remove_prefix(1);
    }
    rest_.remove_prefix(1);
    return items;
  }

  // A quoted text, or everything up to one of `ends`.
  std::string item(std::string_view ends) {
    if (rest_.starts_with('"') || rest_.starts_with('\'')) return quoted();
    const std::string_view bare = rest_.substr(0, rest_.find_first_of(ends));
    rest_.remove_prefix(bare.size());
    return std::string(trimmed(bare));
  }

  // Escapes count between double quotes only, as in TOML.
  std::string quoted() {
    const char quote = rest_.front();
    std::string value;
    for (size_t i = 1; i < rest_.size(); ++i) {
      char c = rest_[i];
      if (c == quote) {
        rest_.remove_prefix(i + 1);
        return value;
      }
      if (c == '\\' && quote == '"' && i + 1 < rest_.size()) {
        c = rest_[++i];
        if (c == 'n') c = '\n';
        if (c == 't') c = '\t';
      }
      value += c;
    }
    fail(number_, "a closing quote", whole_);
  }

  std::string_view rest_, whole_;
  int number_;
};

}  // namespace

std::vector<ConfigLine> parse_config_text(std::string_view text) {
  std::vector<ConfigLine> lines;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view whole = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), whole.size() + 1));
    const std::string_view line = trimmed(whole);
    if (line.empty() || line.starts_with('#') || line.starts_with(';')) continue;
    if (line.starts_with('[')) fail(number, "key = value (there are no sections)", line);
    const size_t equals = line.find('=');
    const std::string_view key = trimmed(line.substr(0, equals));
    if (equals == std::string_view::npos || key.empty()) fail(number, "key = value", line);
    lines.push_back(
        {number, std::string(key), ValueReader(line.substr(equals + 1), number).read()});
  }
  return lines;
}

}  // namespace hearth::api
