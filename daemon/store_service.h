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

// Brings one blob of a model from where its registry is.
using PullBlob = std::function<void(const registry::ModelName& name, const registry::Layer& blob,
                                    const CreateProgress& progress)>;

// One event for each blob that is wrong, and for each that a repair has replaced. With `repairs`
// those that are wrong are set aside and asked for by their digest, wherever one of their models
// is or came from; no manifest changes, and what cannot be had again comes back. Throws what
// registry::verify throws.
void verify_store(registry::ModelStore& store, const api::VerifyRequest& request,
                  const PullBlob& pull, const CreateProgress& progress);

}  // namespace hearth::daemon
