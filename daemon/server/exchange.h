// One request and its answer, as handlers see them. The connection behind it is the server's
// business.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "daemon/server/task.h"
#include "daemon/server/wake.h"

namespace hearth::daemon {

// The head of a request. The target is split and percent-decoded.
struct Request {
  std::string method;
  std::string path;
  std::string query;      // behind the '?', as it came
  std::string parameter;  // what stands for the last {name} of the route
  std::string host;       // headers, empty when absent
  std::string origin;
  std::string authorization;
  std::string api_key;  // x-api-key
  std::string anthropic_version;
  std::string user_agent;
  std::string content_encoding;
  std::string id;  // x-request-id when it is short and plain, else one of ours
  std::chrono::steady_clock::time_point arrived;
};

// Facts for the line that is logged per request; handlers fill in what they know. Never text of
// people.
struct RequestLog {
  int status = 0;
  uint64_t bytes_sent = 0;
  std::string error;
  std::string model;
  int64_t load_ns = 0;
  int64_t queue_ns = 0;  // from the start at the runner to the first step
  int64_t prompt_tokens = 0;
  int64_t cached_prompt_tokens = 0;
  int64_t generated_tokens = 0;
  int64_t drafted_tokens = 0;   // guessed ahead
  int64_t accepted_tokens = 0;  // of those, the ones that came true
};

struct Reply {
  int status = 200;
  std::string content_type = "application/json; charset=utf-8";
  std::string body;
};

inline constexpr std::string_view ndjson = "application/x-ndjson";
inline constexpr std::string_view event_stream = "text/event-stream";

// An error with a status of HTTP that no code of the project means.
class StatusError : public Error {
 public:
  StatusError(int status, const std::string& message)
      : Error(ErrorCode::invalid_argument, message), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

// What an answer that is not there yet may look like meanwhile. Chosen so that no client takes it
// for content: white space in front of JSON, never an empty line, which line readers would parse.
enum class Heartbeat {
  none,
  json,    // one object: spaces
  lines,   // NDJSON: spaces in front of the next line
  events,  // server-sent events: comments
  pings,   // server-sent events of Anthropic, which has one for this
};

struct HeartbeatTimes {
  using Milliseconds = std::chrono::milliseconds;
  Milliseconds stream_head{1000};  // a stream's head goes out after this at the latest
  Milliseconds json_head{15000};   // later, because it takes the status along
  Milliseconds interval{15000};    // without any byte
};

// io thread only. Functions that wait throw Error{cancelled} when the client has gone.
class Exchange {
 public:
  Exchange(Wake wake, const HeartbeatTimes& times) : wake_(std::move(wake)), times_(times) {}
  virtual ~Exchange() = default;

  Request& request() { return request_; }
  RequestLog& log() { return log_; }

  // The whole body. Throws StatusError{413} above the server's limit.
  virtual Task<std::string> read_body() = 0;
  // The next bytes of the body; 0 at its end.
  virtual Task<size_t> read_some(std::span<char> into) = 0;

  // Stands in the head of the answer; before it is sent.
  void add_header(std::string_view name, std::string_view value);
  // The complete answer. After a heartbeat only its body is sent: the status has gone out.
  virtual Task<void> send(Reply reply) = 0;
  // An answer whose length is not known; then write() any number of times, then finish(). Nothing
  // happens when a heartbeat has started it.
  virtual Task<void> start_stream(std::string_view content_type) = 0;
  // Sends and flushes these bytes alone.
  virtual Task<void> write(std::string bytes) = 0;
  virtual Task<void> finish() = 0;
  bool has_started() const { return log_.status != 0; }

  // Notified when the client goes away or the daemon stops; handlers let the events they wait for
  // notify it too.
  const Wake& wake() const { return wake_; }
  // From now on wait() keeps the client from giving up.
  void set_heartbeat(Heartbeat kind);
  Heartbeat heartbeat() const { return heartbeat_; }
  // How a stream that has begun and then fails ends, given the status it would have had; unset: as
  // the route's dialect writes errors. What it uses must live as long as the exchange.
  using FailureFrame = std::function<std::string(int status, std::string_view message)>;
  void set_failure_frame(FailureFrame frame) { failure_frame_ = std::move(frame); }
  const FailureFrame& failure_frame() const { return failure_frame_; }
  // Waits for a notification, or sends a heartbeat that is due.
  Task<void> wait();
  // Throws Error{cancelled} when the client has gone, Error{unavailable} when the daemon stops.
  virtual void throw_if_gone() const = 0;

 protected:
  Request request_;
  RequestLog log_;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::chrono::steady_clock::time_point last_sent_;  // or when the heartbeat was set

 private:
  Wake wake_;
  HeartbeatTimes times_;
  Heartbeat heartbeat_ = Heartbeat::none;
  FailureFrame failure_frame_;
};

}  // namespace hearth::daemon
