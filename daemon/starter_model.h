// The model that comes with hearth (packaging/starter): compiled into the daemon, so that the first
// minute needs no network.
#pragma once

#include <cstddef>
#include <span>

#include "daemon/model_draft.h"

namespace hearth::daemon {

// The GGUF file. Lives as long as the process.
std::span<const std::byte> starter_file();

// Whether the name means it: "starter", and nothing of another registry, namespace or tag.
bool is_starter(const registry::ModelName& name);

// Writes it into the store. Throws as registry::BlobWriter and ModelDraft::write.
void restore_starter(registry::ModelStore& store, const CreateProgress& progress);

// What a start does: a new store gets it, and one that has it from an older hearth gets the newer
// one. Where somebody removed it or made something else of its name it stays that way. Failures are
// logged.
void offer_starter(registry::ModelStore& store);

}  // namespace hearth::daemon
