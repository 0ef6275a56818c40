// Requests to web servers: many at once, driven by one thread. Redirects, credentials and retries
// are the caller's. The only file besides url.cpp that knows libcurl.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ip_address.h"
#include "base/rate_limit.h"

namespace hearth {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// The first of that name (in lower case) in the head of an answer; nullptr: there is none.
const std::string* find_header(const HttpHeaders& headers, std::string_view name);

struct HttpOptions {
  std::string user_agent;
  std::filesystem::path ca_file;                   // trusted beside the system's certificates
  std::map<std::string, std::string> environment;  // for proxies
  std::chrono::milliseconds connect_timeout{30'000};
  std::chrono::milliseconds first_byte_timeout{120'000};  // for the head of an answer
  std::chrono::milliseconds stall_timeout{30'000};        // less than 1 KiB/s for so long
  RateLimit* rate_limit = nullptr;                        // of bodies; outlives the client
};

// What is sent. `read` gives bytes from any offset, again when a connection turns out to be dead;
// it may throw.
struct HttpBody {
  uint64_t size_bytes = 0;
  std::function<size_t(uint64_t offset, std::span<std::byte> into)> read;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  HttpHeaders headers;
  std::optional<HttpBody> body;
  // Asked for each new connection, before it is made; false: refused. Not asked where a proxy makes
  // the connection: then only for hosts that are written as addresses.
  std::function<bool(AddressKind)> may_connect;
};

struct HttpHead {
  int status = 0;
  HttpHeaders headers;  // names in lower case
};

enum class HttpEnd {
  complete,
  stopped,      // by a handler that returned false
  broken,       // the connection, before the end of the answer
  stalled,      // see HttpOptions
  unreachable,  // no connection, or the name is not known
  refused,      // by may_connect, or by a proxy that does not know us
  untrusted,    // certificate
};

struct HttpOutcome {
  HttpEnd end = HttpEnd::complete;
  std::string reason;  // for people; empty when complete
};

// What becomes of one request. Called by the thread in run_once(); what it throws comes out there.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  virtual bool on_head(const HttpHead& head) = 0;              // false: stop
  virtual bool on_body(std::span<const std::byte> bytes) = 0;  // false: stop
  virtual void on_end(const HttpOutcome& outcome) = 0;         // may start the next request
};

struct HttpAnswer {
  int status = 0;
  HttpHeaders headers;
  std::string body;
};

// One thread at a time; wake() any thread.
class HttpClient {
 public:
  explicit HttpClient(HttpOptions options);
  ~HttpClient();

  // `handler` must live until its on_end or stop(). Throws Error{invalid_argument} for an address
  // that is none.
  using Id = uint64_t;
  Id start(HttpRequest request, HttpHandler& handler);
  // No on_end follows. Nothing happens for a request that has ended. Not inside on_head and
  // on_body.
  void stop(Id id);
  size_t active_count() const;

  // Waits until something happens, at most `wait_max`, and lets it happen.
  void run_once(std::chrono::milliseconds wait_max);
  void wake();

  // One request from start to end with a body of at most `body_bytes_max`. `check` is called at
  // least every 100 ms; throw from it to stop. Throws Error{unavailable} with the host and the
  // reason, {forbidden} when refused, {corrupt_data} for a larger body.
  HttpAnswer fetch(HttpRequest request, size_t body_bytes_max, const std::function<void()>& check);

 private:
  struct Exchange;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth
