// Brings a model from the store to a registry: blobs it does not have, then the manifest, byte for
// byte. What it does on the wire is docs/pull.md.
#pragma once

#include <memory>

#include "registry/model_store.h"
#include "registry/transfer_settings.h"

namespace hearth::registry {

struct PushOptions {
  bool is_insecure = false;              // plain http
  RegistryCredentials credentials = {};  // before those of the settings
  uint64_t bytes_per_second = 0;         // of this push, within the limit of the settings; 0: none
};

// Any thread; any number of pushes at once. Must not outlive the store.
class Pusher {
 public:
  Pusher(ModelStore& store, TransferSettings settings);
  ~Pusher();

  // Throws Error{not_found} for a model that is not there, {invalid_argument} (http without
  // is_insecure), {unauthorized}, {forbidden}, {unavailable}, and whatever `watcher` throws.
  void push(const ModelName& name, const PushOptions& options, const TransferWatcher& watcher);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::registry
