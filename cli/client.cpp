// The daemon's HTTP API over libcurl. Not over base/http_transfer.h: one blocking request at a time
// with Ctrl-C, uploads from a file and a proxy rule of its own needs none of what that is made of.
#include "cli/client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "base/error.h"

namespace hearth::cli {
namespace {

using CurlHandle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using CurlHeaders = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

// One request and what its callbacks collect. A thrown Error waits here until curl has returned.
struct Transfer {
  std::string body;                               // what arrived and was not handed on yet
  std::function<void(std::string_view)> on_line;  // empty: collect the whole body
  const std::atomic<bool>* cancelled = nullptr;
  std::function<void(int64_t)> on_upload;
  std::function<void()> on_tick;
  std::FILE* upload = nullptr;
  CURL* curl = nullptr;
  std::optional<Error> failure;
};

long status_of(CURL* curl) {
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

size_t receive(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.body.append(data, size * count);
  if (!transfer.on_line || status_of(transfer.curl) >= 400) return size * count;
  try {
    size_t start = 0;
    for (size_t end; (end = transfer.body.find('\n', start)) != std::string::npos;
         start = end + 1) {
      if (end > start) transfer.on_line(std::string_view(transfer.body).substr(start, end - start));
    }
    transfer.body.erase(0, start);
  } catch (const Error& error) {  // C code lies between here and the caller: carried over it and
                                  // rethrown there
    transfer.failure = error;
    return 0;
  }
  return size * count;
}

size_t send(char* data, size_t size, size_t count, void* user) {
  return std::fread(data, 1, size * count, static_cast<Transfer*>(user)->upload);
}

int watch(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t sent) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.on_upload) transfer.on_upload(static_cast<int64_t>(sent));
  if (transfer.on_tick) transfer.on_tick();
  return transfer.cancelled != nullptr && transfer.cancelled->load() ? 1 : 0;
}

ErrorCode code_of(long status) {
  switch (status) {
    case 400:
      return ErrorCode::invalid_argument;
    case 401:
      return ErrorCode::unauthorized;
    case 403:
      return ErrorCode::forbidden;
    case 404:
      return ErrorCode::not_found;
    case 503:
      return ErrorCode::unavailable;
    default:
      return ErrorCode::internal;
  }
}

Json parse(std::string_view text) {
  Json value = Json::parse(text, nullptr, false);
  if (value.is_discarded()) {
    throw Error(ErrorCode::corrupt_data,
                fmt::format("the daemon answered what is not JSON: {}", text.substr(0, 200)));
  }
  return value;
}

// The text of an error body in any of the daemon's dialects.
std::string error_text(const std::string& body, long status) {
  const Json value = Json::parse(body, nullptr, false);
  if (value.is_object() && value.contains("error")) {
    const Json& error = value["error"];
    if (error.is_string()) return error.get<std::string>();
    if (error.is_object() && error.contains("message")) return error["message"].get<std::string>();
  }
  return fmt::format("the daemon answered status {}{}", status,
                     body.empty() ? "" : ": " + body.substr(0, 200));
}

// A prepared handle: address, key, callbacks.
CurlHandle prepare(const Config& config, const std::string& path, Transfer& transfer,
                   CurlHeaders& headers) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  CurlHandle curl(curl_easy_init(), &curl_easy_cleanup);
  if (started != CURLE_OK || !curl) throw Error(ErrorCode::internal, "libcurl did not start");
  transfer.curl = curl.get();
  const auto add = [&headers](const std::string& line) {
    headers.reset(curl_slist_append(headers.release(), line.c_str()));
  };
  add("Expect:");
  if (!config.api_key.empty()) add("Authorization: Bearer " + config.api_key);
  curl_easy_setopt(curl.get(), CURLOPT_URL, (config.base_url + path).c_str());
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_USERAGENT, "hearth");
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, 10L);
  if (config.is_loopback) curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &receive);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, &watch);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
  return curl;
}

void check_connected(const Config& config, CURLcode result) {
  if (result == CURLE_COULDNT_RESOLVE_HOST) {
    throw Error(
        ErrorCode::unavailable,
        fmt::format("{}: there is no computer of this name; see HEARTH_HOST", config.base_url));
  }
  if (result != CURLE_COULDNT_CONNECT) return;
  throw Error(
      ErrorCode::unavailable,
      fmt::format("nobody answers at {}: start the daemon with `hearth serve`, or set HEARTH_HOST",
                  config.base_url));
}

// Runs the transfer. False when it was cancelled.
bool perform(const Config& config, Transfer& transfer) {
  const CURLcode result = curl_easy_perform(transfer.curl);
  if (transfer.failure) throw *transfer.failure;
  if (result == CURLE_ABORTED_BY_CALLBACK) return false;
  const long status = status_of(transfer.curl);
  check_connected(config, result);
  if (status >= 400) throw Error(code_of(status), error_text(transfer.body, status));
  if (result != CURLE_OK) {
    throw Error(ErrorCode::unavailable, fmt::format("the connection to {} broke: {}",
                                                    config.base_url, curl_easy_strerror(result)));
  }
  return true;
}

bool request(const Config& config, const char* method, const std::string& path, const Json* body,
             Transfer& transfer) {
  CurlHeaders headers(nullptr, &curl_slist_free_all);
  CurlHandle curl = prepare(config, path, transfer, headers);
  std::string text;
  if (body != nullptr) {
    text = body->dump(-1, ' ', false, Json::error_handler_t::replace);
    headers.reset(curl_slist_append(headers.release(), "Content-Type: application/json"));
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(text.size()));
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, text.c_str());
  }
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, method);
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  return perform(config, transfer);
}

Json answer(const Config& config, const char* method, const std::string& path, const Json* body) {
  Transfer transfer;
  request(config, method, path, body, transfer);
  return transfer.body.empty() ? Json::object() : parse(transfer.body);
}

}  // namespace

bool Client::is_reachable() const {
  Transfer transfer;
  CurlHeaders headers(nullptr, &curl_slist_free_all);
  CurlHandle curl = prepare(config_, "/api/version", transfer, headers);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, 10L);
  const CURLcode result = curl_easy_perform(curl.get());
  if (result == CURLE_COULDNT_CONNECT) return false;
  check_connected(config_, result);
  if (result == CURLE_OPERATION_TIMEDOUT) {
    throw Error(
        ErrorCode::unavailable,
        fmt::format("{} accepts connections and says nothing for 10 s: stop what holds the port "
                    "(`pkill -9 hearthd` if that hangs), or set HEARTH_HOST",
                    config_.base_url));
  }
  return true;
}

Json Client::get(const std::string& path) const {
  return answer(config_, "GET", path, nullptr);
}
Json Client::post(const std::string& path, const Json& body) const {
  return answer(config_, "POST", path, &body);
}
Json Client::remove(const std::string& path, const Json& body) const {
  return answer(config_, "DELETE", path, &body);
}

bool Client::stream(const std::string& path, const Json& body,
                    const std::function<void(const Json&)>& on_line,
                    const std::atomic<bool>& cancelled,
                    const std::function<void()>& on_tick) const {
  Transfer transfer;
  transfer.on_tick = on_tick;
  transfer.cancelled = &cancelled;
  transfer.on_line = [&on_line](std::string_view line) {
    const Json value = parse(line);
    if (value.is_object() && value.contains("error")) {
      throw Error(ErrorCode::internal, error_text(std::string(line), 200));
    }
    on_line(value);
  };
  if (!request(config_, "POST", path, &body, transfer)) return false;
  if (!transfer.body.empty()) transfer.on_line(transfer.body);
  return true;
}

void Client::upload_blob(const std::filesystem::path& file, const std::string& digest,
                         const std::function<void(int64_t)>& progress) const {
  const std::string path = "/api/blobs/" + digest;
  Transfer probe;
  CurlHeaders probe_headers(nullptr, &curl_slist_free_all);
  CurlHandle head = prepare(config_, path, probe, probe_headers);
  curl_easy_setopt(head.get(), CURLOPT_NOBODY, 1L);
  curl_easy_setopt(head.get(), CURLOPT_HTTPHEADER, probe_headers.get());
  if (curl_easy_perform(head.get()) == CURLE_OK && status_of(head.get()) == 200) return;

  const std::unique_ptr<std::FILE, decltype(&std::fclose)> source(std::fopen(file.c_str(), "rb"),
                                                                  &std::fclose);
  if (!source) throw Error(ErrorCode::not_found, fmt::format("cannot read {}", file.string()));
  Transfer transfer;
  transfer.upload = source.get();
  transfer.on_upload = progress;
  CurlHeaders headers(nullptr, &curl_slist_free_all);
  CurlHandle curl = prepare(config_, path, transfer, headers);
  curl_easy_setopt(curl.get(), CURLOPT_POST, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_READFUNCTION, &send);
  curl_easy_setopt(curl.get(), CURLOPT_READDATA, &transfer);
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(std::filesystem::file_size(file)));
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  perform(config_, transfer);
}

}  // namespace hearth::cli
