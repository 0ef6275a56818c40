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

// A model this small rambles when it draws.
constexpr std::string_view parameters = R"({"temperature":0})";

registry::BlobDigest digest_of_file() {
  return registry::BlobDigest::from_hex(sha256_hex(starter_file()));
}

// What this store was given last: the digest of the file and that of the manifest. Survives the
// model's removal.
struct Note {
  std::string file;
  std::string manifest;
};

fs::path note_path(const registry::ModelStore& store) {
  return store.root() / "starter-offered";
}

Note read_note(const registry::ModelStore& store) {
  std::error_code problem;
  if (!fs::exists(note_path(store), problem)) return {};
  const std::string text = read_file(note_path(store));
  const size_t line = text.find('\n');
  if (line == std::string::npos) return {text, ""};
  return {text.substr(0, line), text.substr(line + 1)};
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
  draft.add_text(media_type::params, parameters);
  describe_weights(draft.config, read_blob_info(store.blobs(), {digest}, starter_name));
  draft.write(name);
  write_file_atomically(note_path(store),
                        fmt::format("{}\n{}", digest.text(), store.read(name)->digest_hex));
}

void offer_starter(registry::ModelStore& store) {
  try {
    const Note note = read_note(store);
    if (note.file == digest_of_file().text()) return;
    const auto stored = store.read(registry::ModelName::parse(starter_name));
    const bool is_first = note.file.empty() && !stored;
    const bool is_older = stored && stored->digest_hex == note.manifest;
    if (is_first || is_older) restore_starter(store, [](const api::ProgressEvent&) {});
  } catch (const Error& error) {
    log::warn(
        fmt::format("the model that comes with hearth is not there: {}; `hearth pull {}` "
                    "tries again",
                    error.what(), starter_name));
  }
}

}  // namespace hearth::daemon
