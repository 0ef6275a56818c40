// See import_folder.h.
#include "registry/import_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "registry/file_names.h"
#include "registry/store_entries.h"

namespace hearth::registry {
namespace {

namespace fs = std::filesystem;

constexpr int depth_max = 6;
constexpr size_t entries_max = 100'000;
constexpr uint64_t copied_bytes_max = 65536;  // smaller blobs are texts: nobody shares their place

// A file, or all parts of a split one.
struct Weights {
  std::vector<fs::path> parts;  // as found: names of links say more than those of their targets
  FileLabel label;
  WeightsKind kind = WeightsKind::model;

  fs::path folder() const { return parts.front().parent_path(); }
};

// "Model 7B" and "model-7b" are the same.
std::string folded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c >= 'A' && c <= 'Z') result += static_cast<char>(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) result += c;
  }
  return result == "model" || result == "ggmlmodel" ? "" : result;
}

std::vector<fs::path> gguf_files_below(const fs::path& root) {
  std::vector<fs::path> files;
  size_t count = 0;
  std::error_code error;
  fs::recursive_directory_iterator entry(root, fs::directory_options::skip_permission_denied,
                                         error);
  if (error) {
    throw Error(ErrorCode::forbidden,
                fmt::format("cannot read {}: {}", root.string(), error.message()));
  }
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (++count > entries_max) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("{} has more than {} files and folders in it: name the folder of the "
                              "models",
                              root.string(), entries_max));
    }
    std::error_code status_error;
    if (entry.depth() >= depth_max) entry.disable_recursion_pending();
    if (is_gguf(entry->path().filename().string()) && entry->is_regular_file(status_error))
      files.push_back(entry->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Parts of one model together; those that are not complete are left out.
std::vector<Weights> put_together(const std::vector<fs::path>& files,
                                  std::vector<LeftOut>& left_out) {
  std::map<fs::path, std::map<int, fs::path>> split;
  std::vector<Weights> all;
  for (const fs::path& file : files) {
    const std::string name = file.filename().string();
    if (const auto part = part_name(name)) {
      split[file.parent_path() / part->whole][part->number] = file;
    } else {
      all.push_back({{file}, file_label(name), {}});
    }
  }
  for (const auto& [whole, parts] : split) {
    const PartName last = *part_name(parts.rbegin()->second.filename().string());
    Weights weights{{}, file_label(parts.begin()->second.filename().string()), {}};
    for (const auto& entry : parts) weights.parts.push_back(entry.second);
    int missing = 1;
    while (parts.contains(missing)) ++missing;
    if (missing <= last.count) {
      left_out.push_back(
          {weights.parts.front(), fmt::format("part {} of {} is missing", missing, last.count)});
    } else {
      all.push_back(std::move(weights));
    }
  }
  return all;
}

std::vector<Weights> read_kinds(std::vector<Weights> found, const KindReader& kind_of,
                                std::vector<LeftOut>& left_out) {
  std::vector<Weights> usable;
  for (Weights& weights : found) {
    try {
      weights.kind = kind_of(weights.parts);
    } catch (const Error& error) {  // one bad file must not hide the others
      left_out.push_back({weights.parts.front(), error.what()});
      continue;
    }
    if (weights.kind == WeightsKind::adapter) {
      left_out.push_back({weights.parts.front(),
                          "is an adapter: a Modelfile names it beside its model (ADAPTER)"});
    } else {
      usable.push_back(std::move(weights));
    }
  }
  return usable;
}

// The better precision for a small file that is used for every picture.
int projector_rank(const Weights& projector) {
  constexpr std::array<std::string_view, 6> order = {"f16", "fp16", "bf16", "f32", "q8_0", ""};
  const std::string label = folded(projector.label.quantization);
  for (size_t i = 0; i < order.size(); ++i) {
    if (folded(order[i]) == label) return static_cast<int>(i);
  }
  return static_cast<int>(order.size());
}

// How well the name of a projector fits that of a model beside it; 0: not at all.
size_t fit(const Weights& model, const Weights& projector, bool is_only_model) {
  const std::string name = folded(model.label.base), other = folded(projector.label.base);
  if (name == other) return 1'000'000;
  if (!other.empty() && (name.starts_with(other) || other.starts_with(name)))
    return 1000 + std::min(name.size(), other.size());
  return is_only_model ? 1 : 0;
}

// One projector for each model, from the same folder.
std::optional<fs::path> projector_for(const Weights& model, const std::vector<Weights>& all,
                                      std::set<fs::path>& used) {
  std::set<std::string> bases;
  for (const Weights& other : all) {
    if (other.kind == WeightsKind::model && other.folder() == model.folder())
      bases.insert(folded(other.label.base));
  }
  const Weights* best = nullptr;
  size_t best_fit = 0;
  for (const Weights& projector : all) {
    if (projector.kind != WeightsKind::projector || projector.folder() != model.folder()) continue;
    const size_t how_well = fit(model, projector, bases.size() == 1);
    if (how_well == 0) continue;
    used.insert(projector.parts.front());
    const bool is_better =
        best == nullptr || how_well > best_fit ||
        (how_well == best_fit && projector_rank(projector) < projector_rank(*best));
    if (!is_better) continue;
    best = &projector;
    best_fit = how_well;
  }
  if (best == nullptr) return std::nullopt;
  return fs::canonical(best->parts.front());
}

using Namer = std::function<ModelName(const Weights&)>;

void add_found(const std::vector<Weights>& all, const Namer& name_of, FoundModels& found) {
  std::set<fs::path> used;
  for (const Weights& weights : all) {
    if (weights.kind != WeightsKind::model) continue;
    FoundModel model{name_of(weights), {}, projector_for(weights, all, used)};
    for (const fs::path& part : weights.parts) model.weights.push_back(fs::canonical(part));
    const auto is_same = [&](const FoundModel& other) { return other.name == model.name; };
    const auto taken = std::find_if(found.models.begin(), found.models.end(), is_same);
    if (taken == found.models.end()) {
      found.models.push_back(std::move(model));
    } else if (taken->weights != model.weights) {
      found.left_out.push_back(
          {weights.parts.front(),
           fmt::format("would be '{}' too, as {}: import it by itself, with "
                       "a name",
                       model.name.display(), taken->weights.front().string())});
    }
  }
  for (const Weights& weights : all) {
    if (weights.kind == WeightsKind::projector && !used.contains(weights.parts.front())) {
      found.left_out.push_back(
          {weights.parts.front(), "is a projector, and no model beside it has its name"});
    }
  }
}

ModelName plain_name(const Weights& weights) {
  ModelName name;
  name.model = name_part(weights.label.base);
  if (!weights.label.quantization.empty()) name.tag = name_part(weights.label.quantization);
  return name;
}

// A tree of <publisher>/<repository>/<file>, as LM Studio keeps it, gives both their names.
ModelName name_below(const fs::path& root, const Weights& weights) {
  std::vector<std::string> folders;
  for (const auto& part : weights.folder().lexically_relative(root))
    folders.push_back(part.string());
  ModelName name = plain_name(weights);
  if (folders.size() < 2) return name;
  name.namespace_ = namespace_part(folders[folders.size() - 2]);
  name.model = name_part(folders.back());
  if (weights.label.quantization.empty()) name.tag = name_part(weights.label.base);
  return name;
}

// The folder of one repository in the cache: "models--<organisation>--<name>".
struct CachedRepository {
  fs::path folder;
  std::string organisation, name;
};

std::optional<CachedRepository> cached_repository(const fs::path& folder) {
  constexpr std::string_view prefix = "models--";
  const std::string text = folder.filename().string();
  if (!text.starts_with(prefix)) return std::nullopt;
  const std::string rest = text.substr(prefix.size());
  const size_t at = rest.find("--");
  if (at == std::string::npos) return CachedRepository{folder, "library", rest};
  return CachedRepository{folder, rest.substr(0, at), rest.substr(at + 2)};
}

// Of all revisions the one that `main` was when it was last fetched, else the newest.
std::optional<fs::path> current_snapshot(const CachedRepository& repository) {
  std::error_code error;
  const fs::path snapshots = repository.folder / "snapshots";
  const fs::path main = repository.folder / "refs/main";
  if (fs::is_regular_file(main, error)) {
    std::string revision = read_file(main, 4096);
    revision.erase(revision.find_last_not_of(" \n") + 1);
    const bool is_plain = revision.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (is_plain && fs::is_directory(snapshots / revision, error)) return snapshots / revision;
  }
  std::vector<fs::path> folders = entries_of(snapshots);
  const auto age = [](const fs::path& path) {
    return age_of(path).value_or(std::chrono::hours(0));
  };
  std::sort(folders.begin(), folders.end(),
            [&](const fs::path& a, const fs::path& b) { return age(a) < age(b); });
  if (folders.empty()) return std::nullopt;
  return folders.front();
}

// The repository's own name, as a pull would give it.
ModelName cached_name(const CachedRepository& repository, const Weights& weights) {
  ModelName name;
  name.host = "hf.co";
  name.namespace_ = namespace_part(repository.organisation);
  name.model = name_part(repository.name);
  const FileLabel& label = weights.label;
  name.tag = name_part(label.quantization.empty() ? label.base : label.quantization);
  return name;
}

// The repositories that `place` is, is in, or holds.
std::vector<CachedRepository> repositories_of(const fs::path& place) {
  for (fs::path folder = place; folder.has_relative_path(); folder = folder.parent_path()) {
    if (const auto repository = cached_repository(folder)) return {*repository};
  }
  for (const fs::path& folder : {place, place / "hub"}) {
    std::vector<CachedRepository> repositories;
    std::vector<fs::path> entries = entries_of(folder);
    std::sort(entries.begin(), entries.end());
    for (const fs::path& entry : entries) {
      if (auto repository = cached_repository(entry))
        repositories.push_back(std::move(*repository));
    }
    if (!repositories.empty()) return repositories;
  }
  return {};
}

void find_in_cache(const std::vector<CachedRepository>& repositories, const fs::path& place,
                   const KindReader& kind_of, FoundModels& found) {
  found.layout = "Hugging Face cache";
  for (const CachedRepository& repository : repositories) {
    const bool is_inside = place != repository.folder && repositories.size() == 1 &&
                           place.string().starts_with((repository.folder / "").string());
    const auto snapshot = is_inside ? std::optional(place) : current_snapshot(repository);
    if (!snapshot) continue;
    const auto all = read_kinds(put_together(gguf_files_below(*snapshot), found.left_out), kind_of,
                                found.left_out);
    add_found(
        all, [&](const Weights& weights) { return cached_name(repository, weights); }, found);
  }
}

// The file, its other parts, and a projector beside it.
void find_file(const fs::path& file, const KindReader& kind_of, FoundModels& found) {
  found.layout = "file";
  const std::string name = file.filename().string();
  if (!is_gguf(name)) {
    throw Error(
        ErrorCode::unsupported,
        fmt::format("{}: only GGUF files can be used; convert the model first", file.string()));
  }
  const auto whole = part_name(name);
  std::vector<fs::path> files;
  for (const fs::path& entry : entries_of(file.parent_path())) {
    const std::string other = entry.filename().string();
    const auto part = part_name(other);
    const bool is_part = whole && part && part->whole == whole->whole;
    if (entry == file || is_part || (is_gguf(other) && names_projector(other)))
      files.push_back(entry);
  }
  std::sort(files.begin(), files.end());
  const auto all = read_kinds(put_together(files, found.left_out), kind_of, found.left_out);
  const auto repositories = repositories_of(file.parent_path());
  const bool is_cached =
      repositories.size() == 1 && file.string().starts_with((repositories[0].folder / "").string());
  add_found(
      all,
      [&](const Weights& weights) {
        return is_cached ? cached_name(repositories[0], weights) : plain_name(weights);
      },
      found);
  // Of other projectors in the folder nobody asked.
  std::erase_if(found.left_out, [&](const LeftOut& left) {
    return left.file != file && names_projector(left.file.filename().string());
  });
}

std::optional<fs::path> store_at(const fs::path& place) {
  std::error_code error;
  for (const fs::path& root : {place, place / "models"}) {
    if (fs::is_directory(root / "manifests", error) && fs::is_directory(root / "blobs", error))
      return root;
  }
  return std::nullopt;
}

[[noreturn]] void refuse_empty(const fs::path& place, const FoundModels& found) {
  if (found.left_out.empty()) {
    throw Error(ErrorCode::not_found, fmt::format("there is no .gguf file in {}", place.string()));
  }
  const LeftOut& first = found.left_out.front();
  throw Error(ErrorCode::invalid_argument,
              fmt::format("there is no model in {}: {} {}", place.string(), first.file.string(),
                          first.reason));
}

}  // namespace

FoundModels find_models(const fs::path& as_given, const KindReader& kind_of) {
  fs::path place = as_given.lexically_normal();
  if (!place.has_filename()) place = place.parent_path();  // "folder/"
  std::error_code error;
  const fs::file_status status = fs::status(place, error);
  if (!fs::exists(status)) {
    throw Error(
        ErrorCode::not_found,
        fmt::format("{}: {}", place.string(), error ? error.message() : "no such file or folder"));
  }
  FoundModels found;
  if (!fs::is_directory(status)) {
    find_file(place, kind_of, found);
  } else if ((found.store = store_at(place))) {
    found.layout = "Ollama store";
    return found;
  } else if (const auto repositories = repositories_of(place); !repositories.empty()) {
    find_in_cache(repositories, place, kind_of, found);
  } else {
    found.layout = "folder";
    const auto all =
        read_kinds(put_together(gguf_files_below(place), found.left_out), kind_of, found.left_out);
    add_found(
        all, [&](const Weights& weights) { return name_below(place, weights); }, found);
  }
  if (found.models.empty()) refuse_empty(place, found);
  return found;
}

void check_name_is_free(const ModelStore& store, const ModelName& name,
                        const std::vector<fs::path>& files) {
  const auto stored = store.read(name);
  if (!stored || !stored->is_ours) return;
  for (const Layer& layer : stored->manifest.layers) {
    if (layer.media_type != media_type::model) continue;
    std::error_code error;
    const fs::path target = fs::read_symlink(store.blobs().path(layer.digest), error);
    const bool is_replaceable =
        !error && (!fs::exists(target, error) ||
                   std::find(files.begin(), files.end(), target) != files.end());
    if (is_replaceable) continue;
    throw Error(
        ErrorCode::already_exists,
        fmt::format("there is a model '{}' already: import the file by itself, with another "
                    "name, or delete that model",
                    stored->name.display()));
  }
}

Imported import_manifest(ModelStore& store, const StoredManifest& manifest) {
  const auto present = store.read(manifest.name);
  if (present && present->is_ours) {
    if (present->digest_hex == manifest.digest_hex) return Imported::unchanged;
    throw Error(ErrorCode::already_exists,
                fmt::format("there is another model '{}' already", present->name.display()));
  }
  std::vector<Layer> layers = manifest.manifest.layers;
  if (manifest.manifest.config) layers.push_back(*manifest.manifest.config);
  std::vector<StoredBlob> blobs;  // stay pinned until the manifest is written
  for (const Layer& layer : layers) {
    std::error_code error;
    const fs::path file = fs::canonical(manifest.root / "blobs" / layer.digest.file_name(), error);
    if (error || fs::file_size(file, error) != layer.size_bytes) {
      throw Error(ErrorCode::corrupt_data,
                  fmt::format("blob {} is missing there or has another size", layer.digest.text()));
    }
    blobs.push_back(layer.size_bytes <= copied_bytes_max
                        ? store.blobs().import_file(file)
                        : store.link_known_file(layer.digest, file));
    if (blobs.back().digest != layer.digest) {
      throw Error(ErrorCode::corrupt_data,
                  fmt::format("blob {} has the content of {} there", layer.digest.text(),
                              blobs.back().digest.text()));
    }
  }
  store.write(manifest.name, manifest.bytes);
  return Imported::added;
}

}  // namespace hearth::registry
