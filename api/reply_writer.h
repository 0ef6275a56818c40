// How an answer is written in one dialect: as frames of a stream or as one body.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/errors.h"
#include "api/types.h"

namespace hearth::api {

// One writer serves one answer.
class ReplyWriter {
 public:
  virtual ~ReplyWriter() = default;
  virtual Dialect dialect() const = 0;
  // Frames of a stream, complete with line ends; each is sent and flushed alone.
  virtual std::vector<std::string> frames(const ChatEvent& event, WallTime now) = 0;
  // The body when the client did not ask for a stream: all content and the final event.
  virtual std::string whole(std::string_view content, const ChatEvent& final_event,
                            WallTime now) = 0;
};

}  // namespace hearth::api
