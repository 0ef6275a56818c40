// How an answer is written in one dialect: as frames of a stream or as one body.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/errors.h"
#include "api/types.h"

namespace hearth::api {

// Everything that was answered. One event per answer, with all its text, thoughts and calls.
struct WholeAnswer {
  std::vector<ChatEvent> choices;  // at least one
  Metrics metrics;                 // of all together
};

// One writer serves one request.
class ReplyWriter {
 public:
  virtual ~ReplyWriter() = default;
  virtual Dialect dialect() const = 0;
  // Frames of a stream, complete with line ends; each is sent and flushed alone.
  virtual std::vector<std::string> frames(const ChatEvent& event, WallTime now) = 0;
  // The body when the client did not ask for a stream.
  virtual std::string whole(const WholeAnswer& answer, WallTime now) = 0;
  // The last frame of a stream that had begun and then failed.
  virtual std::string failure_frame(int status, std::string_view message) {
    return error_frame(dialect(), status, message);
  }
};

}  // namespace hearth::api
