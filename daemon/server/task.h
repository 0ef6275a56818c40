// The coroutine type of the server, and the one include that makes it compile.
#pragma once

#include <utility>  // Boost 1.74's awaitable needs std::exchange and does not include it

#include <boost/asio/awaitable.hpp>

namespace hearth::daemon {

// Runs on the daemon's io thread, whatever it waits for.
template <typename T = void>
using Task = boost::asio::awaitable<T>;

}  // namespace hearth::daemon
