// See challenge.h.
#include "registry/remote/challenge.h"

#include <optional>

namespace hearth::registry {
namespace {

constexpr size_t challenges_max = 16;
constexpr size_t parameters_max = 32;

bool is_token_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~/").find(c) != std::string_view::npos;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  void skip(std::string_view characters) {
    while (!text_.empty() && characters.find(text_.front()) != std::string_view::npos)
      text_.remove_prefix(1);
  }
  bool take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool is_at_end() const { return text_.empty(); }

  std::string token() {
    std::string result;
    while (!text_.empty() && is_token_character(text_.front())) {
      const char c = text_.front();
      result += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      text_.remove_prefix(1);
    }
    return result;
  }

  // Behind the opening quote. A quote ends the value only where a value can end: some servers write
  // quotes inside of values.
  std::optional<std::string> quoted() {
    std::string result;
    while (!text_.empty()) {
      const char c = text_.front();
      text_.remove_prefix(1);
      if (c == '"' && is_end_of_value()) return result;
      if (c == '\\' && !text_.empty()) {
        result += text_.front();
        text_.remove_prefix(1);
      } else {
        result += c;
      }
    }
    return std::nullopt;
  }

  std::string plain() {
    const size_t end = text_.find_first_of(", \t");
    std::string result(text_.substr(0, end));
    text_.remove_prefix(end == std::string_view::npos ? text_.size() : end);
    return result;
  }

 private:
  bool is_end_of_value() const {
    const size_t next = text_.find_first_not_of(" \t");
    return next == std::string_view::npos || text_[next] == ',';
  }

  std::string_view text_;
};

}  // namespace

std::string Challenge::parameter(const std::string& name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string() : found->second;
}

std::vector<Challenge> parse_challenges(std::string_view header) {
  std::vector<Challenge> challenges;
  Reader reader(header);
  while (true) {
    reader.skip(", \t");
    if (reader.is_at_end()) return challenges;
    const std::string name = reader.token();
    if (name.empty()) return challenges;
    reader.skip(" \t");
    if (!reader.take('=')) {  // a name without a value begins a challenge
      if (challenges.size() == challenges_max) return challenges;
      challenges.push_back({name, {}});
      continue;
    }
    reader.skip(" \t");
    const std::optional<std::string> value = reader.take('"') ? reader.quoted() : reader.plain();
    if (!value || challenges.empty() || challenges.back().parameters.size() == parameters_max)
      return challenges;
    challenges.back().parameters.emplace(name, *value);
  }
}

std::vector<Challenge> challenges_of(const HttpHeaders& headers) {
  std::vector<Challenge> all;
  for (const auto& [name, value] : headers) {
    if (name != "www-authenticate") continue;
    for (Challenge& challenge : parse_challenges(value)) all.push_back(std::move(challenge));
  }
  return all;
}

}  // namespace hearth::registry
