// Makes a model in the store: from uploaded GGUF files or from another model, with smaller weights
// where asked for.
#pragma once

#include "api/create.h"
#include "daemon/model_draft.h"

namespace hearth::daemon {

struct Config;

// Reads headers, writes small blobs and the manifest, and waits for a runner where weights have to
// be written: for the worker pool. Throws Error{invalid_argument}: bad names, unknown blobs, files
// that are no GGUF, what cannot be quantised; Error{not_found} for a `from` that is not there;
// Error{unsupported}; what quantize_in_runner throws.
void create_model(registry::ModelStore& store, const Config& config,
                  const api::CreateRequest& request, const CreateProgress& progress);

}  // namespace hearth::daemon
