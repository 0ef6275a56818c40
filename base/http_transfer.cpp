// See http_transfer.h. One curl "easy" handle per request in one "multi" handle.
#include "base/http_transfer.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>

#include "base/check.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/proxy.h"
#include "base/url.h"

namespace hearth {
namespace {

using std::chrono::milliseconds;
using EasyHandle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using MultiHandle = std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)>;
using HeaderList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

constexpr long receive_buffer_bytes = 256 * 1024;
constexpr long send_buffer_bytes = 512 * 1024;
constexpr size_t head_bytes_max = 256 * 1024;
constexpr uint64_t limited_window_min = 32 * 1024;
constexpr uint64_t limited_window_max = 1024 * 1024;
constexpr int ordinary_segment_bytes = 1460;
constexpr uint64_t slow_bytes_per_second = 1024;

template <typename Value>
void set(CURL* easy, CURLoption option, Value value) {
  HEARTH_CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

AddressKind kind_of(const sockaddr* address) {
  std::array<uint8_t, 16> bytes{};
  if (address->sa_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, address, sizeof(four));
    std::memcpy(bytes.data(), &four.sin_addr, 4);
    return address_kind(std::span(bytes).first(4));
  }
  sockaddr_in6 six{};
  std::memcpy(&six, address, sizeof(six));
  std::memcpy(bytes.data(), &six.sin6_addr, 16);
  return address_kind(bytes);
}

// Whoever reads slowly on purpose should not have megabytes sent ahead: what waits in the kernels,
// here and there, is lost when the program ends. What a line needs is its rate times its delay, for
// each of a few connections; `kind` says how long the delay may be.
void limit_window(int fd, AddressKind kind, uint64_t bytes_per_second) {
  const uint64_t share = kind == AddressKind::loopback     ? 0
                         : kind == AddressKind::public_net ? 50
                                                           : 400;
  const uint64_t wanted = share == 0 ? 0 : bytes_per_second / share;
  const auto bytes = static_cast<int>(std::clamp(wanted, limited_window_min, limited_window_max));
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
  // Within a computer segments have 64 KiB, and the sender keeps twenty of them ready.
  ::setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &ordinary_segment_bytes, sizeof(int));
}

HttpEnd end_of(CURLcode code) {
  switch (code) {
    case CURLE_OK:
      return HttpEnd::complete;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_OPERATION_TIMEDOUT:  // only connecting has a limit of curl's
      return HttpEnd::unreachable;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return HttpEnd::untrusted;
    default:
      return HttpEnd::broken;
  }
}

}  // namespace

const std::string* find_header(const HttpHeaders& headers, std::string_view name) {
  for (const auto& [key, value] : headers)
    if (key == name) return &value;
  return nullptr;
}

// One request. Its address is what curl's callbacks get, so it does not move.
struct HttpClient::Exchange {
  Exchange(Id the_id, HttpRequest the_request, HttpHandler& the_handler, const HttpOptions& limits)
      : id(the_id), request(std::move(the_request)), handler(the_handler), options(limits) {}

  void prepare();
  void prepare_body();
  bool take_header_line(std::string_view line);
  size_t receive(std::span<const std::byte> bytes);
  size_t send(std::span<std::byte> into);
  curl_socket_t open_socket(curl_sockaddr* address);
  // The reason when it stands still.
  std::optional<HttpOutcome> stall(TimePoint now);
  HttpOutcome outcome(CURLcode code) const;

  // Runs `action` below C code: what it throws waits in `failure`.
  template <typename Action>
  bool guarded(Action action) {
    try {
      return action();
    } catch (...) {  // rethrown by run_once when curl has returned
      failure = std::current_exception();
      return false;
    }
  }

  const Id id;
  HttpRequest request;
  HttpHandler& handler;
  const HttpOptions& options;
  EasyHandle easy{curl_easy_init(), &curl_easy_cleanup};
  HeaderList headers{nullptr, &curl_slist_free_all};
  HttpHead head;
  size_t head_bytes = 0;
  bool has_head = false;
  bool is_stopped = false;
  bool is_refused = false;
  bool is_proxied = false;
  bool is_paused = false;
  uint64_t sent_bytes = 0;
  uint64_t window_bytes = 0;  // since window_start, either way
  TimePoint window_start = system_clock().now();
  char problem[CURL_ERROR_SIZE] = "";
  std::exception_ptr failure;
};

bool HttpClient::Exchange::take_header_line(std::string_view line) {
  head_bytes += line.size();
  if (head_bytes > head_bytes_max) return false;
  if (line.starts_with("HTTP/")) {
    head = HttpHead{};
    has_head = false;
    return true;
  }
  const std::string_view text = trimmed(line);
  if (!text.empty()) {
    const size_t colon = text.find(':');
    if (colon != std::string_view::npos && !has_head) {
      head.headers.emplace_back(lower(trimmed(text.substr(0, colon))),
                                std::string(trimmed(text.substr(colon + 1))));
    }
    return true;
  }
  if (has_head) return true;  // behind the body: trailers
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status < 200) return true;  // "continue"
  has_head = true;
  head.status = static_cast<int>(status);
  window_start = system_clock().now();
  window_bytes = 0;
  is_stopped = !handler.on_head(head);
  return !is_stopped;
}

size_t HttpClient::Exchange::receive(std::span<const std::byte> bytes) {
  if (options.rate_limit != nullptr && options.rate_limit->wait().count() > 0) {
    is_paused = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  if (options.rate_limit != nullptr) options.rate_limit->add(bytes.size());
  window_bytes += bytes.size();
  is_stopped = !handler.on_body(bytes);
  return is_stopped ? 0 : bytes.size();
}

size_t HttpClient::Exchange::send(std::span<std::byte> into) {
  if (options.rate_limit != nullptr && options.rate_limit->wait().count() > 0) {
    is_paused = true;
    return CURL_READFUNC_PAUSE;
  }
  const uint64_t left = request.body->size_bytes - sent_bytes;
  into = into.first(static_cast<size_t>(std::min<uint64_t>(left, into.size())));
  const size_t count = into.empty() ? 0 : request.body->read(sent_bytes, into);
  if (options.rate_limit != nullptr) options.rate_limit->add(count);
  window_bytes += count;
  sent_bytes += count;
  return count;
}

curl_socket_t HttpClient::Exchange::open_socket(curl_sockaddr* address) {
  if (!is_proxied && request.may_connect &&
      (address->family == AF_INET || address->family == AF_INET6) &&
      !request.may_connect(kind_of(&address->addr))) {
    is_refused = true;
    return CURL_SOCKET_BAD;
  }
  const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  const uint64_t limit = options.rate_limit == nullptr ? 0 : options.rate_limit->bytes_per_second();
  const bool is_internet = address->family == AF_INET || address->family == AF_INET6;
  if (fd >= 0 && limit > 0 && is_internet) limit_window(fd, kind_of(&address->addr), limit);
  return fd;
}

std::optional<HttpOutcome> HttpClient::Exchange::stall(TimePoint now) {
  const bool is_waiting = !has_head && window_bytes == 0;
  const milliseconds limit =
      is_waiting ? options.connect_timeout + options.first_byte_timeout : options.stall_timeout;
  if (is_paused) window_start = now;
  const auto elapsed = std::chrono::duration_cast<milliseconds>(now - window_start);
  if (elapsed < limit) return std::nullopt;
  const bool was_all_sent = request.body && sent_bytes == request.body->size_bytes && !has_head;
  const uint64_t enough =
      std::max<uint64_t>(1, slow_bytes_per_second * static_cast<uint64_t>(limit.count()) / 1000);
  const bool is_moving = window_bytes >= enough;
  window_start = now;
  window_bytes = 0;
  if (is_moving) return std::nullopt;
  // After the last byte of an upload the server may think for as long as before a first byte.
  if (was_all_sent && !is_waiting) return std::nullopt;
  return HttpOutcome{HttpEnd::stalled,
                     fmt::format("no answer within {} s", (elapsed.count() + 500) / 1000)};
}

HttpOutcome HttpClient::Exchange::outcome(CURLcode code) const {
  if (is_stopped) return {HttpEnd::stopped, "stopped"};
  if (is_refused) return {HttpEnd::refused, "its address must not be reached from there"};
  if (code == CURLE_OK) return {};
  long proxy_status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_HTTP_CONNECTCODE, &proxy_status);
  if (proxy_status == 407)
    return {HttpEnd::refused, "the proxy wants a name and a password: http://name:password@host"};
  std::string reason = problem[0] != '\0' ? problem : curl_easy_strerror(code);
  const HttpEnd end = end_of(code);
  if (end == HttpEnd::untrusted) reason += " (ca-file names an authority of your own)";
  return {end, reason};
}

// The callbacks that curl's C code calls.
struct HttpClient::State {
  explicit State(HttpOptions the_options) : options(std::move(the_options)) {
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    HEARTH_CHECK(started == CURLE_OK && multi != nullptr);
  }

  static size_t on_header(char* data, size_t size, size_t count, void* user) {
    auto& exchange = *static_cast<HttpClient::Exchange*>(user);
    const std::string_view line(data, size * count);
    return exchange.guarded([&] { return exchange.take_header_line(line); }) ? line.size() : 0;
  }

  static size_t on_receive(char* data, size_t size, size_t count, void* user) {
    auto& exchange = *static_cast<HttpClient::Exchange*>(user);
    size_t taken = 0;
    exchange.guarded([&] {
      taken = exchange.receive(std::as_bytes(std::span(data, size * count)));
      return true;
    });
    return taken;
  }

  static size_t on_send(char* data, size_t size, size_t count, void* user) {
    auto& exchange = *static_cast<HttpClient::Exchange*>(user);
    size_t given = CURL_READFUNC_ABORT;
    exchange.guarded([&] {
      given = exchange.send(std::as_writable_bytes(std::span(data, size * count)));
      return true;
    });
    return given;
  }

  static int on_seek(void* user, curl_off_t offset, int origin) {
    if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_CANTSEEK;
    static_cast<HttpClient::Exchange*>(user)->sent_bytes = static_cast<uint64_t>(offset);
    return CURL_SEEKFUNC_OK;
  }

  static curl_socket_t on_open_socket(void* user, curlsocktype, curl_sockaddr* address) {
    auto& exchange = *static_cast<HttpClient::Exchange*>(user);
    curl_socket_t socket = CURL_SOCKET_BAD;
    exchange.guarded([&] {
      socket = exchange.open_socket(address);
      return true;
    });
    return socket;
  }

  void finish_ended();
  void finish_stalled();
  void resume_paused();
  std::unique_ptr<HttpClient::Exchange> take(Id id);

  HttpOptions options;
  MultiHandle multi{curl_multi_init(), &curl_multi_cleanup};
  std::map<Id, std::unique_ptr<HttpClient::Exchange>> exchanges;
  Id last_id = 0;
};

void HttpClient::Exchange::prepare() {
  const std::optional<Url> url = parse_url(request.url);
  if (!url || !easy)
    throw Error(ErrorCode::invalid_argument, fmt::format("'{}' is no http address", request.url));
  const std::string proxy = proxy_for(*url, options.environment);
  is_proxied = !proxy.empty();
  const std::optional<AddressKind> literal = literal_address_kind(url->host);
  if (is_proxied && literal && request.may_connect && !request.may_connect(*literal))
    throw Error(ErrorCode::forbidden, fmt::format("{} must not be reached from there", url->host));
  for (const auto& [name, value] : request.headers)
    headers.reset(curl_slist_append(headers.release(), fmt::format("{}: {}", name, value).c_str()));
  CURL* handle = easy.get();
  set(handle, CURLOPT_URL, url->text.c_str());
  set(handle, CURLOPT_PRIVATE, this);
  set(handle, CURLOPT_ERRORBUFFER, problem);
  set(handle, CURLOPT_NOSIGNAL, 1L);
  set(handle, CURLOPT_PROXY, proxy.c_str());
  set(handle, CURLOPT_NOPROXY, "");
  set(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(handle, CURLOPT_USERAGENT, options.user_agent.c_str());
  set(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  set(handle, CURLOPT_BUFFERSIZE, receive_buffer_bytes);
  set(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  if (!options.ca_file.empty()) set(handle, CURLOPT_CAINFO, options.ca_file.c_str());
  set(handle, CURLOPT_OPENSOCKETFUNCTION, &State::on_open_socket);
  set(handle, CURLOPT_OPENSOCKETDATA, this);
  set(handle, CURLOPT_HEADERFUNCTION, &State::on_header);
  set(handle, CURLOPT_HEADERDATA, this);
  set(handle, CURLOPT_WRITEFUNCTION, &State::on_receive);
  set(handle, CURLOPT_WRITEDATA, this);
  if (request.body) prepare_body();
  if (request.method == "HEAD") set(handle, CURLOPT_NOBODY, 1L);
  set(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  set(handle, CURLOPT_HTTPHEADER, headers.get());
}

void HttpClient::Exchange::prepare_body() {
  CURL* handle = easy.get();
  set(handle, CURLOPT_UPLOAD, 1L);
  set(handle, CURLOPT_UPLOAD_BUFFERSIZE, send_buffer_bytes);
  set(handle, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body->size_bytes));
  set(handle, CURLOPT_READFUNCTION, &State::on_send);
  set(handle, CURLOPT_READDATA, this);
  set(handle, CURLOPT_SEEKFUNCTION, &State::on_seek);
  set(handle, CURLOPT_SEEKDATA, this);
}

std::unique_ptr<HttpClient::Exchange> HttpClient::State::take(Id id) {
  const auto found = exchanges.find(id);
  if (found == exchanges.end()) return nullptr;
  std::unique_ptr<HttpClient::Exchange> exchange = std::move(found->second);
  exchanges.erase(found);
  curl_multi_remove_handle(multi.get(), exchange->easy.get());
  return exchange;
}

void HttpClient::State::finish_ended() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    HttpClient::Exchange* ended = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &ended);
    const std::unique_ptr<HttpClient::Exchange> exchange = take(ended->id);
    if (exchange->failure) std::rethrow_exception(exchange->failure);
    exchange->handler.on_end(exchange->outcome(code));
  }
}

void HttpClient::State::finish_stalled() {
  const TimePoint now = system_clock().now();
  std::vector<std::pair<Id, HttpOutcome>> stalled;
  for (const auto& [id, exchange] : exchanges)
    if (auto outcome = exchange->stall(now)) stalled.emplace_back(id, std::move(*outcome));
  for (const auto& [id, outcome] : stalled)
    if (const auto exchange = take(id)) exchange->handler.on_end(outcome);
}

void HttpClient::State::resume_paused() {
  for (const auto& [id, exchange] : exchanges) {
    if (!exchange->is_paused || options.rate_limit->wait().count() > 0) continue;
    exchange->is_paused = false;
    curl_easy_pause(exchange->easy.get(), CURLPAUSE_CONT);
  }
}

HttpClient::HttpClient(HttpOptions options) : state_(std::make_unique<State>(std::move(options))) {}

HttpClient::~HttpClient() {
  while (!state_->exchanges.empty()) state_->take(state_->exchanges.begin()->first);
}

HttpClient::Id HttpClient::start(HttpRequest request, HttpHandler& handler) {
  const Id id = ++state_->last_id;
  auto exchange = std::make_unique<Exchange>(id, std::move(request), handler, state_->options);
  exchange->prepare();
  HEARTH_CHECK(curl_multi_add_handle(state_->multi.get(), exchange->easy.get()) == CURLM_OK);
  state_->exchanges.emplace(id, std::move(exchange));
  return id;
}

void HttpClient::stop(Id id) {
  state_->take(id);
}

size_t HttpClient::active_count() const {
  return state_->exchanges.size();
}

void HttpClient::run_once(milliseconds wait_max) {
  if (state_->options.rate_limit != nullptr) {
    const auto debt = std::chrono::ceil<milliseconds>(state_->options.rate_limit->wait());
    if (debt.count() > 0) wait_max = std::min(wait_max, debt);
  }
  curl_multi_poll(state_->multi.get(), nullptr, 0, static_cast<int>(wait_max.count()), nullptr);
  state_->resume_paused();
  int running = 0;
  curl_multi_perform(state_->multi.get(), &running);
  state_->finish_ended();
  state_->finish_stalled();
}

void HttpClient::wake() {
  curl_multi_wakeup(state_->multi.get());
}

namespace {

// Collects one answer.
struct Collector : HttpHandler {
  explicit Collector(size_t the_bytes_max) : bytes_max(the_bytes_max) {}

  bool on_head(const HttpHead& head) override {
    answer.status = head.status;
    answer.headers = head.headers;
    return true;
  }

  bool on_body(std::span<const std::byte> bytes) override {
    if (answer.body.size() + bytes.size() > bytes_max) {
      throw Error(ErrorCode::corrupt_data,
                  fmt::format("an answer of more than the {} bytes allowed here", bytes_max));
    }
    for (const std::byte byte : bytes) answer.body.push_back(static_cast<char>(byte));
    return true;
  }

  void on_end(const HttpOutcome& the_outcome) override { outcome = the_outcome; }

  const size_t bytes_max;
  HttpAnswer answer;
  std::optional<HttpOutcome> outcome;
};

}  // namespace

HttpAnswer HttpClient::fetch(HttpRequest request, size_t body_bytes_max,
                             const std::function<void()>& check) {
  constexpr milliseconds check_interval{60};
  Collector collector(body_bytes_max);
  const std::optional<Url> url = parse_url(request.url);
  const Id id = start(std::move(request), collector);
  // A throw ends the request before the collector goes.
  struct Stop {
    ~Stop() { client.stop(id); }
    HttpClient& client;
    Id id;
  } const stop{*this, id};
  while (!collector.outcome) {
    check();
    run_once(check_interval);
  }
  const HttpOutcome& outcome = *collector.outcome;
  if (outcome.end == HttpEnd::complete) return std::move(collector.answer);
  const bool is_final = outcome.end == HttpEnd::refused || outcome.end == HttpEnd::untrusted;
  throw Error(is_final ? ErrorCode::forbidden : ErrorCode::unavailable,
              fmt::format("{}: {}", url->authority(), outcome.reason));
}

}  // namespace hearth
