// What the store is looked after with: unused files, damaged blobs.
#pragma once

#include <functional>

#include "api/store.h"
#include "daemon/model_draft.h"
#include "registry/model_store.h"

namespace hearth::daemon {

// One event for each file that goes (or would), and for each that is kept though nobody uses it.
// Throws what registry::collect_garbage throws.
void collect_garbage(registry::ModelStore& store, const api::GcRequest& request,
                     const CreateProgress& progress);

// Brings a model from its registry, over what is there.
using PullAgain =
    std::function<void(const registry::ModelName& name, const CreateProgress& progress)>;

// One event for each blob that is wrong. With `repairs` those are set aside and their models pulled
// again; what cannot be had again comes back. Throws what registry::verify throws.
void verify_store(registry::ModelStore& store, const api::VerifyRequest& request,
                  const PullAgain& pull, const CreateProgress& progress);

}  // namespace hearth::daemon
