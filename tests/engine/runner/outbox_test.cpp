// Coalescing and bounds of what a runner has to send.
#include "engine/runner/outbox.h"

#include <catch2/catch.hpp>
#include <string>
#include <thread>

using namespace hearth::engine;
using hearth::ErrorCode;

namespace {

GenerationEvent text(RequestId id, std::string words) {
  GenerationEvent event;
  event.id = id;
  event.text = std::move(words);
  return event;
}

GenerationEvent final_text(RequestId id, std::string words) {
  GenerationEvent event = text(id, std::move(words));
  event.is_final = true;
  event.finish = FinishReason::length;
  event.timings.generated_tokens = 3;
  return event;
}

std::vector<GenerationEvent> pop_events(Outbox& outbox) {
  const std::optional<Frame> frame = outbox.pop();
  REQUIRE(frame);
  REQUIRE(std::holds_alternative<EventsFrame>(*frame));
  return std::get<EventsFrame>(*frame).events;
}

}  // namespace

TEST_CASE("outbox: a few unsent events of a request stay as they are, in order") {
  Outbox outbox;
  outbox.push_event(text(1, "once "));
  outbox.push_event(text(2, "two"));
  outbox.push_event(text(1, "upon "));
  outbox.push_event(final_text(1, "a time"));
  const auto events = pop_events(outbox);
  REQUIRE(events.size() == 4);
  CHECK(events[0].text == "once ");
  CHECK(events[1].text == "upon ");
  CHECK(events[2].text == "a time");
  CHECK(events[2].is_final);
  CHECK(events[2].timings.generated_tokens == 3);
  CHECK(events[3].id == 2);
  CHECK_FALSE(events[3].is_final);
}

TEST_CASE("outbox: the text and log-probabilities of many unsent events are joined") {
  Outbox outbox;
  std::string all;
  for (TokenId id = 0; id < 100; ++id) {
    GenerationEvent event = text(1, std::to_string(id) + " ");
    event.log_probs = {{{id, -1, "piece"}}};
    all += event.text;
    outbox.push_event(std::move(event));
  }
  outbox.push_event(final_text(1, "!"));
  const auto events = pop_events(outbox);
  REQUIRE(events.size() == 32);
  std::string joined;
  std::vector<TokenId> ids;
  for (const GenerationEvent& event : events) {
    joined += event.text;
    for (const auto& row : event.log_probs) ids.push_back(row[0].id);
  }
  CHECK(joined == all + "!");
  REQUIRE(ids.size() == 100);
  for (TokenId id = 0; id < 100; ++id) CHECK(ids[static_cast<size_t>(id)] == id);
  CHECK(events.back().is_final);
  CHECK(events.back().finish == FinishReason::length);
  CHECK(events.back().timings.generated_tokens == 3);
}

TEST_CASE("outbox: waiting log-probabilities are bounded") {
  Outbox small(20);  // room for 160 bytes of them
  for (TokenId id = 1; id < 10; ++id) {
    GenerationEvent event = text(1, "x");
    event.log_probs = {{{id, -1, "piece"}}};
    small.push_event(std::move(event));
  }
  CHECK(small.take_overflown() == std::vector<RequestId>{1});
}

TEST_CASE("outbox: frames go first and keep their order") {
  Outbox outbox;
  outbox.push_event(text(1, "x"));
  outbox.push(PongFrame{1, 0, 0, 0, false});
  outbox.push(PongFrame{2, 0, 0, 0, false});
  CHECK(std::get<PongFrame>(*outbox.pop()).call == 1);
  CHECK(std::get<PongFrame>(*outbox.pop()).call == 2);
  CHECK(pop_events(outbox).size() == 1);
  outbox.close();
  CHECK_FALSE(outbox.pop());
}

TEST_CASE("outbox: an answer nobody reads ends with the reason, once") {
  Outbox outbox(100);
  for (int i = 0; i < 30; ++i) outbox.push_event(text(7, std::string(10, 'a')));
  CHECK(outbox.take_overflown() == std::vector<RequestId>{7});
  CHECK(outbox.take_overflown().empty());
  const auto events = pop_events(outbox);
  REQUIRE(events.size() == 10);
  for (const GenerationEvent& event : events) CHECK(event.text.size() == 10);
  CHECK(events[9].is_final);
  CHECK(events[9].finish == FinishReason::failed);
  CHECK(events[9].error == ErrorCode::unavailable);
  CHECK(events[9].message ==
        "the answer was ended because it was not read: 110 bytes of text were waiting");
  Outbox tiny(5);
  tiny.push_event(text(8, "too long"));
  const auto alone = pop_events(tiny);
  REQUIRE(alone.size() == 1);
  CHECK((alone[0].id == 8 && alone[0].finish == FinishReason::failed));
  // The engine goes on for a moment, then sends its own end: none of it arrives.
  outbox.push_event(text(7, "b"));
  outbox.push_event(final_text(7, "c"));
  // After that the id is free again.
  outbox.push_event(text(7, "new"));
  const auto later = pop_events(outbox);
  REQUIRE(later.size() == 1);
  CHECK(later[0].text == "new");
  outbox.close();
  CHECK_FALSE(outbox.pop());
}

TEST_CASE("outbox: many waiting events are sent in frames of bounded size") {
  Outbox outbox;
  for (RequestId id = 0; id < 40; ++id) outbox.push_event(text(id, std::string(500'000, 'x')));
  size_t events = 0;
  outbox.close();
  while (const std::optional<Frame> frame = outbox.pop()) {
    const auto& list = std::get<EventsFrame>(*frame).events;
    CHECK(list.size() <= 3);
    events += list.size();
    CHECK_NOTHROW(encode_frame(*frame));
  }
  CHECK(events == 40);
}

TEST_CASE("outbox: the writer waits for work and for the end") {
  Outbox outbox;
  size_t popped = 0;
  std::thread writer([&] {
    while (outbox.pop()) ++popped;
  });
  for (int i = 0; i < 100; ++i) outbox.push(PongFrame{});
  outbox.close();
  writer.join();
  CHECK(popped == 100);
}
