// Makes a model in the store: from uploaded GGUF files or from another model.
#pragma once

#include <functional>

#include "api/types.h"

namespace hearth::registry {
class ModelStore;
}

namespace hearth::daemon {

// Called between steps; may throw to stop, and then nothing was made.
using CreateProgress = std::function<void(const api::ProgressEvent&)>;

// Reads headers and writes small blobs and the manifest: for the worker pool. Throws
// Error{invalid_argument}: bad names, unknown blobs, files that are no GGUF; Error{not_found} for a
// `from` that is not there; Error{unsupported}.
void create_model(registry::ModelStore& store, const api::CreateRequest& request,
                  const CreateProgress& progress);

}  // namespace hearth::daemon
