#include "daemon/server/worker_pool.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

namespace hearth::daemon {

struct WorkerPool::State {
  State(boost::asio::any_io_executor executor, int count)
      : io(std::move(executor)), pool(static_cast<size_t>(count)) {}
  boost::asio::any_io_executor io;
  boost::asio::thread_pool pool;
};

WorkerPool::WorkerPool(boost::asio::any_io_executor io, int thread_count)
    : state_(std::make_unique<State>(std::move(io), thread_count)) {}

WorkerPool::~WorkerPool() {
  join();
}

void WorkerPool::join() {
  state_->pool.join();
}

void WorkerPool::start(std::function<void()> job) {
  boost::asio::post(state_->pool, std::move(job));
}

Task<void> WorkerPool::run(std::function<void()> job) {
  const auto start_job = [this, &job](auto handler) {
    boost::asio::post(state_->pool, [this, &job, handler = std::move(handler)]() mutable {
      std::exception_ptr failure;
      try {
        job();
      } catch (...) {  // carried to the coroutine that waits
        failure = std::current_exception();
      }
      boost::asio::post(state_->io,
                        [handler = std::move(handler), failure]() mutable { handler(failure); });
    });
  };
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&,
                                       void(std::exception_ptr)>(start_job,
                                                                 boost::asio::use_awaitable);
}

}  // namespace hearth::daemon
