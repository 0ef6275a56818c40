// Pull and push as requests ask for them: which of the ways to a registry a name takes, and what
// else has to be done before and after.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "daemon/model_draft.h"
#include "registry/hugging_face.h"
#include "registry/puller.h"
#include "registry/pusher.h"

namespace hearth::daemon {

// Any thread; any number at once. What happens is told to `progress`, which may throw to stop: what
// has arrived stays and the next pull goes on from there.
class TransferService {
 public:
  // `memory_bytes` says what models may take on this machine; 0: unknown.
  TransferService(registry::ModelStore& store, const registry::TransferSettings& settings,
                  std::function<uint64_t()> memory_bytes)
      : store_(store),
        puller_(store, settings),
        pusher_(store, settings),
        hugging_face_(store, puller_, std::move(memory_bytes)) {}

  // Throws what registry::Puller::pull throws.
  void pull(const registry::ModelName& name, const registry::PullOptions& options,
            const CreateProgress& progress);
  // Only this blob of a model, whose manifest stays what it is. Throws what
  // registry::Puller::pull_blob throws.
  void pull_blob(const registry::ModelName& name, const registry::Layer& blob,
                 const registry::PullOptions& options, const CreateProgress& progress);
  // A model that is not there is pulled. `text` is the name as somebody wrote it. Throws also
  // Error{not_found} where nothing may be pulled.
  void pull_if_missing(const std::string& text, const registry::PullOptions& options,
                       const CreateProgress& progress);
  // Files that nobody has read are read first, because a registry knows a blob by its content.
  // Throws what registry::Pusher::push throws.
  void push(const registry::ModelName& name, const registry::PushOptions& options,
            const CreateProgress& progress);

 private:
  registry::ModelStore& store_;
  registry::Puller puller_;
  registry::Pusher pusher_;
  registry::HuggingFace hugging_face_;
};

}  // namespace hearth::daemon
