// See url.h.
#include "base/url.h"

#include <curl/urlapi.h>
#include <fmt/format.h>

#include <memory>

namespace hearth {
namespace {

constexpr size_t url_bytes_max = 8192;

using Handle = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::optional<std::string> part_of(CURLU* handle, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(handle, part, &text, flags) != CURLUE_OK) return std::nullopt;
  const std::unique_ptr<char, decltype(&curl_free)> owner(text, &curl_free);
  return std::string(text);
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

bool is_plain(std::string_view text) {
  if (text.empty() || text.size() > url_bytes_max) return false;
  for (const char c : text)
    if (c <= ' ' || c >= 127) return false;
  return true;
}

std::optional<Url> read(CURLU* handle) {
  curl_url_set(handle, CURLUPART_FRAGMENT, nullptr, 0);
  const auto text = part_of(handle, CURLUPART_URL);
  const auto scheme = part_of(handle, CURLUPART_SCHEME);
  const auto host = part_of(handle, CURLUPART_HOST);
  const auto port = part_of(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  const auto path = part_of(handle, CURLUPART_PATH);
  if (!text || !scheme || !host || host->empty() || !port || !path) return std::nullopt;
  if (*scheme != "http" && *scheme != "https") return std::nullopt;
  if (part_of(handle, CURLUPART_USER) || part_of(handle, CURLUPART_PASSWORD)) return std::nullopt;
  Url url;
  url.text = *text;
  url.scheme = *scheme;
  url.host = lower(*host);
  url.path = *path;
  if (url.host.front() == '[') url.host = url.host.substr(1, url.host.size() - 2);
  url.port = static_cast<uint16_t>(std::stoul(*port));
  url.query = part_of(handle, CURLUPART_QUERY).value_or("");
  return url;
}

}  // namespace

std::string Url::origin() const {
  return fmt::format("{}://{}:{}", scheme, host, port);
}

std::string Url::authority() const {
  const bool is_default = port == (scheme == "https" ? 443 : 80);
  return is_default ? host : fmt::format("{}:{}", host, port);
}

std::optional<Url> parse_url(std::string_view text) {
  const Handle handle(curl_url(), &curl_url_cleanup);
  if (!handle || !is_plain(text)) return std::nullopt;
  const std::string copy(text);
  if (curl_url_set(handle.get(), CURLUPART_URL, copy.c_str(), 0) != CURLUE_OK) return std::nullopt;
  return read(handle.get());
}

std::optional<Url> resolve_url(const Url& base, std::string_view reference) {
  const Handle handle(curl_url(), &curl_url_cleanup);
  if (!handle || !is_plain(reference)) return std::nullopt;
  const std::string copy(reference);
  if (curl_url_set(handle.get(), CURLUPART_URL, base.text.c_str(), 0) != CURLUE_OK ||
      curl_url_set(handle.get(), CURLUPART_URL, copy.c_str(), 0) != CURLUE_OK) {
    return std::nullopt;
  }
  return read(handle.get());
}

std::string encode_query(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (is_letter || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~') {
      result += c;
    } else if (c == ' ') {
      result += '+';
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

}  // namespace hearth
