// The one path from texts to their vectors, and to scores of documents; all dialects use it.
#pragma once

#include "api/embed_types.h"
#include "api/rerank.h"
#include "daemon/model_library.h"
#include "daemon/model_manager.h"
#include "daemon/server/exchange.h"
#include "daemon/server/task.h"

namespace hearth::daemon {

class WorkerPool;

// Inputs of one request at most; more are refused.
inline constexpr size_t embed_inputs_max = 8192;

// io thread only.
class EmbedService {
 public:
  EmbedService(WorkerPool& workers, ModelLibrary& library, ModelManager& manager)
      : workers_(workers), library_(library), manager_(manager) {}

  // Loads the model when needed; all inputs are computed together. One that fails fails the
  // request. A client that goes away cancels what is not computed yet. Throws Error{not_found} for
  // the model, Error{invalid_argument} for inputs that do not fit and for dimensions beyond the
  // model's, and as Exchange::throw_if_gone.
  Task<api::EmbedReply> embed(Exchange& exchange, const api::EmbedRequest& request);

  // The same for how well documents answer a question. Throws Error{unsupported} for a model that
  // is no reranker.
  Task<api::RerankReply> rerank(Exchange& exchange, const api::RerankRequest& request);

 private:
  Task<RunnableModel> open(const std::string& name);
  Task<std::vector<engine::EmbeddingResult>> compute(Exchange& exchange, const ModelLease& lease,
                                                     std::vector<engine::EmbeddingRequest> inputs);

  WorkerPool& workers_;
  ModelLibrary& library_;
  ModelManager& manager_;
};

}  // namespace hearth::daemon
