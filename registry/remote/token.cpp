// See token.h.
#include "registry/remote/token.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "base/check.h"
#include "base/error.h"

namespace hearth::registry {
namespace {

using Pair = std::pair<std::string, std::string>;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = text.find(separator);
    if (end != 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return parts;
}

}  // namespace

bool is_hugging_face(const Url& url) {
  return url.scheme == "https" && url.port == 443 &&
         (url.host == "hf.co" || url.host == "huggingface.co");
}

bool is_same_party(const Url& registry, const Url& other) {
  return registry.origin() == other.origin() ||
         (is_hugging_face(registry) && is_hugging_face(other));
}

std::string token_url(const Url& realm, const Challenge& challenge, int64_t unix_seconds,
                      const std::string& nonce) {
  std::vector<Pair> pairs;
  for (const std::string_view part : split(realm.query, '&')) {
    const size_t equals = part.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    pairs.emplace_back(part.substr(0, equals), value);  // encoded already
  }
  pairs.emplace_back("service", encode_query(challenge.parameter("service")));
  const std::string scope = challenge.parameter("scope");
  for (const std::string_view one : split(scope, ' '))
    pairs.emplace_back("scope", encode_query(one));
  pairs.emplace_back("ts", std::to_string(unix_seconds));
  pairs.emplace_back("nonce", encode_query(nonce));
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Pair& a, const Pair& b) { return a.first < b.first; });
  std::string url = realm.text.substr(0, realm.text.find('?'));
  char separator = '?';
  for (const auto& [key, value] : pairs) {
    url += fmt::format("{}{}={}", separator, key, value);
    separator = '&';
  }
  return url;
}

std::string make_nonce() {
  std::array<unsigned char, 16> bytes{};
  HEARTH_CHECK(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
  std::string text = encode_base64(std::as_bytes(std::span(bytes)));
  std::erase(text, '=');
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

std::string token_text_to_sign(const std::string& url) {
  // Base64 of the hex digits of the SHA-256 of nothing: the body of a GET.
  constexpr std::string_view empty_body =
      "ZTNiMGM0NDI5OGZjMWMxNDlhZmJmNGM4OTk2ZmI5MjQyN2FlNDFlNDY0OWI5MzRjYTQ5NTk5MWI3ODUyYjg1NQ==";
  return fmt::format("GET,{},{}", url, empty_body);
}

std::string parse_token(std::string_view body, std::string_view host) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  for (const char* key : {"token", "access_token"}) {
    if (!json.is_object() || !json.contains(key) || !json[key].is_string()) continue;
    const auto token = json[key].get<std::string>();
    const bool is_plain =
        std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 127; });
    if (!token.empty() && is_plain) return token;
  }
  throw Error(ErrorCode::unauthorized, fmt::format("{} answered without a token", host));
}

}  // namespace hearth::registry
