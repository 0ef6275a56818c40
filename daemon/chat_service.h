// The one path from a request for text to its answer; all dialects use it.
#pragma once

#include <memory>
#include <string>

#include "api/types.h"
#include "daemon/model_library.h"
#include "daemon/model_manager.h"
#include "daemon/prompt_builder.h"
#include "daemon/server/exchange.h"
#include "daemon/server/task.h"

namespace hearth::daemon {

struct Config;
class WorkerPool;

// An answer being generated. Destroyed before its end it cancels the work within one step of the
// engine.
class ChatAnswer {
 public:
  virtual ~ChatAnswer() = default;
  // Pieces, then exactly one final event without text. Throws what went wrong, and as
  // Exchange::throw_if_gone.
  virtual Task<api::ChatEvent> next() = 0;
};

// io thread only.
class ChatService {
 public:
  ChatService(WorkerPool& workers, ModelLibrary& library, ModelManager& manager,
              const Config& config)
      : workers_(workers), library_(library), manager_(manager), config_(config) {}

  // For requests without messages: loads the model or lets it go. The event to answer with.
  Task<api::ChatEvent> load_or_unload(Exchange& exchange, const api::ChatRequest& request);
  // The prompt as the model would get it; loads nothing.
  Task<std::string> render(const api::ChatRequest& request);
  // Renders, loads the model when needed, starts. `exchange` must outlive the answer.
  Task<std::unique_ptr<ChatAnswer>> start(Exchange& exchange, const api::ChatRequest& request);

 private:
  Task<RunnableModel> open(const api::ChatRequest& request);
  Task<PreparedRequest> prepare(const api::ChatRequest& request, const RunnableModel& model);

  WorkerPool& workers_;
  ModelLibrary& library_;
  ModelManager& manager_;
  const Config& config_;
};

}  // namespace hearth::daemon
