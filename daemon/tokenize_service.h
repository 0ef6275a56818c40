// Text to a model's tokens and back. A loaded model's runner does it; otherwise one that reads the
// vocabulary only, which takes a moment and little memory, and is kept as models are.
#pragma once

#include <string>
#include <vector>

#include "api/embed_types.h"
#include "daemon/model_library.h"
#include "daemon/model_manager.h"
#include "daemon/server/exchange.h"
#include "daemon/server/task.h"

namespace hearth::daemon {

class WorkerPool;

// io thread only. Throw Error{not_found} for the model, Error{invalid_argument} for tokens outside
// its vocabulary, and as ModelManager::acquire.
class TokenizeService {
 public:
  TokenizeService(WorkerPool& workers, ModelLibrary& library, ModelManager& manager)
      : workers_(workers), library_(library), manager_(manager) {}

  Task<std::vector<int32_t>> tokenize(Exchange& exchange, const api::TokenizeRequest& request);
  // A prompt, with what the model expects around it.
  Task<std::vector<int32_t>> tokenize(Exchange& exchange, RunnableModel model,
                                      const std::vector<engine::PromptPart>& prompt,
                                      std::optional<api::Duration> keep_alive);
  // What each token alone prints.
  Task<std::vector<std::string>> pieces(Exchange& exchange, const std::string& name,
                                        const std::vector<int32_t>& tokens);
  Task<std::string> detokenize(Exchange& exchange, const api::DetokenizeRequest& request);

 private:
  Task<RunnableModel> open(const std::string& name);
  Task<ModelLease> acquire(Exchange& exchange, RunnableModel model,
                           std::optional<api::Duration> keep_alive);

  WorkerPool& workers_;
  ModelLibrary& library_;
  ModelManager& manager_;
};

}  // namespace hearth::daemon
