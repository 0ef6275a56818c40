// What an answer is bound to: the request's format, or the calls of tools it asks for, as the
// grammar that the engine follows. Pure.
#pragma once

#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/types.h"
#include "engine/constraint.h"
#include "modelfile/reply_parser.h"

namespace hearth::daemon {

// Absent: the answer is free. Thoughts as `style` writes them stay free in any case; where tools
// may be called beside a format, the answer is one of both.
std::optional<engine::ConstraintSpec> answer_constraint(const api::ChatRequest& request,
                                                        const modelfile::ReplyStyle& style);

// Which grammars can be enforced, so that a request is refused before anything is loaded. Remembers
// what it has compiled. Thread-safe; compiling takes time: call it on the worker pool.
class GrammarCheck {
 public:
  // Throws as engine::compile_grammar. What best effort leaves out, one line each.
  std::vector<std::string> check(const engine::GrammarSource& source);

 private:
  struct Entry {
    engine::GrammarSource source;
    std::vector<std::string> warnings;
  };

  std::mutex mutex_;
  std::list<Entry> entries_;  // the latest first
};

}  // namespace hearth::daemon
