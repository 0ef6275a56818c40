// One TCP connection: reads requests, runs the handler, watches for the client going away. Private
// to the server.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <memory>
#include <optional>

#include "daemon/server/exchange.h"
#include "daemon/server/server.h"

namespace hearth::daemon {

// One request on a connection. Lives for that request.
class Connection;

class HttpExchange : public Exchange {
 public:
  HttpExchange(Connection& connection, Wake wake);

  Task<std::string> read_body() override;
  Task<size_t> read_some(std::span<char> into) override;
  Task<void> send(Reply reply) override;
  Task<void> start_stream(std::string_view content_type) override;
  Task<void> write(std::string bytes) override;
  Task<void> finish() override;
  void throw_if_gone() const override;

  // After the handler: true when the connection can take another request.
  bool is_reusable() const;

 private:
  friend class Connection;
  std::string head(int status, std::string_view content_type, std::optional<size_t> length) const;
  Task<void> send_continue();
  Task<void> read_more(std::chrono::nanoseconds patience);
  bool is_body_too_slow() const;

  Connection& connection_;
  bool expects_continue_ = false;
  bool is_head_request_ = false;
  bool is_chunked_ = false;
  bool is_finished_ = false;
  std::chrono::steady_clock::time_point body_start_ = std::chrono::steady_clock::now();
  uint64_t body_bytes_ = 0;
};

// Shared (ConnectionPointer): the session coroutine and the coroutine that watches the socket both
// use it, and either may end first.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::ip::tcp::socket socket, const ServerLimits& limits,
             const Server::Handler& handler);

  // Serves requests until the connection ends.
  Task<void> run();
  void stop();
  void abort();
  // No request is being answered and the connection is still open.
  bool is_idle() const { return exchange_ == nullptr && !is_gone_; }
  std::chrono::steady_clock::time_point idle_since() const { return idle_since_; }

 private:
  friend class HttpExchange;
  using Parser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

  Task<bool> read_head();
  // Why a head that was understood is refused all the same; empty: it is not.
  std::string_view head_fault() const;
  void fill_request(HttpExchange& exchange) const;
  void start_watch(const Wake& wake);
  Task<void> watch(uint64_t request_number, Wake wake);
  Task<void> write_all(std::string head, std::string body);
  void mark_gone(const Wake& wake);
  Task<void> drain_body();

  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  const ServerLimits& limits_;
  const Server::Handler& handler_;
  HttpExchange* exchange_ = nullptr;  // the running one
  std::chrono::steady_clock::time_point idle_since_ = std::chrono::steady_clock::now();
  uint64_t request_number_ = 0;
  bool is_gone_ = false;
  bool is_stopping_ = false;
  bool is_watching_ = false;
};
// Shared: the session and the coroutine that watches its socket both use it.
using ConnectionPointer = std::shared_ptr<Connection>;

}  // namespace hearth::daemon
