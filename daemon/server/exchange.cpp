#include "daemon/server/exchange.h"

namespace hearth::daemon {
namespace {

std::string_view stream_type(Heartbeat kind) {
  switch (kind) {
    case Heartbeat::lines:
      return ndjson;
    case Heartbeat::events:
    case Heartbeat::pings:
      return event_stream;
    default:
      return "application/json; charset=utf-8";
  }
}

std::string_view heartbeat_text(Heartbeat kind) {
  switch (kind) {
    case Heartbeat::events:
      return ": waiting\n\n";
    case Heartbeat::pings:
      return "event: ping\ndata: {\"type\":\"ping\"}\n\n";
    default:
      return " ";
  }
}

}  // namespace

void Exchange::add_header(std::string_view name, std::string_view value) {
  std::string clean(value);
  for (char& letter : clean) {
    if (static_cast<unsigned char>(letter) < 0x20) letter = ' ';
  }
  headers_.emplace_back(std::string(name), std::move(clean));
}

void Exchange::set_heartbeat(Heartbeat kind) {
  heartbeat_ = kind;
  last_sent_ = std::chrono::steady_clock::now();
}

Task<void> Exchange::wait() {
  if (heartbeat_ == Heartbeat::none) {
    co_await wake_.wait();
    co_return;
  }
  const bool is_json = heartbeat_ == Heartbeat::json;
  const auto head_time = is_json ? times_.json_head : times_.stream_head;
  const auto due = last_sent_ + (has_started() ? times_.interval : head_time);
  co_await wake_.wait_until(due);
  if (std::chrono::steady_clock::now() < due) co_return;
  if (!has_started()) {
    co_await start_stream(stream_type(heartbeat_));
  } else {
    co_await write(std::string(heartbeat_text(heartbeat_)));
  }
}

}  // namespace hearth::daemon
