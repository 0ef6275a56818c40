// See hugging_face.h. What the hub answers is in the specification of its registry routes and of
// /api/models/<repository>/tree; tests/e2e/hf_front.mjs answers like it.
#include "registry/hugging_face.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/url.h"
#include "registry/hub_files.h"
#include "registry/manifest.h"
#include "registry/remote/remote_repository.h"
#include "registry/remote/remote_session.h"

namespace hearth::registry {
namespace {

constexpr size_t answer_bytes_max = size_t{4} << 20;
constexpr size_t small_file_bytes_max = size_t{1} << 20;
constexpr int pages_max = 50;

// Segments of a path as URLs have them.
std::string encode_path(std::string_view path) {
  std::string text;
  for (const char c : encode_query(path)) text += c == '+' ? std::string("%20") : std::string(1, c);
  for (size_t at; (at = text.find("%2F")) != text.npos;) text.replace(at, 3, "/");
  return text;
}

Url endpoint_of(const TransferSettings& settings) {
  if (const auto url = parse_url(settings.hugging_face_endpoint)) return *url;
  throw Error(ErrorCode::invalid_argument,
              fmt::format("HF_ENDPOINT \"{}\" is no http address", settings.hugging_face_endpoint));
}

// Address of the next page in a header Link (RFC 8288): <https://...>; rel="next".
std::optional<std::string> next_page(const HttpHeaders& headers) {
  const std::string* link = find_header(headers, "link");
  if (link == nullptr) return std::nullopt;
  const size_t end = link->find(">; rel=\"next\"");
  if (end == link->npos || end == 0) return std::nullopt;
  const size_t start = link->rfind('<', end);
  if (start == link->npos) return std::nullopt;
  return link->substr(start + 1, end - start - 1);
}

// One repository of the hub during one pull.
class Repository {
 public:
  Repository(const TransferSettings& settings, const ModelName& name,
             const RegistryCredentials& credentials, StopCheck check)
      : session_(settings, endpoint_of(settings), credentials),
        name_(name.namespace_ + "/" + name.model),
        check_(std::move(check)) {}

  // As the registry routes have it for this tag. Absent when they refuse the tag.
  std::optional<std::string> manifest(const std::string& tag) {
    const HttpHeaders accepts = {{"Accept", std::string(media_type::manifest)}};
    RemoteAnswer answer =
        get(fmt::format("/v2/{}/manifests/{}", name_, tag), answer_bytes_max, accepts);
    if (answer.status == 200) return std::move(answer.body);
    if (answer.status != 400 && answer.status != 404) refuse(answer);
    return std::nullopt;
  }

  // All files, over as many pages as it takes. Absent where nobody answers such questions, as some
  // mirrors do.
  std::optional<std::vector<HubFile>> files() {
    std::vector<HubFile> files;
    Url page = session_.at(fmt::format("/api/models/{}/tree/main?recursive=true", name_));
    for (int count = 0; count < pages_max; ++count) {
      const RemoteAnswer answer = get(page, answer_bytes_max, {});
      if (answer.status == 404) return std::nullopt;
      if (answer.status != 200) refuse(answer);
      for (HubFile& file : parse_hub_files(answer.body, name_)) files.push_back(std::move(file));
      const auto next = next_page(answer.headers);
      const auto url = next ? resolve_url(page, *next) : std::nullopt;
      if (!url || url->origin() != page.origin()) return files;
      page = *url;
    }
    throw Error(ErrorCode::corrupt_data, fmt::format("{}: the list of files has no end", name_));
  }

  // A small file; absent when it is not there.
  std::optional<std::string> text(const std::string& path) {
    RemoteAnswer answer = get(file_path(path), small_file_bytes_max, {});
    if (answer.status == 404) return std::nullopt;
    if (answer.status != 200) refuse(answer);
    return std::move(answer.body);
  }

  std::string file_path(const std::string& path) const {
    return fmt::format("/{}/resolve/main/{}", name_, encode_path(path));
  }
  std::string blob_path(const BlobDigest& digest) const {
    return fmt::format("/v2/{}/blobs/{}", name_, digest.text());
  }
  PullSource::Place place(const std::string& path, const std::string& bearer) const {
    return {session_.at(path).text, bearer};
  }

 private:
  RemoteAnswer get(const Url& url, size_t bytes_max, const HttpHeaders& headers) {
    try {
      return session_.request("GET", url, headers, bytes_max, check_);
    } catch (const Error& error) {  // adds what helps
      if (error.code() != ErrorCode::unauthorized) throw;
      throw Error(ErrorCode::unauthorized, unknown() + fmt::format(" ({})", error.what()));
    }
  }
  RemoteAnswer get(const std::string& path, size_t bytes_max, const HttpHeaders& headers) {
    return get(session_.at(path), bytes_max, headers);
  }

  // The hub says 401 for what is not there, too.
  std::string unknown() const {
    return fmt::format(
        "{} is not there, or it is private: then set HF_TOKEN, or add the key of "
        "~/.hearth/id_ed25519.pub to your account",
        name_);
  }
  [[noreturn]] void refuse(const RemoteAnswer& answer) const {
    const std::string said = status_text(answer.status, answer.body);
    if (answer.status == 401) throw Error(ErrorCode::unauthorized, unknown());
    if (answer.status == 403) {
      throw Error(ErrorCode::forbidden,
                  fmt::format("{} wants its terms to be accepted on its page, and HF_TOKEN ({})",
                              name_, said));
    }
    throw_status(answer.status, answer.body, fmt::format("{}: ", name_));
  }

  RemoteSession session_;
  std::string name_;
  StopCheck check_;
};

// What is pulled. The pins hold what was written for it.
struct Order {
  PullSource source;
  std::vector<BlobPin> pins;
};

std::string bearer_of(const TransferSettings& settings, const RegistryCredentials& credentials) {
  return credentials.bearer.empty() ? settings.hugging_face_token : credentials.bearer;
}

// The registry's own manifest. Absent when its weights are not those of `variant`.
std::optional<Order> order_from(const Repository& repository, std::string manifest_bytes,
                                const HubVariant* variant, const std::string& bearer) {
  const Manifest manifest = parse_manifest(manifest_bytes, "manifest");
  Order order{.source = {std::move(manifest_bytes), {}}, .pins = {}};
  bool has_weights = variant == nullptr;
  std::vector<Layer> layers = manifest.layers;
  if (manifest.config) layers.push_back(*manifest.config);
  for (const Layer& layer : layers) {
    has_weights |= variant != nullptr && layer.digest == variant->parts.front().digest;
    order.source.places[layer.digest] =
        repository.place(repository.blob_path(layer.digest), bearer);
  }
  if (!has_weights) return std::nullopt;
  return order;
}

// A manifest made from the files themselves.
Order order_of_files(Repository& repository, ModelStore& store, const HubVariant& variant,
                     const std::vector<HubFile>& files, const std::string& bearer) {
  Order order;
  Manifest manifest;
  const auto add_file = [&](std::string_view kind, const HubFile& file) {
    manifest.layers.push_back({std::string(kind), *file.digest, file.size_bytes, "", ""});
    order.source.places[*file.digest] = repository.place(repository.file_path(file.path), bearer);
  };
  const auto add_text = [&](std::string_view kind, std::string_view content) {
    StoredBlob blob = store.blobs().write(content);
    Layer layer{std::string(kind), blob.digest, blob.size_bytes, "", ""};
    order.pins.push_back(std::move(blob.pin));
    return layer;
  };
  for (const HubFile& part : variant.parts) add_file(media_type::model, part);
  if (const auto projector = hub_projector(files)) add_file(media_type::projector, *projector);
  const std::pair<std::string_view, std::string_view> texts[] = {
      {"template", media_type::template_text},
      {"system", media_type::system},
      {"params", media_type::params}};
  for (const auto& [path, kind] : texts) {
    const bool is_there =
        std::any_of(files.begin(), files.end(),
                    [name = path](const HubFile& file) { return file.path == name; });
    if (!is_there) continue;
    if (const auto content = repository.text(std::string(path)))
      manifest.layers.push_back(add_text(kind, *content));
  }
  ModelConfig config;
  config.model_format = "gguf";
  config.file_type = variant.label;
  manifest.config = add_text(media_type::config, print_model_config(config));
  order.source.manifest_bytes = print_manifest(manifest);
  return order;
}

[[noreturn]] void throw_without_list() {
  throw Error(ErrorCode::not_found, "pull model manifest: file does not exist");
}

// What a tag means: the registry routes know, unless it is a model in parts or a name of ours.
Order tagged_order(Repository& repository, ModelStore& store, const std::string& tag,
                   const std::string& bearer) {
  if (auto manifest = repository.manifest(tag))
    return *order_from(repository, *std::move(manifest), nullptr, bearer);
  const auto files = repository.files();
  if (!files) throw_without_list();
  return order_of_files(repository, store, tagged_variant(hub_variants(*files), tag), *files,
                        bearer);
}

// The variant for this machine; `say` is told which and why.
Order best_order(Repository& repository, ModelStore& store, uint64_t memory_bytes,
                 const std::string& bearer, const std::function<void(std::string)>& say) {
  const auto files = repository.files();
  if (!files) {
    if (auto manifest = repository.manifest(std::string(default_tag)))
      return *order_from(repository, *std::move(manifest), nullptr, bearer);
    throw_without_list();
  }
  const HubChoice choice = best_variant(hub_variants(*files), memory_bytes);
  say("using " + choice.reason);
  if (choice.variant.parts.size() == 1) {
    if (auto manifest = repository.manifest(choice.variant.label)) {
      if (auto order = order_from(repository, *std::move(manifest), &choice.variant, bearer))
        return *std::move(order);
    }
  }
  return order_of_files(repository, store, choice.variant, *files, bearer);
}

}  // namespace

bool is_hugging_face(const ModelName& name) {
  std::string host = name.host;
  for (char& c : host)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return host == "hf.co" || host == "huggingface.co";
}

HuggingFace::HuggingFace(ModelStore& store, Puller& puller, std::function<uint64_t()> memory_bytes)
    : store_(store), puller_(puller), memory_bytes_(std::move(memory_bytes)) {}

void HuggingFace::pull(const ModelName& name, const PullOptions& options,
                       const TransferWatcher& watcher) {
  TransferEvent event{"pulling manifest", "", 0, 0};
  watcher(event);
  const TransferSettings& settings = puller_.settings();
  RegistryCredentials credentials = options.credentials;
  const std::string bearer = bearer_of(settings, credentials);
  if (credentials.is_empty()) credentials.bearer = bearer;
  Repository repository(settings, name, credentials, [&] { watcher(event); });

  const auto say = [&](std::string status) {
    event.status = std::move(status);
    watcher(event);
  };
  Order order = name.tag == default_tag
                    ? best_order(repository, store_, memory_bytes_(), bearer, say)
                    : tagged_order(repository, store_, name.tag, bearer);
  order.source.bytes_per_second = options.bytes_per_second;
  puller_.pull_from(name, order.source, watcher);
}

void HuggingFace::pull_blob(const ModelName& name, const Layer& blob, const PullOptions& options,
                            const TransferWatcher& watcher) {
  const TransferEvent event{"pulling manifest", "", 0, 0};
  const TransferSettings& settings = puller_.settings();
  require_online(settings, name);
  RegistryCredentials credentials = options.credentials;
  const std::string bearer = bearer_of(settings, credentials);
  if (credentials.is_empty()) credentials.bearer = bearer;
  Repository repository(settings, name, credentials, [&] { watcher(event); });

  PullSource source;
  source.bytes_per_second = options.bytes_per_second;
  source.places[blob.digest] = repository.place(repository.blob_path(blob.digest), bearer);
  // The registry routes may not know what only the list of files has.
  for (const HubFile& file : repository.files().value_or(std::vector<HubFile>())) {
    if (file.digest == blob.digest)
      source.places[blob.digest] = repository.place(repository.file_path(file.path), bearer);
  }
  puller_.pull_blob_from(blob, source, watcher);
}

}  // namespace hearth::registry
