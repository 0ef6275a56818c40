// What a runner has to send, between the threads that produce and the one that writes to the
// socket. Producers never wait: a few events of a request wait as they are, behind them text is
// joined to the last one, and a request whose reader does not keep up ends with an error instead of
// growing without bound.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/runner.h"

namespace hearth::engine {

class Outbox {
 public:
  explicit Outbox(size_t pending_text_max = size_t{1} << 20)
      : pending_text_max_(pending_text_max) {}

  // Any thread. Frames keep their order among each other and go before pending events.
  void push(Frame frame);
  // Any thread. When the pending text of the request would pass the bound, its final event is made
  // here, saying so, and the id is kept for take_overflown(); later events of the request are
  // dropped.
  void push_event(GenerationEvent event);
  // Requests to cancel because nobody reads their answers.
  std::vector<RequestId> take_overflown();

  // The writer: waits for the next frame. Pending events come as one EventsFrame of about a
  // megabyte at most. Empty after close(), once everything is out.
  std::optional<Frame> pop();
  void close();

 private:
  // What waits of one request, in order.
  struct Pending {
    std::vector<GenerationEvent> events;
    size_t text_bytes = 0;
    size_t log_prob_bytes = 0;
  };

  EventsFrame take_events();

  const size_t pending_text_max_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<Frame> frames_;
  std::deque<RequestId> order_;  // requests with pending events, oldest first
  std::unordered_map<RequestId, Pending> pending_;
  std::unordered_set<RequestId> dropped_;  // overflown; until the engine's own final event
  std::vector<RequestId> overflown_;
  bool is_closed_ = false;
};

}  // namespace hearth::engine
