// See puller.h.
#include "registry/puller.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/log.h"
#include "registry/remote/partial_file.h"
#include "registry/remote/remote_repository.h"
#include "registry/remote/token.h"
#include "registry/remote/transfer_hub.h"

namespace hearth::registry {
namespace {

constexpr size_t layers_max = 1024;

std::vector<Layer> blobs_of(const Manifest& manifest) {
  std::vector<Layer> layers = manifest.layers;
  if (manifest.config) layers.push_back(*manifest.config);
  return layers;
}

std::string megabytes(uint64_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

// Checked before anything is asked for or stored.
Manifest checked_manifest(const std::string& bytes, const ModelName& name) {
  const std::string what = fmt::format("manifest of '{}'", name.display());
  Manifest manifest = parse_manifest(bytes, what);
  if (manifest.layers.empty()) throw Error(ErrorCode::corrupt_data, what + " has no layers");
  if (manifest.layers.size() > layers_max) {
    throw Error(ErrorCode::corrupt_data, fmt::format("{}: {} layers, at most {} allowed", what,
                                                     manifest.layers.size(), layers_max));
  }
  std::map<BlobDigest, uint64_t> sizes;
  for (const Layer& layer : blobs_of(manifest)) {
    if (layer.media_type == "application/vnd.ollama.image.tensor") {
      throw Error(ErrorCode::unsupported,
                  fmt::format("'{}' has its weights as safetensors, which hearth cannot run: pull "
                              "a GGUF variant",
                              name.display()));
    }
    const auto [known, is_new] = sizes.emplace(layer.digest, layer.size_bytes);
    if (!is_new && known->second != layer.size_bytes) {
      throw Error(ErrorCode::corrupt_data,
                  fmt::format("{}: two sizes for {}", what, layer.digest.text()));
    }
  }
  return manifest;
}

}  // namespace

struct Puller::State {
  // Brings one blob into the store.
  using Fetch = std::function<void(const Layer&, const BlobProgress&)>;

  State(ModelStore& the_store, TransferSettings the_settings)
      : store(the_store),
        settings(std::move(the_settings)),
        rate_limit(settings.bytes_per_second),
        journal(store.root() / "state.db"),
        hub(store.blobs(), journal) {}

  // What one pull goes through after its manifest is there.
  void store_model(const ModelName& name, const std::string& manifest_bytes, const Fetch& fetch,
                   const TransferWatcher& watcher);
  // One blob, unless it is there.
  void pull_layer(const Layer& layer, const Fetch& fetch, const TransferWatcher& watcher);
  void require_space(const std::vector<Layer>& layers) const;
  uint64_t partial_bytes(const BlobDigest& digest) const;
  bool has_other_blobs(const ModelName& name, const std::vector<Layer>& layers) const;
  void pull_at(const Url& place, const ModelName& name, const PullOptions& options,
               const TransferWatcher& watcher);
  void fetch_from(const PullSource& source, const Layer& layer, const BlobProgress& progress);
  // Runs `job` for the mirrors of `name` and then its registry until it succeeds with one.
  using Job = std::function<void(const Url& place, const PullOptions& options)>;
  void try_places(const ModelName& name, const PullOptions& options, const Job& job) const;
  std::vector<Url> mirrors_of(const ModelName& name) const;

  ModelStore& store;
  const TransferSettings settings;
  RateLimit rate_limit;
  DownloadJournal journal;
  TransferHub hub;
};

// Space that an unfinished download has taken already.
uint64_t Puller::State::partial_bytes(const BlobDigest& digest) const {
  constexpr uint64_t block_bytes = 512;
  struct stat status {};
  const auto path = partial_path(store.blobs().folder(), digest);
  return ::stat(path.c_str(), &status) == 0 ? static_cast<uint64_t>(status.st_blocks) * block_bytes
                                            : 0;
}

void Puller::State::require_space(const std::vector<Layer>& layers) const {
  uint64_t missing = 0;
  std::set<BlobDigest> seen;
  for (const Layer& layer : layers) {
    if (!seen.insert(layer.digest).second || store.blobs().has(layer.digest)) continue;
    missing += layer.size_bytes - std::min(layer.size_bytes, partial_bytes(layer.digest));
  }
  struct statvfs space {};
  if (missing == 0 || ::statvfs(store.root().c_str(), &space) != 0) return;
  const uint64_t needed = missing + missing / 20;
  const uint64_t free_bytes = uint64_t{space.f_bavail} * space.f_frsize;
  if (free_bytes >= needed) return;
  throw Error(ErrorCode::out_of_memory,
              fmt::format("not enough disk space in {}: {} needed, {} free: make room, then pull "
                          "again",
                          store.root().string(), megabytes(needed), megabytes(free_bytes)));
}

// Whether the model that is there under this name has blobs that the new one has not.
bool Puller::State::has_other_blobs(const ModelName& name, const std::vector<Layer>& layers) const {
  std::optional<StoredManifest> old;
  try {
    old = store.read(name);
  } catch (const Error&) {  // damaged: replaced as a whole, its blobs are nobody's
    return false;
  }
  if (!old) return false;
  std::set<BlobDigest> wanted;
  for (const Layer& layer : layers) wanted.insert(layer.digest);
  const std::vector<Layer> had = blobs_of(old->manifest);
  return std::any_of(had.begin(), had.end(),
                     [&](const Layer& layer) { return !wanted.contains(layer.digest); });
}

void Puller::State::pull_layer(const Layer& layer, const Fetch& fetch,
                               const TransferWatcher& watcher) {
  TransferEvent event{"pulling " + layer.digest.abbreviated(), layer.digest.text(),
                      layer.size_bytes, 0};
  if (store.blobs().size(layer.digest) != layer.size_bytes) {
    fetch(layer, [&](uint64_t completed) {
      event.completed_bytes = std::max(event.completed_bytes, completed);
      watcher(event);
    });
  }
  event.completed_bytes = layer.size_bytes;
  watcher(event);
}

void Puller::State::store_model(const ModelName& name, const std::string& manifest_bytes,
                                const Fetch& fetch, const TransferWatcher& watcher) {
  const Manifest manifest = checked_manifest(manifest_bytes, name);
  const std::vector<Layer> layers = blobs_of(manifest);
  require_space(layers);
  std::vector<BlobPin> pins;  // of all, so that nobody removes what is there while the rest comes
  for (const Layer& layer : layers) pins.push_back(store.blobs().pin(layer.digest));
  for (const Layer& layer : layers) {
    // What lies in another program's store becomes ours: that program may delete it.
    if (store.blobs().size(layer.digest) == layer.size_bytes)
      pins.push_back(store.blobs().adopt(layer.digest).pin);
    pull_layer(layer, fetch, watcher);
  }
  watcher({"verifying sha256 digest", "", 0, 0});
  watcher({"writing manifest", "", 0, 0});
  const ModelName target = store.resolve(name).value_or(name);
  const bool replaces = has_other_blobs(target, layers);
  store.write(target, manifest_bytes);
  if (replaces) watcher({"removing unused layers", "", 0, 0});
  watcher({"success", "", 0, 0});
}

Puller::Puller(ModelStore& store, TransferSettings settings)
    : state_(std::make_unique<State>(store, std::move(settings))) {}

Puller::~Puller() = default;

const TransferSettings& Puller::settings() const {
  return state_->settings;
}

// One place that may have the model: a mirror, or the registry itself.
void Puller::State::pull_at(const Url& place, const ModelName& name, const PullOptions& options,
                            const TransferWatcher& watcher) {
  RemoteSession session(settings, place, options.credentials, &rate_limit);
  RemoteRepository repository(session, name);
  const TransferEvent asking{"pulling manifest", "", 0, 0};
  std::string bytes;
  try {
    bytes = repository.manifest([&] { watcher(asking); });
  } catch (const Error& error) {  // adds what was tried
    if (error.code() == ErrorCode::cancelled) throw;
    throw Error(error.code(), fmt::format("pull model manifest: {}", error.what()));
  }
  const auto fetch = [&](const Layer& layer, const BlobProgress& progress) {
    const BlobOrder order{layer.digest, layer.size_bytes, repository.blob_url(layer.digest),
                          options.bytes_per_second};
    hub.fetch(session.twin(), order, progress);
  };
  store_model(name, bytes, fetch, watcher);
}

void Puller::State::fetch_from(const PullSource& source, const Layer& layer,
                               const BlobProgress& progress) {
  const auto place = source.places.find(layer.digest);
  const std::optional<Url> url =
      place == source.places.end() ? std::nullopt : parse_url(place->second.url);
  if (!url) {
    throw Error(ErrorCode::not_found, fmt::format("no address for blob {}", layer.digest.text()));
  }
  RegistryCredentials credentials;
  credentials.bearer = place->second.bearer;
  auto session = std::make_unique<RemoteSession>(settings, *url, credentials, &rate_limit);
  hub.fetch(std::move(session), {layer.digest, layer.size_bytes, *url, source.bytes_per_second},
            progress);
}

// Those of the settings, in their order. What they have is checked by digest like everything else;
// the manifest is believed, as it is from the registry itself.
std::vector<Url> Puller::State::mirrors_of(const ModelName& name) const {
  std::vector<Url> places;
  const auto found = settings.mirrors.find(name.host);
  if (found == settings.mirrors.end()) return places;
  for (const std::string& text : found->second)
    if (const auto url = parse_url(text)) places.push_back(*url);
  return places;
}

void Puller::State::try_places(const ModelName& name, const PullOptions& options,
                               const Job& job) const {
  require_online(settings, name);
  const Url registry = registry_address(name, options.is_insecure);
  PullOptions theirs;
  theirs.bytes_per_second = options.bytes_per_second;
  for (const Url& mirror : mirrors_of(name)) {
    try {
      return job(mirror, theirs);
    } catch (const Error& error) {  // the next one, unless no other can help
      if (error.code() == ErrorCode::cancelled || error.code() == ErrorCode::out_of_memory) throw;
      log::warn(fmt::format("mirror {}: {}", mirror.authority(), error.what()));
    }
  }
  PullOptions ours = options;
  if (ours.credentials.is_empty() && is_hugging_face(registry))
    ours.credentials.bearer = settings.hugging_face_token;
  job(registry, ours);
}

void Puller::pull(const ModelName& name, const PullOptions& options,
                  const TransferWatcher& watcher) {
  state_->try_places(name, options, [&](const Url& place, const PullOptions& there) {
    watcher({"pulling manifest", "", 0, 0});
    state_->pull_at(place, name, there, watcher);
  });
}

void Puller::pull_from(const ModelName& name, const PullSource& source,
                       const TransferWatcher& watcher) {
  require_online(state_->settings, name);
  const auto fetch = [&](const Layer& layer, const BlobProgress& progress) {
    state_->fetch_from(source, layer, progress);
  };
  state_->store_model(name, source.manifest_bytes, fetch, watcher);
}

void Puller::pull_blob(const ModelName& name, const Layer& blob, const PullOptions& options,
                       const TransferWatcher& watcher) {
  state_->try_places(name, options, [&](const Url& place, const PullOptions& there) {
    RemoteSession session(state_->settings, place, there.credentials, &state_->rate_limit);
    const RemoteRepository repository(session, name);
    const BlobOrder order{blob.digest, blob.size_bytes, repository.blob_url(blob.digest),
                          there.bytes_per_second};
    const auto fetch = [&](const Layer&, const BlobProgress& progress) {
      state_->hub.fetch(session.twin(), order, progress);
    };
    state_->require_space({blob});
    state_->pull_layer(blob, fetch, watcher);
  });
}

void Puller::pull_blob_from(const Layer& blob, const PullSource& source,
                            const TransferWatcher& watcher) {
  const auto fetch = [&](const Layer& layer, const BlobProgress& progress) {
    state_->fetch_from(source, layer, progress);
  };
  state_->require_space({blob});
  state_->pull_layer(blob, fetch, watcher);
}

}  // namespace hearth::registry
