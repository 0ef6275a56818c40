// What reads an answer piece by piece. Two kinds: text with calls and thoughts between tags, and
// messages that say by their headers what they are.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "modelfile/reply_parser.h"

namespace hearth::modelfile::reply {

class Reader {
 public:
  Reader() = default;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  virtual ~Reader() = default;

  // The next text; at the end of the answer, none.
  ReplyPiece push(std::string_view text) {
    held_ += text;
    return advance(false);
  }
  ReplyPiece finish() { return advance(true); }

 protected:
  // Moves what is decided out of held_.
  virtual ReplyPiece advance(bool is_end) = 0;

  std::string held_;  // not decided yet
};

std::unique_ptr<Reader> make_tagged_reader(const ReplyStyle& style);
std::unique_ptr<Reader> make_message_reader(const ReplyStyle& style);

}  // namespace hearth::modelfile::reply
