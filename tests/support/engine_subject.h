// A whole engine with its answers, for tests that ask and compare.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/gguf/reader.h"
#include "tests/support/answers.h"
#include "tests/support/gguf_files.h"
#include "tests/support/speaking_model.h"

namespace hearth::testing {

struct Subject {
  Subject(engine::GgufFile file, const engine::EngineOptions& options,
          engine::EngineCompanions companions = {})
      : engine(engine::Engine::open(std::make_unique<engine::GgufFile>(std::move(file)), options,
                                    answers.sink(), {}, std::move(companions))) {}
  Subject(const SpeakingModelOptions& model, const engine::EngineOptions& options)
      : Subject(open_gguf(SpeakingModel(model).bytes()), options) {}

  Answer ask(const engine::GenerationRequest& request) {
    engine->submit(request);
    return answers.wait(request.id);
  }

  Answers answers;
  std::unique_ptr<engine::Engine> engine;  // before answers goes
};

inline engine::EngineOptions small_steps() {
  engine::EngineOptions options;
  options.threads = 1;
  options.step_tokens = 128;
  return options;
}

// The table of this machine as one whose roles need not agree: the cautious paths are right for any
// table.
inline engine::KernelTable cautious_kernels() {
  engine::KernelTable table = *engine::find_kernels("");
  table.roles_agree = false;
  return table;
}

}  // namespace hearth::testing
