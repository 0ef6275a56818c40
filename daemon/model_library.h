// What is known about the models in the store: lists, details, descriptions. Facts of a weights file are read from its
// header once and kept.
#pragma once

#include <string>
#include <vector>

#include "api/types.h"
#include "registry/model_store.h"

namespace hearth::daemon {

// Thread-safe. Functions read files: call them on the worker pool.
class ModelLibrary {
 public:
  explicit ModelLibrary(registry::ModelStore& store) : store_(store) {}

  // Newest first.
  std::vector<api::ModelSummary> list();

 private:
  registry::ModelStore& store_;
};

}  // namespace hearth::daemon
