// See remote_repository.h.
#include "registry/remote/remote_repository.h"

#include <fmt/format.h>

#include "base/digest.h"
#include "base/error.h"
#include "registry/manifest.h"

namespace hearth::registry {
namespace {

constexpr size_t manifest_bytes_max = size_t{4} << 20;
constexpr size_t answer_bytes_max = size_t{256} << 10;
constexpr int manifest_attempts = 4;

HttpBody body_of(std::string_view bytes) {
  HttpBody body;
  body.size_bytes = bytes.size();
  body.read = [bytes](uint64_t offset, std::span<std::byte> into) {
    const auto part = std::as_bytes(std::span(bytes)).subspan(static_cast<size_t>(offset));
    const size_t count = std::min(part.size(), into.size());
    std::copy_n(part.begin(), count, into.begin());
    return count;
  };
  return body;
}

Url with_query(const Url& url, const std::string& query) {
  const char separator = url.text.find('?') == std::string::npos ? '?' : '&';
  const std::optional<Url> result = parse_url(fmt::format("{}{}{}", url.text, separator, query));
  if (!result)
    throw Error(ErrorCode::corrupt_data, "the registry names an address that is too long");
  return *result;
}

}  // namespace

Url registry_address(const ModelName& name, bool is_insecure) {
  if (name.scheme == "http" && !is_insecure)
    throw Error(ErrorCode::invalid_argument, "insecure protocol http");
  if (name.scheme != "http" && name.scheme != "https") {
    throw Error(ErrorCode::invalid_argument, fmt::format("protocol {} is not https", name.scheme));
  }
  const std::optional<Url> url =
      parse_url(fmt::format("{}://{}", is_insecure ? "http" : "https", name.host));
  if (!url) throw Error(ErrorCode::invalid_argument, fmt::format("'{}' is no registry", name.host));
  return *url;
}

void require_online(const TransferSettings& settings, const ModelName& name) {
  if (!settings.is_offline) return;
  throw Error(ErrorCode::unavailable,
              fmt::format("{} is not asked for '{}': hearth is offline (HEARTH_OFFLINE)", name.host,
                          name.display()));
}

RemoteRepository::RemoteRepository(RemoteSession& session, const ModelName& name)
    : session_(session),
      repository_(fmt::format("{}/{}", name.namespace_, name.model)),
      tag_(name.tag) {}

std::string RemoteRepository::path(std::string_view rest) const {
  return fmt::format("/v2/{}/{}", repository_, rest);
}

// Bytes that are not those the registry names are asked for again: something on the way changed
// them.
std::string RemoteRepository::manifest(const StopCheck& check) {
  const HttpHeaders headers{{"Accept", std::string(media_type::manifest)}};
  for (int attempt = 1;; ++attempt) {
    RemoteAnswer answer = session_.request("GET", session_.at(path("manifests/" + tag_)), headers,
                                           manifest_bytes_max, check);
    if (answer.status != 200) throw_status(answer.status, answer.body, "");
    const std::string* named = find_header(answer.headers, "docker-content-digest");
    const std::string found = "sha256:" + sha256_hex(std::as_bytes(std::span(answer.body)));
    if (named == nullptr || !named->starts_with("sha256:") || *named == found)
      return std::move(answer.body);
    if (attempt == manifest_attempts) {
      throw Error(ErrorCode::corrupt_data,
                  fmt::format("it arrived {} times with another digest than the registry names: "
                              "expected {}, found {}",
                              attempt, named->substr(0, 71), found));
    }
  }
}

void RemoteRepository::put_manifest(std::string_view bytes, const StopCheck& check) {
  const HttpHeaders headers{{"Content-Type", std::string(media_type::manifest)}};
  const RemoteAnswer answer = session_.request("PUT", session_.at(path("manifests/" + tag_)),
                                               headers, answer_bytes_max, check, body_of(bytes));
  if (answer.status >= 300) throw_status(answer.status, answer.body, "");
}

Url RemoteRepository::blob_url(const BlobDigest& digest) const {
  return session_.at(path("blobs/" + digest.text()));
}

bool RemoteRepository::has_blob(const BlobDigest& digest, const StopCheck& check) {
  const RemoteAnswer answer =
      session_.request("HEAD", blob_url(digest), {}, answer_bytes_max, check);
  if (answer.status == 404) return false;
  if (answer.status >= 300) throw_status(answer.status, answer.body, "");
  return true;
}

std::optional<Url> RemoteRepository::begin_upload(const BlobDigest& digest, const std::string& from,
                                                  const StopCheck& check) {
  Url url = session_.at(path("blobs/uploads/"));
  if (!from.empty()) {
    url = with_query(
        url, fmt::format("mount={}&from={}", encode_query(digest.text()), encode_query(from)));
  }
  const RemoteAnswer answer =
      session_.request("POST", url, {}, answer_bytes_max, check, body_of(""));
  if (answer.status == 201) return std::nullopt;
  if (answer.status >= 300) throw_status(answer.status, answer.body, "");
  return next_upload_url(answer.url, answer.headers);
}

Url RemoteRepository::next_upload_url(const Url& asked, const HttpHeaders& headers) const {
  const std::string* location = find_header(headers, "docker-upload-location");
  if (location == nullptr) location = find_header(headers, "location");
  if (location == nullptr) return asked;
  const std::optional<Url> next = resolve_url(asked, *location);
  if (next && (next->scheme == "https" || asked.scheme == "http")) return *next;
  throw Error(ErrorCode::corrupt_data,
              fmt::format("{} names no https address to upload to", asked.authority()));
}

std::optional<uint64_t> RemoteRepository::uploaded_bytes(Url& upload, const StopCheck& check) {
  const RemoteAnswer answer = session_.request("GET", upload, {}, answer_bytes_max, check);
  if (answer.status >= 300) return std::nullopt;
  upload = next_upload_url(upload, answer.headers);
  const std::string* range = find_header(answer.headers, "range");
  if (range == nullptr || !range->starts_with("0-") || range->size() > 18) return 0;
  const std::string last = range->substr(2);
  if (last.empty() || last.find_first_not_of("0123456789") != std::string::npos) return 0;
  const uint64_t last_byte = std::stoull(last);
  return last_byte == 0 ? 0 : last_byte + 1;  // "0-0" also stands for nothing
}

void RemoteRepository::finish_upload(const Url& upload, const BlobDigest& digest,
                                     const std::string& etag, const StopCheck& check) {
  std::string query = "digest=" + encode_query(digest.text());
  if (!etag.empty()) query += "&etag=" + encode_query(etag);
  const RemoteAnswer answer =
      session_.request("PUT", with_query(upload, query), {}, answer_bytes_max, check, body_of(""));
  if (answer.status >= 300) throw_status(answer.status, answer.body, "");
}

}  // namespace hearth::registry
