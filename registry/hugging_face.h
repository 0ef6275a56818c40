// Models of Hugging Face by name: hf.co/user/repository:Q4_K_M. The hub answers as a registry does
// where it can; for what it refuses there (models in parts) and for names without a variant the
// list of the repository's files is read (hub_files.h).
#pragma once

#include <cstdint>
#include <functional>

#include "registry/puller.h"

namespace hearth::registry {

// hf.co and huggingface.co.
bool is_hugging_face(const ModelName& name);

// Any thread; any number of pulls at once. Must not outlive the store and the puller, whose
// settings say where the hub is (HF_ENDPOINT) and who we are to it (HF_TOKEN).
class HuggingFace {
 public:
  // `memory_bytes` says what models may take on this machine; 0: unknown.
  HuggingFace(ModelStore& store, Puller& puller, std::function<uint64_t()> memory_bytes);

  // For names for which is_hugging_face holds. One event more than Puller::pull has, for people:
  // which variant was taken and why. Throws as Puller::pull does, and Error{out_of_memory} when no
  // variant was named and none fits this machine, {not_found} with the variants there are.
  void pull(const ModelName& name, const PullOptions& options, const TransferWatcher& watcher);

  // As Puller::pull_blob.
  void pull_blob(const ModelName& name, const Layer& blob, const PullOptions& options,
                 const TransferWatcher& watcher);

 private:
  ModelStore& store_;
  Puller& puller_;
  std::function<uint64_t()> memory_bytes_;
};

}  // namespace hearth::registry
