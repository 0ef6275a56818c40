// See transfer_hub.h.
#include "registry/remote/transfer_hub.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <optional>
#include <set>
#include <thread>

#include "base/check.h"
#include "base/error.h"

namespace hearth::registry {
namespace {

constexpr std::chrono::milliseconds watch_interval{60};

// What holds for those who share a transfer: the highest of their limits, none where one has none.
uint64_t shared_limit(const std::multiset<uint64_t>& limits) {
  return limits.empty() || *limits.begin() == 0 ? 0 : *limits.rbegin();
}

}  // namespace

struct TransferHub::Transfer {
  Transfer(std::unique_ptr<RemoteSession> the_session, BlobOrder the_order)
      : session(std::move(the_session)),
        order(std::move(the_order)),
        outer_limit(session->rate_limit()),
        bytes_per_second(order.bytes_per_second) {}

  std::optional<RateLimit> limit;  // of the transfer's thread
  const std::unique_ptr<RemoteSession> session;
  const BlobOrder order;
  RateLimit* const outer_limit;
  std::atomic<uint64_t> bytes_per_second;
  std::atomic<uint64_t> completed_bytes{0};
  std::atomic<bool> is_stopping{false};
  std::mutex mutex;
  std::condition_variable ended;
  bool is_ended = false;
  std::exception_ptr failure;
  std::multiset<uint64_t> limits;  // of those who watch, one each; under the hub's mutex
  std::thread thread;
};

TransferHub::~TransferHub() {
  HEARTH_CHECK(transfers_.empty());  // every fetch has returned
}

// False: the limit has changed. The transfer then goes on with new connections, because those of a
// limited one are made for little (base/http_transfer.cpp).
bool TransferHub::run_limited(Transfer& transfer) {
  const uint64_t limit = transfer.bytes_per_second;
  transfer.limit.emplace(limit, transfer.outer_limit);
  transfer.session->limit_by(&*transfer.limit);
  const auto watch = [&](uint64_t completed) {
    transfer.completed_bytes = std::max(completed, transfer.completed_bytes.load());
    if (transfer.is_stopping) throw Error(ErrorCode::cancelled, "nobody waits for it any more");
    if (transfer.bytes_per_second != limit)
      throw Error(ErrorCode::cancelled, "another limit holds now");
  };
  try {
    download_blob(blobs_, journal_, *transfer.session, transfer.order, watch);
    return true;
  } catch (const Error& error) {  // what watch() threw is no failure
    if (error.code() != ErrorCode::cancelled || transfer.is_stopping) throw;
    return false;
  }
}

void TransferHub::run(Transfer& transfer) {
  std::exception_ptr failure;
  try {
    while (!run_limited(transfer)) {
    }
  } catch (...) {  // a background job's catch site: thrown again in those who watch
    failure = std::current_exception();
  }
  {
    const std::lock_guard lock(transfer.mutex);
    transfer.failure = failure;
    transfer.is_ended = true;
  }
  transfer.ended.notify_all();
}

TransferHub::TransferPtr TransferHub::join(std::unique_ptr<RemoteSession>& session,
                                           const BlobOrder& order) {
  const std::lock_guard lock(mutex_);
  TransferPtr& transfer = transfers_[order.digest];
  if (!transfer) {
    // Shared: see TransferPtr.
    transfer = std::make_shared<Transfer>(std::move(session), order);
    transfer->thread = std::thread([this, started = transfer.get()] { run(*started); });
  }
  transfer->limits.insert(order.bytes_per_second);
  transfer->bytes_per_second = shared_limit(transfer->limits);
  return transfer;
}

// The last one waits for the thread, with the lock held: whoever comes next finds either a transfer
// that goes on or none.
void TransferHub::leave(const TransferPtr& transfer, uint64_t bytes_per_second) {
  const std::lock_guard lock(mutex_);
  transfer->limits.erase(transfer->limits.find(bytes_per_second));
  if (!transfer->limits.empty()) {
    transfer->bytes_per_second = shared_limit(transfer->limits);
    return;
  }
  transfer->is_stopping = true;
  transfer->thread.join();
  transfers_.erase(transfer->order.digest);
}

void TransferHub::fetch(std::unique_ptr<RemoteSession> session, const BlobOrder& order,
                        const BlobProgress& progress) {
  while (true) {
    const TransferPtr transfer = join(session, order);
    const bool is_starter = session == nullptr;
    // Also when `progress` throws.
    struct Leave {
      ~Leave() { hub.leave(transfer, bytes_per_second); }
      TransferHub& hub;
      const TransferPtr& transfer;
      uint64_t bytes_per_second;
    } const leaving{*this, transfer, order.bytes_per_second};
    std::unique_lock lock(transfer->mutex);
    while (!transfer->is_ended) {
      transfer->ended.wait_for(lock, watch_interval);
      lock.unlock();
      progress(transfer->completed_bytes);
      lock.lock();
    }
    if (!transfer->failure) return;
    if (is_starter) std::rethrow_exception(transfer->failure);
  }
}

}  // namespace hearth::registry
