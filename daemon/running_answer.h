// Answers while they are being generated: events of the runner in, neutral events out. Several
// answers to one request run side by side. Private to the chat service.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "daemon/chat_service.h"

namespace hearth::daemon {

// What all answers of one request share.
struct AnswerSetting {
  std::string fingerprint;
  int64_t load_ns = 0;
  int64_t choices_per_prompt = 1;  // answers that share a prompt, which is counted once
  bool is_single_call = false;     // of an answer's calls only the first counts
  std::vector<std::string> warnings;
};

class RunningAnswer : public ChatAnswer {
 public:
  RunningAnswer(Exchange& exchange, ModelManager& manager, WorkerPool& workers, ModelLease lease,
                AnswerSetting setting);
  // Cancels what is not finished.
  ~RunningAnswer() override;

  // Starts one more answer; the first is choice 0.
  void start(engine::GenerationRequest request, modelfile::ReplyStyle style);
  // The first event will say that the prompt has so many tokens.
  void announce_prompt(int64_t tokens) { announced_prompt_tokens_ = tokens; }
  const ModelLease& lease() const { return lease_; }

  Task<api::ChatEvent> next() override;
  const std::vector<std::string>& warnings() const override { return setting_.warnings; }

 private:
  class Choice;

  // Absent: nothing there yet.
  std::optional<api::ChatEvent> poll();
  void finish_choice(const Choice& choice, api::ChatEvent& event);
  void drop_further_calls(api::ChatEvent& event);
  // Counted by the model's tokenizer.
  Task<int64_t> thinking_tokens();
  void add_metrics(const Choice& choice);
  void check_failure(const RunnerEvent& end) const;

  Exchange& exchange_;
  ModelManager& manager_;
  WorkerPool& workers_;
  ModelLease lease_;
  AnswerSetting setting_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::vector<std::unique_ptr<Choice>> choices_;
  size_t turn_ = 0;  // the choice that is looked at first, so that none waits for another
  size_t finished_ = 0;
  int64_t announced_prompt_tokens_ = 0;
  std::string thoughts_;                // of all answers
  std::vector<size_t> called_choices_;  // that have had a call
  api::Metrics metrics_;
};

}  // namespace hearth::daemon
