// The HTTP/1.1 server: listens, speaks the protocol, keeps connections within limits, and hands
// every request to one function. Knows nothing of routes or models.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "daemon/server/exchange.h"
#include "daemon/server/task.h"

namespace hearth::daemon {

struct ServerLimits {
  // For one more, the connection that has been idle longest is closed; where none is idle it is
  // answered with 503.
  size_t connections_max = 1024;
  size_t header_bytes_max = 64 << 10;
  std::chrono::seconds header_time_max{
      30};  // from the first byte of a request to the end of its head
  std::chrono::seconds idle_time_max{120};  // between requests
  std::chrono::seconds body_time_max{60};   // without any byte of the body
  // A body that comes slower than this on the whole, after body_time_max, is given up.
  uint64_t body_bytes_per_second_min = 1024;
  std::chrono::seconds write_time_max{
      60};  // without the client taking any byte: a slow reader is cut off
  size_t body_bytes_max = size_t{64} << 20;  // of bodies that are read as a whole
  HeartbeatTimes heartbeats;
};

// io thread only.
class Server {
 public:
  // Answers one request; must not let exceptions out. Anything else than a complete answer closes
  // the connection.
  using Handler = std::function<Task<void>(Exchange&)>;

  Server(boost::asio::any_io_executor io, ServerLimits limits, Handler handler);
  ~Server();

  // Binds and listens. Throws Error{unavailable} when the port is taken, Error{invalid_argument}
  // for an address that is none of ours.
  void listen(const std::string& host, uint16_t port);
  uint16_t port() const;
  bool is_loopback() const;  // bound to a loopback address

  // Accepts until stop().
  Task<void> serve();
  // No new connections; idle ones are closed, busy ones see Error{unavailable} at their next wait.
  void stop();
  // Closes what stop() left: every handler sees its client gone.
  void abort();
  size_t connection_count() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::daemon
