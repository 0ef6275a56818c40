#include "daemon/server/connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/read.hpp>
#include <limits>
#include <random>

#include "base/error.h"
#include "daemon/server/http_text.h"

namespace hearth::daemon {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

auto into(error_code& failure) {
  return asio::redirect_error(asio::use_awaitable, failure);
}

// A complete answer to something that is no request.
std::string refusal(int status, const std::string& reason) {
  HeaderList headers;
  headers.emplace_back("Connection", "close");
  return response_head(status, "text/plain; charset=utf-8", reason.size(), headers) + reason;
}

int64_t seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start)
      .count();
}

bool is_plain_id(std::string_view id) {
  const auto is_plain = [](char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
           (letter >= 'A' && letter <= 'Z') || letter == '-' || letter == '_' || letter == '.';
  };
  return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), is_plain);
}

// Unlike those of other requests and of other daemons whose logs come together.
std::string new_request_id() {
  static const uint32_t daemon_number = std::random_device()();
  static uint64_t count = 0;
  return fmt::format("{:08x}-{:08x}", daemon_number, ++count);
}

// What is still read of a refused body, so that its client sees the answer instead of a reset
// connection. One that sends more, or slower, is cut off.
constexpr uint64_t drain_bytes_max = 64 << 20;
constexpr auto drain_time_max = std::chrono::seconds(5);

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, const ServerLimits& limits,
                       const Server::Handler& handler)
    : stream_(std::move(socket)), limits_(limits), handler_(handler) {}

void Connection::mark_gone(const Wake& wake) {
  is_gone_ = true;
  wake.notify();
}

void Connection::stop() {
  is_stopping_ = true;
  if (exchange_ != nullptr) {
    exchange_->wake().notify();
  } else {
    stream_.cancel();
  }
}

void Connection::abort() {
  is_gone_ = true;
  stream_.close();
  if (exchange_ != nullptr) exchange_->wake().notify();
}

Task<bool> Connection::read_head() {
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(limits_.header_bytes_max));
  parser_->body_limit(std::numeric_limits<uint64_t>::max());  // handlers count themselves
  error_code failure;
  if (buffer_.size() == 0) {
    stream_.expires_after(limits_.idle_time_max);
    const size_t size = co_await stream_.async_read_some(buffer_.prepare(4096), into(failure));
    if (failure) co_return false;
    buffer_.commit(size);
  }
  stream_.expires_after(limits_.header_time_max);
  co_await http::async_read_header(stream_, buffer_, *parser_, into(failure));
  if (!failure) {
    const std::string_view fault = head_fault();
    if (fault.empty()) co_return true;
    co_await write_all(refusal(400, std::string(fault)), std::string());
    co_return false;
  }
  if (failure.category() == http::make_error_code(http::error::bad_method).category() &&
      failure != http::error::end_of_stream && failure != http::error::partial_message) {
    co_await write_all(refusal(failure == http::error::header_limit ? 431 : 400, failure.message()),
                       std::string());
  }
  co_return false;
}

// What lets two servers read one request differently, or leaves open whom it is meant for.
std::string_view Connection::head_fault() const {
  const auto& message = parser_->get();
  const size_t hosts = message.count(http::field::host);
  if (hosts > 1) return "expected one Host header, found several";
  if (hosts == 0 && message.version() == 11) return "expected a Host header, found none";
  if (message.count(http::field::transfer_encoding) > 0) {
    if (!parser_->chunked()) return "expected the transfer encoding chunked, found another";
    if (message.count(http::field::content_length) > 0)
      return "expected Content-Length or chunks, found both";
  }
  return {};
}

void Connection::fill_request(HttpExchange& exchange) const {
  const auto& message = parser_->get();
  const auto text = [&message](http::field field) { return std::string(message[field]); };
  Request& request = exchange.request();
  request.method = std::string(message.method_string());
  split_target(std::string(message.target()), request.path, request.query);
  request.host = text(http::field::host);
  request.origin = text(http::field::origin);
  request.authorization = text(http::field::authorization);
  request.api_key = std::string(message["x-api-key"]);
  request.anthropic_version = std::string(message["anthropic-version"]);
  request.user_agent = text(http::field::user_agent);
  request.content_encoding = text(http::field::content_encoding);
  request.id = std::string(message["x-request-id"]);
  if (!is_plain_id(request.id)) request.id = new_request_id();
  request.arrived = std::chrono::steady_clock::now();
  exchange.expects_continue_ = boost::beast::iequals(message[http::field::expect], "100-continue");
  exchange.is_head_request_ = message.method() == http::verb::head;
}

Task<void> Connection::run() {
  const auto self = shared_from_this();
  error_code ignored;
  stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  while (!is_stopping_ && !is_gone_) {
    if (!co_await read_head()) break;
    ++request_number_;
    HttpExchange exchange(*this, Wake(stream_.get_executor()));
    fill_request(exchange);
    exchange_ = &exchange;
    if (parser_->is_done()) start_watch(exchange.wake());
    co_await handler_(exchange);
    co_await drain_body();
    exchange_ = nullptr;
    idle_since_ = std::chrono::steady_clock::now();
    stream_.socket().cancel(ignored);  // ends the watch
    if (!exchange.is_reusable()) break;
  }
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  stream_.close();
}

// An answer given before the body was read leaves it in the socket.
Task<void> Connection::drain_body() {
  // A client that was never asked for it may send none; one that was too slow has had its time.
  if (exchange_->expects_continue_ || exchange_->is_body_too_slow()) co_return;
  std::array<char, 16384> scrap;
  const auto end = std::chrono::steady_clock::now() + drain_time_max;
  uint64_t drained = 0;
  while (!parser_->is_done() && !is_gone_ && drained < drain_bytes_max) {
    auto& body = parser_->get().body();
    body.data = scrap.data();
    body.size = scrap.size();
    co_await exchange_->read_more(end - std::chrono::steady_clock::now());
    drained += scrap.size() - body.size;
  }
}

void Connection::start_watch(const Wake& wake) {
  if (is_watching_ || is_gone_) return;
  is_watching_ = true;
  asio::co_spawn(
      stream_.get_executor(),
      [self = shared_from_this(), wake] { return self->watch(self->request_number_, wake); },
      asio::detached);
}

// Waits until the socket has something to read. Nothing but the end of the connection means that
// the client has gone; bytes are its next request, and then only a failing write can tell.
Task<void> Connection::watch(uint64_t request_number, Wake wake) {
  error_code failure;
  co_await stream_.socket().async_wait(asio::ip::tcp::socket::wait_read, into(failure));
  is_watching_ = false;
  if (request_number != request_number_ || exchange_ == nullptr ||
      failure == asio::error::operation_aborted)
    co_return;
  char byte = 0;
  const ssize_t size =
      failure ? 0 : ::recv(stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) mark_gone(wake);
}

Task<void> Connection::write_all(std::string head, std::string body) {
  std::array<asio::const_buffer, 2> parts{asio::buffer(head), asio::buffer(body)};
  error_code failure;
  while (!failure && parts[0].size() + parts[1].size() > 0) {
    stream_.expires_after(limits_.write_time_max);
    size_t sent = co_await stream_.async_write_some(parts, into(failure));
    for (asio::const_buffer& part : parts) {
      const size_t size = std::min(sent, part.size());
      part += size;
      sent -= size;
    }
  }
  stream_.expires_never();
  if (!failure) co_return;
  is_gone_ = true;
  throw Error(ErrorCode::cancelled, fmt::format("the client went away: {}", failure.message()));
}

HttpExchange::HttpExchange(Connection& connection, Wake wake)
    : Exchange(std::move(wake), connection.limits_.heartbeats), connection_(connection) {}

void HttpExchange::throw_if_gone() const {
  if (connection_.is_gone_) throw Error(ErrorCode::cancelled, "the client went away");
  if (connection_.is_stopping_) throw Error(ErrorCode::unavailable, "hearthd is shutting down");
}

Task<void> HttpExchange::send_continue() {
  if (!expects_continue_) co_return;
  expects_continue_ = false;
  co_await connection_.write_all("HTTP/1.1 100 Continue\r\n\r\n", std::string());
}

bool HttpExchange::is_body_too_slow() const {
  const auto& limits = connection_.limits_;
  const auto late = std::chrono::steady_clock::now() - body_start_ -
                    std::chrono::nanoseconds(limits.body_time_max);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(late).count();
  return seconds > 0 &&
         body_bytes_ < static_cast<uint64_t>(seconds) * limits.body_bytes_per_second_min;
}

// Waits for at least one byte from the client, which need not be one of the body.
Task<void> HttpExchange::read_more(std::chrono::nanoseconds patience) {
  Connection::Parser& parser = *connection_.parser_;
  error_code failure;
  connection_.stream_.expires_after(patience);
  const size_t before = parser.get().body().size;
  co_await http::async_read_some(connection_.stream_, connection_.buffer_, parser, into(failure));
  connection_.stream_.expires_never();
  body_bytes_ += before - parser.get().body().size;
  if (failure == http::error::need_buffer) failure = {};
  if (!failure && is_body_too_slow()) {
    throw StatusError(408, fmt::format("request body: {} bytes came in {} s, which is too slow",
                                       body_bytes_, seconds_since(body_start_)));
  }
  if (!failure) co_return;
  connection_.is_gone_ = true;
  const bool is_malformed =
      failure.category() == http::make_error_code(http::error::bad_chunk).category() &&
      failure != http::error::end_of_stream && failure != http::error::partial_message;
  if (is_malformed) throw StatusError(400, fmt::format("request body: {}", failure.message()));
  throw Error(ErrorCode::cancelled, fmt::format("the client went away: {}", failure.message()));
}

Task<size_t> HttpExchange::read_some(std::span<char> into_bytes) {
  Connection::Parser& parser = *connection_.parser_;
  if (parser.is_done()) co_return 0;
  co_await send_continue();
  parser.eager(true);
  if (body_bytes_ == 0) body_start_ = std::chrono::steady_clock::now();
  auto& body = parser.get().body();
  body.data = into_bytes.data();
  body.size = into_bytes.size();
  while (body.size > 0 && !parser.is_done()) {
    co_await read_more(connection_.limits_.body_time_max);
  }
  if (parser.is_done()) connection_.start_watch(wake());
  co_return into_bytes.size() - body.size;
}

Task<std::string> HttpExchange::read_body() {
  const size_t size_max_bytes = connection_.limits_.body_bytes_max;
  const auto announced = connection_.parser_->content_length();
  std::string body;
  if (announced && *announced <= size_max_bytes) body.reserve(*announced);
  std::array<char, 32768> piece;
  bool is_too_long = announced && *announced > size_max_bytes;
  while (!is_too_long) {
    const size_t size = co_await read_some(piece);
    if (size == 0) break;
    is_too_long = body.size() + size > size_max_bytes;
    body.append(piece.data(), size);
  }
  if (is_too_long) {
    throw StatusError(413, fmt::format("request body: larger than {} bytes", size_max_bytes));
  }
  co_return body;
}

bool HttpExchange::is_reusable() const {
  return is_finished_ && !connection_.is_gone_ && !connection_.is_stopping_ &&
         connection_.parser_->is_done() && connection_.parser_->keep_alive() &&
         connection_.parser_->get().version() == 11;
}

std::string HttpExchange::head(int status, std::string_view content_type,
                               std::optional<size_t> length) const {
  HeaderList headers = headers_;
  const bool keeps =
      connection_.parser_->keep_alive() && connection_.parser_->get().version() == 11;
  const bool reads_rest =
      !expects_continue_ &&
      connection_.parser_->content_length_remaining().value_or(0) <= drain_bytes_max;
  if (!keeps || !reads_rest || connection_.is_stopping_)
    headers.emplace_back("Connection", "close");
  if (is_chunked_) headers.emplace_back("Transfer-Encoding", "chunked");
  return response_head(status, content_type, length, headers);
}

Task<void> HttpExchange::send(Reply reply) {
  if (has_started()) {  // by a heartbeat
    if (!is_head_request_) co_await write(std::move(reply.body));
    co_await finish();
    co_return;
  }
  log_.status = reply.status;
  const std::optional<size_t> length =
      reply.status == 204 ? std::optional<size_t>() : reply.body.size();
  std::string start = head(reply.status, reply.content_type, length);
  if (is_head_request_) reply.body.clear();
  log_.bytes_sent += reply.body.size();
  co_await connection_.write_all(std::move(start), std::move(reply.body));
  is_finished_ = true;
}

// A client of HTTP/1.0 does not know chunks: there the end of the connection is the end of the
// answer.
Task<void> HttpExchange::start_stream(std::string_view content_type) {
  if (has_started()) co_return;
  last_sent_ = std::chrono::steady_clock::now();
  log_.status = 200;
  is_chunked_ = connection_.parser_->get().version() == 11;
  co_await connection_.write_all(head(200, content_type, std::nullopt), std::string());
}

Task<void> HttpExchange::write(std::string bytes) {
  throw_if_gone();
  if (bytes.empty()) co_return;
  log_.bytes_sent += bytes.size();
  last_sent_ = std::chrono::steady_clock::now();
  if (!is_chunked_) co_return co_await connection_.write_all(std::move(bytes), std::string());
  std::string start = fmt::format("{:x}\r\n", bytes.size());
  bytes += "\r\n";
  co_await connection_.write_all(std::move(start), std::move(bytes));
}

Task<void> HttpExchange::finish() {
  if (is_chunked_) co_await connection_.write_all("0\r\n\r\n", std::string());
  is_finished_ = is_chunked_;
}

}  // namespace hearth::daemon
