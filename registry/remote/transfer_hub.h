// One transfer per blob, however many pulls need it: the first starts it, all watch it, and when
// the last of them has gone it stops. It goes as fast as the one of them who may have most of it.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "registry/remote/blob_download.h"

namespace hearth::registry {

// Any thread. `blobs` and the settings of the sessions must outlive it.
class TransferHub {
 public:
  explicit TransferHub(BlobStore& blobs, DownloadJournal& journal)
      : blobs_(blobs), journal_(journal) {}
  ~TransferHub();

  // Returns when the blob is in the store. `session` serves the transfer if this call starts it.
  // `progress` is called from this thread, every 60 ms; when it throws, this call leaves. Throws
  // what the transfer threw: for one that somebody else started, its own is tried before.
  void fetch(std::unique_ptr<RemoteSession> session, const BlobOrder& order,
             const BlobProgress& progress);

 private:
  struct Transfer;
  // Shared by the transfer's thread and those who watch it; the last of them lets it go.
  using TransferPtr = std::shared_ptr<Transfer>;
  TransferPtr join(std::unique_ptr<RemoteSession>& session, const BlobOrder& order);
  void leave(const TransferPtr& transfer, uint64_t bytes_per_second);
  void run(Transfer& transfer);
  bool run_limited(Transfer& transfer);

  BlobStore& blobs_;
  DownloadJournal& journal_;
  std::mutex mutex_;
  std::map<BlobDigest, TransferPtr> transfers_;
};

}  // namespace hearth::registry
