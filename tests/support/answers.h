// What an engine said, collected per request while its worker goes on.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"

namespace hearth::testing {

struct Answer {
  std::string text;
  std::vector<std::vector<engine::LogProb>> log_probs;
  int32_t pieces = 0;
  int32_t finals = 0;
  engine::GenerationEvent last;
};

class Answers {
 public:
  engine::Engine::EventSink sink() {
    return [this](engine::GenerationEvent event) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !is_held_; });
      Answer& answer = answers_[event.id];
      answer.text += event.text;
      answer.log_probs.insert(answer.log_probs.end(), event.log_probs.begin(),
                              event.log_probs.end());
      ++answer.pieces;
      if (event.is_final) {
        ++answer.finals;
        answer.last = std::move(event);
      }
      changed_.notify_all();
    };
  }

  // While held, the worker stops at its next event: what is submitted meanwhile starts together.
  void hold(bool is_held) {
    std::lock_guard lock(mutex_);
    is_held_ = is_held;
    changed_.notify_all();
  }

  // Waits for the end of an answer; a minute without it is a hang.
  Answer wait(engine::RequestId id) {
    std::unique_lock lock(mutex_);
    const bool is_done =
        changed_.wait_for(lock, std::chrono::minutes(1), [&] { return answers_[id].finals > 0; });
    if (!is_done) throw Error(ErrorCode::unavailable, "no final event");
    return answers_[id];
  }
  // Waits for the first text of an answer.
  void wait_for_text(engine::RequestId id) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::minutes(1), [&] { return answers_[id].pieces > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<engine::RequestId, Answer> answers_;
  bool is_held_ = false;
};

}  // namespace hearth::testing
