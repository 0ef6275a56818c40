// Brings a model from a registry into the store: manifest, blobs, and then the name. What it does
// on the wire and on disk is docs/pull.md.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "registry/model_store.h"
#include "registry/transfer_settings.h"

namespace hearth::registry {

struct PullOptions {
  bool is_insecure = false;              // plain http
  RegistryCredentials credentials = {};  // before those of the settings
  // Of this pull, within the limit of the settings; 0: none of its own. Where pulls share a
  // transfer the highest of theirs holds.
  uint64_t bytes_per_second = 0;
};

// A manifest that was not asked from a registry, and where its blobs are. Blobs without an address
// of their own must be in the store already.
struct PullSource {
  std::string manifest_bytes;
  struct Place {
    std::string url;
    std::string bearer;  // sent to the host of `url` only; empty: nothing is sent
  };
  std::map<BlobDigest, Place> places;
  uint64_t bytes_per_second = 0;  // as PullOptions has it
};

// Any thread; any number of pulls at once. A blob that two of them need is fetched once. Must not
// outlive the store.
class Puller {
 public:
  Puller(ModelStore& store, TransferSettings settings);
  ~Puller();

  // Throws Error{invalid_argument} (http without is_insecure), {not_found} ("pull model manifest:
  // file does not exist"), {unauthorized}, {forbidden} (addresses that must not be reached),
  // {corrupt_data} (a manifest or blob that is not what it claims to be), {out_of_memory} (no room
  // on the disk), {unavailable} (offline, or the registry is, after all tries), and whatever
  // `watcher` throws.
  void pull(const ModelName& name, const PullOptions& options, const TransferWatcher& watcher);

  // The same with a manifest made elsewhere (registry/hugging_face.h).
  void pull_from(const ModelName& name, const PullSource& source, const TransferWatcher& watcher);

  // Only this blob, from where the registry of `name` has the blobs of that model; no manifest is
  // asked for or written. Returns when it is in the store. Throws as pull() does, {not_found} where
  // the registry has no such blob there.
  void pull_blob(const ModelName& name, const Layer& blob, const PullOptions& options,
                 const TransferWatcher& watcher);
  void pull_blob_from(const Layer& blob, const PullSource& source, const TransferWatcher& watcher);

  const TransferSettings& settings() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::registry
