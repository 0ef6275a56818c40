// A registry that keeps its blobs in memory and speaks the Docker Registry protocol v2, as far as
// pull and push use it. A test may stand in front of it and answer some requests differently.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/digest.h"
#include "tests/support/http_server.h"

namespace hearth::testing {

inline std::string digest_of(const std::string& content) {
  return "sha256:" + hearth::sha256_hex(std::as_bytes(std::span(content)));
}

// The part of a content that a request's Range names, as servers answer it.
inline Served serve_range(const ServedRequest& request, const std::string& content) {
  const std::string range = request.header("range");
  if (!range.starts_with("bytes=")) return {.body = content};
  const size_t first = std::strtoull(range.c_str() + 6, nullptr, 10);
  const size_t last = std::strtoull(range.c_str() + range.find('-') + 1, nullptr, 10);
  if (first >= content.size()) return {.status = 416};
  const std::string part = content.substr(first, last - first + 1);
  return {.status = 206,
          .headers = {{"Content-Range", "bytes " + std::to_string(first) + "-" +
                                            std::to_string(first + part.size() - 1) + "/" +
                                            std::to_string(content.size())}},
          .body = part};
}

class RegistryServer {
 public:
  using Front = std::function<std::optional<Served>(const ServedRequest&)>;

  explicit RegistryServer(Front front = {})
      : front_(std::move(front)), server_([this](const ServedRequest& r) { return handle(r); }) {}

  std::string host() const { return server_.host(); }
  HttpServer& server() { return server_; }

  // So many parts of uploads arrive by half and are then refused.
  void cut_uploads(int count) {
    const std::lock_guard lock(mutex_);
    upload_cuts_ = count;
  }

  std::string add_blob(const std::string& content) {
    const std::lock_guard lock(mutex_);
    blobs_[digest_of(content)] = content;
    return digest_of(content);
  }
  // `path` is "namespace/model/tag".
  void add_manifest(const std::string& path, const std::string& bytes) {
    const std::lock_guard lock(mutex_);
    manifests_[path] = bytes;
  }
  std::string manifest(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return manifests_[path];
  }
  std::string blob(const std::string& digest) {
    const std::lock_guard lock(mutex_);
    return blobs_[digest];
  }
  // A model of these layers (the first is the weights), with an empty config. Returns its manifest.
  std::string add_model(const std::string& path, const std::vector<std::string>& layers) {
    const auto entry = [](const std::string& type, const std::string& digest, size_t size) {
      return "{\"mediaType\":\"application/vnd." + type + "\",\"digest\":\"" + digest +
             "\",\"size\":" + std::to_string(size) + "}";
    };
    const std::string config = "{\"model_format\":\"gguf\"}";
    std::string list;
    for (const std::string& layer : layers) {
      const bool is_first = list.empty();
      list += (is_first ? "" : ",") + entry(is_first ? "ollama.image.model" : "ollama.image.system",
                                            add_blob(layer), layer.size());
    }
    const std::string bytes =
        "{\"schemaVersion\":2,  \"config\":" +
        entry("docker.container.image.v1+json", add_blob(config), config.size()) + ",\"layers\":[" +
        list + "]}";
    add_manifest(path, bytes);
    return bytes;
  }

  Served serve_blob(const ServedRequest& request, const std::string& digest) {
    const std::lock_guard lock(mutex_);
    const auto found = blobs_.find(digest);
    if (found == blobs_.end()) return {.status = 404};
    return serve_range(request, found->second);
  }

 private:
  Served handle(const ServedRequest& request) {
    if (front_)
      if (auto served = front_(request)) return *served;
    const std::string path = request.target.substr(0, request.target.find('?'));
    const size_t blobs = path.find("/blobs/");
    const size_t manifests = path.find("/manifests/");
    if (path.find("/blobs/uploads/") != std::string::npos) return handle_upload(request, path);
    if (blobs != std::string::npos) return serve_blob(request, path.substr(blobs + 7));
    if (manifests == std::string::npos) return {.status = 404};
    const std::string key = path.substr(4, manifests - 4) + "/" + path.substr(manifests + 11);
    const std::lock_guard lock(mutex_);
    if (request.method == "PUT") {
      manifests_[key] = request.body;
      return {.status = 201};
    }
    return manifests_.contains(key) ? Served{.body = manifests_[key]} : Served{.status = 404};
  }

  Served handle_upload(const ServedRequest& request, const std::string& path) {
    const std::lock_guard lock(mutex_);
    std::string& data = uploads_[path];
    if (request.method == "POST") {
      const std::string session = path + "s" + std::to_string(++last_upload_);
      return {.status = 202, .headers = {{"Location", session + "?state=0"}}};
    }
    if (request.method == "PATCH" && upload_cuts_ > 0) {
      --upload_cuts_;
      data += request.body.substr(0, request.body.size() / 2);
      return {.status = 503};
    }
    if (request.method == "PATCH") data += request.body;
    if (request.method == "PUT") {
      const size_t at = request.target.find("digest=sha256%3A");
      if (at == std::string::npos ||
          digest_of(data).substr(7) != request.target.substr(at + 16, 64))
        return {.status = 400, .body = "digest mismatch"};
      blobs_[digest_of(data)] = data;
      return {.status = 201};
    }
    const std::string last = std::to_string(data.empty() ? 0 : data.size() - 1);
    return {.status = request.method == "GET" ? 204 : 202,
            .headers = {{"Location", path + "?state=" + std::to_string(data.size())},
                        {"Range", "0-" + last}}};
  }

  Front front_;
  std::mutex mutex_;
  std::map<std::string, std::string> blobs_;
  std::map<std::string, std::string> manifests_;
  std::map<std::string, std::string> uploads_;
  int last_upload_ = 0;
  int upload_cuts_ = 0;
  HttpServer server_;
};

}  // namespace hearth::testing
