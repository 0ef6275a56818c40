// See outbox.h.
#include "engine/runner/outbox.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace hearth::engine {
namespace {

constexpr size_t events_frame_bytes = size_t{1} << 20;
// Events of a request that wait one by one, so that a client sees an answer in the pieces it was
// made in; behind them text is joined.
constexpr size_t pieces_max = 32;

// As packed in a frame.
size_t log_prob_bytes(const GenerationEvent& event) {
  size_t bytes = 0;
  for (const std::vector<LogProb>& row : event.log_probs) {
    bytes += 4;
    for (const LogProb& entry : row) bytes += 12 + entry.piece.size();
  }
  return bytes;
}

size_t size_of(const GenerationEvent& event) {
  return event.text.size() + log_prob_bytes(event) + event.message.size() +
         event.tokens.size() * sizeof(TokenId) + 256;
}

void end_as_unread(GenerationEvent& event, size_t waiting_bytes) {
  event.is_final = true;
  event.finish = FinishReason::failed;
  event.error = ErrorCode::unavailable;
  event.message = fmt::format(
      "the answer was ended because it was not read: {} bytes of text were waiting", waiting_bytes);
}

// The event that stands for both, in order.
void join(GenerationEvent& pending, GenerationEvent&& next) {
  pending.text += next.text;
  std::move(next.log_probs.begin(), next.log_probs.end(), std::back_inserter(pending.log_probs));
  if (!next.is_final) return;
  next.text = std::move(pending.text);
  next.log_probs = std::move(pending.log_probs);
  pending = std::move(next);
}

}  // namespace

void Outbox::push(Frame frame) {
  {
    std::lock_guard lock(mutex_);
    frames_.push_back(std::move(frame));
  }
  filled_.notify_one();
}

void Outbox::push_event(GenerationEvent event) {
  {
    std::lock_guard lock(mutex_);
    const RequestId id = event.id;
    if (dropped_.contains(id)) {
      if (event.is_final) dropped_.erase(id);
      return;
    }
    const auto [place, is_new] = pending_.try_emplace(id);
    if (is_new) order_.push_back(id);
    Pending& pending = place->second;
    const size_t text_bytes = pending.text_bytes + event.text.size();
    const size_t log_probs = pending.log_prob_bytes + log_prob_bytes(event);
    // Log-probabilities take far more bytes than the text they belong to.
    constexpr size_t log_probs_per_text = 8;
    if (!event.is_final &&
        (text_bytes > pending_text_max_ || log_probs > log_probs_per_text * pending_text_max_)) {
      if (pending.events.empty()) pending.events.emplace_back().id = id;
      end_as_unread(pending.events.back(), text_bytes);
      dropped_.insert(id);
      overflown_.push_back(id);
    } else {
      pending.text_bytes = text_bytes;
      pending.log_prob_bytes = log_probs;
      if (pending.events.size() < pieces_max) {
        pending.events.push_back(std::move(event));
      } else {
        join(pending.events.back(), std::move(event));
      }
    }
  }
  filled_.notify_one();
}

std::vector<RequestId> Outbox::take_overflown() {
  std::lock_guard lock(mutex_);
  return std::exchange(overflown_, {});
}

EventsFrame Outbox::take_events() {
  EventsFrame frame;
  size_t bytes = 0;
  while (!order_.empty() && bytes < events_frame_bytes) {
    auto node = pending_.extract(order_.front());
    order_.pop_front();
    for (GenerationEvent& event : node.mapped().events) {
      bytes += size_of(event);
      frame.events.push_back(std::move(event));
    }
  }
  return frame;
}

std::optional<Frame> Outbox::pop() {
  std::unique_lock lock(mutex_);
  filled_.wait(lock, [this] { return is_closed_ || !frames_.empty() || !order_.empty(); });
  if (!frames_.empty()) {
    std::optional<Frame> frame(std::move(frames_.front()));
    frames_.pop_front();
    return frame;
  }
  if (!order_.empty()) return take_events();
  return std::nullopt;
}

void Outbox::close() {
  {
    std::lock_guard lock(mutex_);
    is_closed_ = true;
  }
  filled_.notify_all();
}

}  // namespace hearth::engine
