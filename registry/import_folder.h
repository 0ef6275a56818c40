// Models that lie somewhere on this computer, as their folders and names tell: a folder of GGUF
// files, the cache of Hugging Face's programs, the tree of LM Studio, the store of Ollama. Finds
// them, gives them readable names, puts parts and projectors together. Reads folders and names;
// what a file is, the caller says.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/model_store.h"

namespace hearth::registry {

enum class WeightsKind { model, projector, adapter };
// Of one file, all its parts in order. Throws Error for a file that cannot be used: it is left out
// with that reason.
using KindReader = std::function<WeightsKind(const std::vector<std::filesystem::path>& parts)>;

// Files that make up one model. Real paths, no links.
struct FoundModel {
  ModelName name;
  std::vector<std::filesystem::path> weights;  // parts in order
  std::optional<std::filesystem::path> projector;
};

struct LeftOut {
  std::filesystem::path file;
  std::string reason;
};

struct FoundModels {
  std::string_view layout;  // "file", "folder", "Hugging Face cache", "Ollama store"
  std::vector<FoundModel> models;
  std::optional<std::filesystem::path> store;  // of Ollama: its manifests say what there is
  std::vector<LeftOut> left_out;
};

// `place` is a file or a folder, absolute. Throws Error{not_found | forbidden | invalid_argument}
// for a place that cannot be read, has no models, or has absurdly much in it.
FoundModels find_models(const std::filesystem::path& place, const KindReader& kind_of);

enum class Imported {
  added,
  unchanged,  // it was there, just so
};

// Registers a model of another program's store where it lies: its manifest byte for byte, links to
// its large blobs, copies of the small ones. Throws Error{corrupt_data} for blobs that are missing
// or wrong, {already_exists} where another model of ours has the name.
Imported import_manifest(ModelStore& store, const StoredManifest& manifest);

// Throws Error{already_exists} when a model of ours has this name and is not made of links to
// these files (or to files that are gone).
void check_name_is_free(const ModelStore& store, const ModelName& name,
                        const std::vector<std::filesystem::path>& files);

}  // namespace hearth::registry
