#include "daemon/starter_model.h"

#include <fmt/format.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "daemon/uploaded_model.h"

namespace hearth::daemon {
namespace {

namespace fs = std::filesystem;
namespace media_type = registry::media_type;

constexpr std::string_view starter_name = "starter";
constexpr std::string_view license =
    "Apache-2.0: https://www.apache.org/licenses/LICENSE-2.0\n"
    "Trained by hearth's own scripts on text written for hearth (packaging/starter).\n";

registry::BlobDigest digest_of_file() {
  return registry::BlobDigest::from_hex(sha256_hex(starter_file()));
}

// Which starter this store was given last; survives the model's removal.
fs::path note_path(const registry::ModelStore& store) {
  return store.root() / "starter-offered";
}

std::string noted(const registry::ModelStore& store) {
  std::error_code problem;
  if (!fs::exists(note_path(store), problem)) return "";
  return read_file(note_path(store));
}

// Whether what has the name is the starter as it was given, and nothing that somebody made.
bool is_untouched(registry::ModelStore& store, const registry::ModelName& name,
                  std::string_view digest) {
  const auto stored = store.read(name);
  if (!stored || stored->manifest.layers.empty()) return false;
  const registry::Layer& weights = stored->manifest.layers.front();
  return stored->manifest.layers.size() == 2 && weights.digest.text() == digest;
}

}  // namespace

bool is_starter(const registry::ModelName& name) {
  return name == registry::ModelName::parse(starter_name);
}

void restore_starter(registry::ModelStore& store, const CreateProgress& progress) {
  const registry::ModelName name = registry::ModelName::parse(starter_name);
  ModelDraft draft(store, progress);
  draft.report("unpacking the model that comes with hearth");
  registry::BlobWriter writer = store.blobs().begin_write();
  writer.append(starter_file());
  registry::StoredBlob blob = writer.commit();
  const registry::BlobDigest digest = blob.digest;
  draft.add_written(media_type::model, std::move(blob));
  draft.add_text(media_type::license, license);
  describe_weights(draft.config, read_blob_info(store.blobs(), {digest}, starter_name));
  draft.write(name);
  write_file_atomically(note_path(store), digest.text());
}

void offer_starter(registry::ModelStore& store) {
  try {
    const std::string before = noted(store);
    const registry::ModelName name = registry::ModelName::parse(starter_name);
    const bool is_first = before.empty() && !store.read(name);
    if (!is_first && (before == digest_of_file().text() || !is_untouched(store, name, before)))
      return;
    restore_starter(store, [](const api::ProgressEvent&) {});
  } catch (const Error& error) {
    log::warn(
        fmt::format("the model that comes with hearth is not there: {}; `hearth pull {}` "
                    "tries again",
                    error.what(), starter_name));
  }
}

}  // namespace hearth::daemon
