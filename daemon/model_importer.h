// Models that lie elsewhere on this computer become models of the store, without a copy of them.
#pragma once

#include "api/store.h"
#include "daemon/model_draft.h"

namespace hearth::daemon {

struct Config;

// Reads folders and headers, never weights. One event for each model and each file that was left
// out. Throws Error{forbidden} on a daemon that listens beyond this computer, {invalid_argument}
// for a path that is not absolute and for a name where there is not exactly one model; what
// registry::find_models throws.
void import_models(registry::ModelStore& store, const Config& config,
                   const api::ImportRequest& request, const CreateProgress& progress);

}  // namespace hearth::daemon
