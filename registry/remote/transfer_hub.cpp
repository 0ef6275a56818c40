// See transfer_hub.h.
#include "registry/remote/transfer_hub.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <thread>

#include "base/check.h"
#include "base/error.h"

namespace hearth::registry {
namespace {

constexpr std::chrono::milliseconds watch_interval{60};

}  // namespace

struct TransferHub::Transfer {
  Transfer(std::unique_ptr<RemoteSession> the_session, BlobOrder the_order)
      : session(std::move(the_session)), order(std::move(the_order)) {}

  const std::unique_ptr<RemoteSession> session;
  const BlobOrder order;
  std::atomic<uint64_t> completed_bytes{0};
  std::atomic<bool> is_stopping{false};
  std::mutex mutex;
  std::condition_variable ended;
  bool is_ended = false;
  std::exception_ptr failure;
  int watchers = 0;  // under the hub's mutex
  std::thread thread;
};

TransferHub::~TransferHub() {
  HEARTH_CHECK(transfers_.empty());  // every fetch has returned
}

void TransferHub::run(Transfer& transfer) {
  std::exception_ptr failure;
  try {
    download_blob(blobs_, journal_, *transfer.session, transfer.order, [&](uint64_t completed) {
      transfer.completed_bytes = std::max(completed, transfer.completed_bytes.load());
      if (transfer.is_stopping) throw Error(ErrorCode::cancelled, "nobody waits for it any more");
    });
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
  ++transfer->watchers;
  return transfer;
}

// The last one waits for the thread, with the lock held: whoever comes next finds either a transfer
// that goes on or none.
void TransferHub::leave(const TransferPtr& transfer) {
  const std::lock_guard lock(mutex_);
  if (--transfer->watchers > 0) return;
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
      ~Leave() { hub.leave(transfer); }
      TransferHub& hub;
      const TransferPtr& transfer;
    } const leaving{*this, transfer};
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
