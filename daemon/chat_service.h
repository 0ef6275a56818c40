// The one path from a request for text to its answer; all dialects use it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "api/types.h"
#include "daemon/answer_constraint.h"
#include "daemon/model_library.h"
#include "daemon/model_manager.h"
#include "daemon/prompt_builder.h"
#include "daemon/server/exchange.h"
#include "daemon/server/task.h"

namespace hearth::daemon {

struct Config;
class TokenizeService;
class WorkerPool;

// An answer being generated. Destroyed before its end it cancels the work within one step of the
// engine.
class ChatAnswer {
 public:
  virtual ~ChatAnswer() = default;
  // Pieces, then exactly one final event without text. Throws what went wrong, and as
  // Exchange::throw_if_gone.
  virtual Task<api::ChatEvent> next() = 0;
  // What of the request will not be enforced, one line each.
  virtual const std::vector<std::string>& warnings() const = 0;
};

// io thread only.
class ChatService {
 public:
  ChatService(WorkerPool& workers, ModelLibrary& library, ModelManager& manager,
              TokenizeService& tokenize, const Config& config)
      : workers_(workers),
        library_(library),
        manager_(manager),
        tokenize_(tokenize),
        config_(config) {}

  // For requests without messages: loads the model or lets it go. The event to answer with.
  Task<api::ChatEvent> load_or_unload(Exchange& exchange, const api::ChatRequest& request);
  // The prompt as the model would get it; loads nothing.
  Task<std::string> render(const api::ChatRequest& request);
  // The tokens of that prompt; the weights are not loaded for it.
  Task<std::vector<int32_t>> tokens(Exchange& exchange, const api::ChatRequest& request);
  // Renders, loads the model when needed, starts. At least one request, all alike but for their
  // prompts; the first one's answers have the first numbers. `exchange` must outlive the answer.
  Task<std::unique_ptr<ChatAnswer>> start(Exchange& exchange,
                                          std::span<const api::ChatRequest> requests);

 private:
  Task<RunnableModel> open(const api::ChatRequest& request);
  Task<PreparedRequest> prepare(const api::ChatRequest& request, const RunnableModel& model);
  void check_kills(const std::string& print, const RunnableModel& model) const;

  WorkerPool& workers_;
  ModelLibrary& library_;
  ModelManager& manager_;
  TokenizeService& tokenize_;
  const Config& config_;
  GrammarCheck grammars_;
};

}  // namespace hearth::daemon
