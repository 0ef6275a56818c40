#include "daemon/server/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "daemon/server/connection.h"
#include "daemon/server/http_text.h"

namespace hearth::daemon {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct Server::State {
  State(asio::any_io_executor executor, ServerLimits the_limits, Handler the_handler)
      : io(executor), acceptor(executor), limits(the_limits), handler(std::move(the_handler)) {}

  Task<void> run(ConnectionPointer connection) {
    connections.push_back(connection.get());
    try {
      co_await connection->run();
    } catch (const std::exception&
                 failure) {  // the session's catch site: whatever is left closes the connection
      log::debug(fmt::format("connection closed: {}", failure.what()));
    }
    connections.erase(std::find(connections.begin(), connections.end(), connection.get()));
  }

  // True when there is a place for one more connection.
  bool make_place() {
    if (connections.size() < limits.connections_max) return true;
    // In the order in which they came; the longest idle one is mostly an old one.
    Connection* oldest = nullptr;
    for (Connection* connection : connections) {
      if (!connection->is_idle()) continue;
      if (oldest == nullptr || connection->idle_since() < oldest->idle_since()) oldest = connection;
    }
    if (oldest != nullptr) oldest->abort();
    return oldest != nullptr;
  }

  asio::any_io_executor io;
  tcp::acceptor acceptor;
  ServerLimits limits;
  Handler handler;
  std::vector<Connection*> connections;
  bool is_stopping = false;
};

Server::Server(asio::any_io_executor io, ServerLimits limits, Handler handler)
    : state_(std::make_unique<State>(std::move(io), limits, std::move(handler))) {}

Server::~Server() = default;

void Server::listen(const std::string& host, uint16_t port) {
  error_code failure;
  tcp::resolver resolver(state_->io);
  const auto found = resolver.resolve(host, std::to_string(port), tcp::resolver::passive, failure);
  if (failure || found.empty()) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("cannot listen on {}: {}", host, failure.message()));
  }
  const tcp::endpoint endpoint = *found.begin();
  state_->acceptor.open(endpoint.protocol());
  state_->acceptor.set_option(tcp::acceptor::reuse_address(true));
  state_->acceptor.bind(endpoint, failure);
  if (!failure) state_->acceptor.listen(asio::socket_base::max_listen_connections, failure);
  if (!failure) return;
  state_->acceptor.close();
  const bool is_taken = failure == asio::error::address_in_use;
  throw Error(is_taken ? ErrorCode::unavailable : ErrorCode::invalid_argument,
              fmt::format("cannot listen on {}:{}: {}", host, port, failure.message()));
}

uint16_t Server::port() const {
  return state_->acceptor.local_endpoint().port();
}

bool Server::is_loopback() const {
  return state_->acceptor.local_endpoint().address().is_loopback();
}

size_t Server::connection_count() const {
  return state_->connections.size();
}

Task<void> Server::serve() {
  while (!state_->is_stopping) {
    error_code failure;
    tcp::socket socket =
        co_await state_->acceptor.async_accept(asio::redirect_error(asio::use_awaitable, failure));
    if (state_->is_stopping) co_return;
    if (failure) {  // out of descriptors, mostly: give others time to end
      log::warn(fmt::format("cannot accept a connection: {}", failure.message()));
      asio::steady_timer pause(state_->io, std::chrono::milliseconds(100));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, failure));
      continue;
    }
    if (!state_->make_place()) {
      const std::string refusal =
          response_head(503, "text/plain", 0, {{"Connection", "close"}, {"Retry-After", "1"}});
      socket.non_blocking(true, failure);
      socket.write_some(asio::buffer(refusal), failure);
      continue;
    }
    auto connection =
        std::make_shared<Connection>(std::move(socket), state_->limits, state_->handler);
    asio::co_spawn(
        state_->io, [state = state_.get(), connection] { return state->run(connection); },
        asio::detached);
  }
}

void Server::stop() {
  state_->is_stopping = true;
  error_code ignored;
  state_->acceptor.close(ignored);
  for (Connection* connection : state_->connections) connection->stop();
}

void Server::abort() {
  for (Connection* connection : state_->connections) connection->abort();
}

}  // namespace hearth::daemon
