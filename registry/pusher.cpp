// See pusher.h.
#include "registry/pusher.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "registry/remote/blob_upload.h"
#include "registry/remote/remote_repository.h"

namespace hearth::registry {
namespace {

// "namespace/model" of a layer's parent, where it is on the same registry.
std::string mount_source(const Layer& layer, const ModelName& name) {
  const std::optional<ModelName> parent = ModelName::try_parse(layer.from);
  if (layer.from.empty() || !parent || parent->host != name.host) return "";
  return fmt::format("{}/{}", parent->namespace_, parent->model);
}

}  // namespace

struct Pusher::State {
  State(ModelStore& the_store, TransferSettings the_settings)
      : store(the_store),
        settings(std::move(the_settings)),
        rate_limit(settings.bytes_per_second) {}

  void push_blob(RemoteRepository& repository, RemoteSession& session, const Layer& layer,
                 const std::string& mount_from, const TransferWatcher& watcher);

  ModelStore& store;
  const TransferSettings settings;
  RateLimit rate_limit;
};

void Pusher::State::push_blob(RemoteRepository& repository, RemoteSession& session,
                              const Layer& layer, const std::string& mount_from,
                              const TransferWatcher& watcher) {
  TransferEvent event{"pushing " + layer.digest.abbreviated(), layer.digest.text(),
                      layer.size_bytes, 0};
  const StopCheck check = [&] { watcher(event); };
  watcher(event);
  if (!repository.has_blob(layer.digest, check)) {
    upload_blob(store.blobs(), session, repository, layer, mount_from, [&](uint64_t completed) {
      event.completed_bytes = std::max(event.completed_bytes, completed);
      watcher(event);
    });
  }
  event.completed_bytes = layer.size_bytes;
  watcher(event);
}

Pusher::Pusher(ModelStore& store, TransferSettings settings)
    : state_(std::make_unique<State>(store, std::move(settings))) {}

Pusher::~Pusher() = default;

void Pusher::push(const ModelName& name, const PushOptions& options,
                  const TransferWatcher& watcher) {
  require_online(state_->settings, name);
  watcher({"retrieving manifest", "", 0, 0});
  const std::optional<ModelName> found = state_->store.resolve(name);
  const std::optional<StoredManifest> stored =
      found ? state_->store.read(*found) : std::optional<StoredManifest>();
  if (!stored) {
    watcher({"couldn't retrieve manifest", "", 0, 0});
    throw Error(ErrorCode::not_found, fmt::format("model '{}' not found", name.display()));
  }
  RateLimit limit(options.bytes_per_second, &state_->rate_limit);
  RemoteSession session(state_->settings, registry_address(name, options.is_insecure),
                        options.credentials, &limit);
  RemoteRepository repository(session, stored->name);
  std::vector<Layer> layers = stored->manifest.layers;
  if (stored->manifest.config) layers.push_back(*stored->manifest.config);
  for (const Layer& layer : layers)
    state_->push_blob(repository, session, layer, mount_source(layer, stored->name), watcher);
  const TransferEvent last{"pushing manifest", "", 0, 0};
  watcher(last);
  repository.put_manifest(stored->bytes, [&] { watcher(last); });
  watcher({"success", "", 0, 0});
}

}  // namespace hearth::registry
