#include "daemon/server/wake.h"

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace hearth::daemon {

struct Wake::State {
  explicit State(const boost::asio::any_io_executor& executor) : timer(executor) {}
  boost::asio::steady_timer timer;
  bool is_notified = false;            // io thread only
  std::atomic<bool> is_posted{false};  // a notification is on its way to the io thread
};

Wake::Wake(boost::asio::any_io_executor executor) : state_(std::make_shared<State>(executor)) {}

void Wake::notify() const {
  if (state_->is_posted.exchange(true)) return;
  boost::asio::post(state_->timer.get_executor(), [state = state_] {
    state->is_posted = false;
    state->is_notified = true;
    state->timer.cancel();
  });
}

Task<void> Wake::wait() const {
  return wait_until(std::chrono::steady_clock::time_point::max());
}

Task<void> Wake::wait_until(std::chrono::steady_clock::time_point time) const {
  const auto state = state_;  // outlives this handle
  if (!state->is_notified) {
    state->timer.expires_at(time);
    boost::system::error_code ignored;  // cancelled is how a notification arrives
    co_await state->timer.async_wait(
        boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  }
  state->is_notified = false;
}

}  // namespace hearth::daemon
