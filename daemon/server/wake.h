// What a coroutine of the io thread sleeps on until something it waits for may have happened: an
// event of a runner, the end of a load, the client going away. Whoever is woken looks itself what
// changed.
#pragma once

#include <chrono>
#include <memory>

#include "daemon/server/task.h"

namespace hearth::daemon {

// A handle: copies share one alarm. One coroutine waits at a time. A notification that comes while
// nobody waits is kept (one is enough: they do not count).
class Wake {
 public:
  explicit Wake(boost::asio::any_io_executor executor);

  // Any thread.
  void notify() const;
  // io thread.
  Task<void> wait() const;
  // Also returns when `time` has come.
  Task<void> wait_until(std::chrono::steady_clock::time_point time) const;

 private:
  struct State;
  // Shared: a notification may still be on its way to the io thread when the waiting coroutine is
  // gone.
  std::shared_ptr<State> state_;
};

}  // namespace hearth::daemon
