// Details and descriptions of a stored model, as /api/tags and /api/show tell them. No state.
#pragma once

#include <vector>

#include "api/types.h"
#include "engine/model_info.h"
#include "registry/model_store.h"

namespace hearth::daemon {

// What the manifest and its config blob say. Throws Error{corrupt_data} for a damaged config.
api::ModelDetails stored_details(const registry::BlobStore& blobs,
                                 const registry::Manifest& manifest);
// Fills what is still unknown from the header of the weights.
void complete_details(api::ModelDetails& details, const engine::ModelInfo& info);

struct WeightsFacts;

// What its weights and the template chosen for it can do; see model_capabilities.
std::vector<std::string> stored_capabilities(const registry::StoredModel& stored,
                                             const WeightsFacts& facts);

// The params and messages layers. Throw Error{corrupt_data} naming the layer.
modelfile::Parameters stored_parameters(const registry::StoredModel& stored);
std::vector<api::Message> stored_messages(const registry::StoredModel& stored);

// Everything for /api/show, with what the request wants shown instead. Reads the header of the
// weights again for the metadata.
api::ModelDescription describe_model(const registry::BlobStore& blobs, registry::StoredModel stored,
                                     const WeightsFacts& facts, const api::ShowRequest& request);

}  // namespace hearth::daemon
