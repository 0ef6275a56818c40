#include "daemon/handlers/progress_stream.h"

#include <atomic>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>

#include "api/native.h"
#include "base/error.h"
#include "daemon/handlers/handlers.h"
#include "daemon/server/worker_pool.h"

namespace hearth::daemon::handlers {
namespace {

// Between the job's thread and the coroutine.
struct Progress {
  explicit Progress(Wake the_wake) : wake(std::move(the_wake)) {}

  void report(const api::ProgressEvent& event) {
    if (is_abandoned) throw Error(ErrorCode::cancelled, "the client went away");
    {
      const std::lock_guard lock(mutex);
      if (event == last) return;  // said again only to hear whether somebody still listens
      last = event;
      events.push_back(event);
    }
    wake.notify();
  }

  void end(std::exception_ptr the_failure) {
    {
      const std::lock_guard lock(mutex);
      failure = std::move(the_failure);
      is_done = true;
    }
    wake.notify();
  }

  // Nothing: the job is done.
  std::optional<api::ProgressEvent> take(bool& must_wait) {
    const std::lock_guard lock(mutex);
    must_wait = events.empty() && !is_done;
    if (!events.empty()) {
      api::ProgressEvent event = std::move(events.front());
      events.pop_front();
      return event;
    }
    if (is_done && failure) std::rethrow_exception(failure);
    return std::nullopt;
  }

  Wake wake;
  std::mutex mutex;
  std::deque<api::ProgressEvent> events;
  api::ProgressEvent last;
  std::exception_ptr failure;
  bool is_done = false;
  std::atomic<bool> is_abandoned{false};
};

// Tells the job when the coroutine ends before it.
struct Abandon {
  explicit Abandon(Progress& the_progress) : progress(the_progress) {}
  ~Abandon() { progress.is_abandoned = true; }
  Progress& progress;
};

void run_job(Progress& progress, const std::function<void(const ProgressSink&)>& job) {
  try {
    job([&progress](const api::ProgressEvent& event) { progress.report(event); });
    progress.end(nullptr);
  } catch (...) {  // the background job's catch site: thrown again where the client is answered
    progress.end(std::current_exception());
  }
}

Task<std::optional<api::ProgressEvent>> next(Progress& progress, Exchange& exchange) {
  while (true) {
    bool must_wait = false;
    std::optional<api::ProgressEvent> event = progress.take(must_wait);
    if (!must_wait) co_return event;
    exchange.throw_if_gone();
    co_await exchange.wait();
  }
}

}  // namespace

Task<void> stream_progress(Services& services, Exchange& exchange, bool is_stream,
                           std::function<void(const ProgressSink&)> job) {
  // Shared: the job may still run when the client and this coroutine are gone.
  const auto progress = std::make_shared<Progress>(exchange.wake());
  const Abandon abandon(*progress);
  exchange.set_heartbeat(is_stream ? Heartbeat::lines : Heartbeat::json);
  services.long_workers.start([progress, job = std::move(job)] { run_job(*progress, job); });
  api::ProgressEvent last;
  while (std::optional<api::ProgressEvent> event = co_await next(*progress, exchange)) {
    last = *event;
    if (!is_stream) continue;
    if (!exchange.has_started()) co_await exchange.start_stream(ndjson);
    std::string line = api::write_native_progress(*event) + "\n";
    co_await exchange.write(std::move(line));
  }
  if (is_stream) {
    co_await exchange.finish();
  } else {
    co_await send_json(exchange, api::write_native_progress(last));
  }
}

}  // namespace hearth::daemon::handlers
