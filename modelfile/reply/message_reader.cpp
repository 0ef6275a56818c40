// Answers of several messages, each with a header that says whom it is for: the model itself
// (thoughts), a tool (a call), or the user (content).
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "modelfile/reply/call_body.h"
#include "modelfile/reply/reader.h"

namespace hearth::modelfile::reply {
namespace {

constexpr std::string_view channel_mark = "<|channel|>";
constexpr std::string_view constrain_mark = "<|constrain|>";

class MessageReader : public Reader {
 public:
  explicit MessageReader(const ReplyStyle& style)
      : style_(style), tools_(style.tools), row_(*style_named(style.call_style)) {
    if (style_.starts_in_thinking) state_ = State::thinking;
  }

 protected:
  ReplyPiece advance(bool is_end) override {
    ReplyPiece piece;
    while (!held_.empty() || (is_end && !header_.empty())) {
      if (!step(piece, is_end)) break;
    }
    return piece;
  }

 private:
  enum class State : uint8_t { start, header, thinking, content, call, behind };

  bool step(ReplyPiece& piece, bool is_end) {
    switch (state_) {
      case State::start:
        return read_start(is_end);
      case State::header:
        return read_header(piece, is_end);
      case State::thinking:
      case State::content:
        return read_text(piece, is_end);
      case State::call:
        return read_call(piece, is_end);
      case State::behind:
        return skip_end(is_end);
    }
    return false;
  }

  // The prompt ended with "<|start|>assistant": what follows is the rest of a header, or text of a
  // model that does not keep to its format.
  bool read_start(bool is_end) {
    const size_t first = skip_blanks(held_, 0);
    bool may_be_header = false;
    for (const std::string_view mark :
         {row_.open, channel_mark, constrain_mark, row_.header_end, std::string_view("to=")}) {
      const Match match = match_at(held_, first, mark);
      if (match == Match::yes) {
        state_ = State::header;
        return true;
      }
      may_be_header = may_be_header || match == Match::maybe;
    }
    if (may_be_header && !is_end) return false;
    state_ = State::content;
    return true;
  }

  bool read_header(ReplyPiece& piece, bool is_end) {
    const size_t end = held_.find(row_.header_end);
    const size_t size = std::min(end, held_.size());
    if (size > name_bytes_max || (end == std::string::npos && is_end)) {
      give(piece, State::content, size);
      state_ = State::content;
      return !held_.empty();
    }
    if (end == std::string::npos) return false;
    header_ = held_.substr(0, end + row_.header_end.size());
    held_.erase(0, header_.size());
    classify();
    return true;
  }

  // to=RECIPIENT and <|channel|>CHANNEL, in any order.
  void classify() {
    const auto word_behind = [this](std::string_view mark) {
      const size_t place = header_.find(mark);
      if (place == std::string::npos) return std::string();
      const size_t begin = place + mark.size();
      return header_.substr(begin, header_.find_first_of(" \t\r\n<", begin) - begin);
    };
    recipient_ = word_behind("to=");
    const std::string channel = word_behind(channel_mark);
    begins_text_ = true;
    if (recipient_ == "self" || (recipient_.empty() && channel == "analysis")) {
      state_ = State::thinking;
    } else if (recipient_.empty() || recipient_ == "user" || recipient_ == "all") {
      state_ = State::content;
    } else {
      state_ = tools_.is_empty() ? State::content : State::call;
      return;
    }
    header_.clear();
  }

  // Where the message ends, or may end once more is there; its end mark, empty when it is not
  // there.
  std::pair<size_t, std::string_view> find_end(bool is_end) const {
    std::pair<size_t, std::string_view> found{held_.size(), {}};
    for (const std::string_view mark : end_marks()) {
      const size_t place = held_.find(mark);
      if (place < found.first) found = {place, mark};
    }
    if (is_end) return found;
    for (const std::string_view mark : end_marks()) {
      for (size_t length = std::min(held_.size(), mark.size() - 1); length > 0; --length) {
        const size_t place = held_.size() - length;
        if (place < found.first && mark.starts_with(std::string_view(held_).substr(place)))
          found = {place, {}};
      }
    }
    return found;
  }

  // The end of a message may be missing: then the next one begins.
  std::vector<std::string_view> end_marks() const {
    std::vector<std::string_view> marks = row_.layout;
    marks.push_back(row_.open);
    if (row_.name == "harmony") marks.push_back(channel_mark);
    return marks;
  }

  bool read_text(ReplyPiece& piece, bool is_end) {
    const auto [place, mark] = find_end(is_end);
    give(piece, state_, place);
    if (mark.empty()) return false;
    state_ = State::behind;
    return true;
  }

  // End marks between messages are layout, and so are blanks; then a header follows.
  bool skip_end(bool is_end) {
    const size_t first = skip_blanks(held_, 0);
    bool may_match = first == held_.size();
    for (const std::string_view mark : row_.layout) {
      const Match match = match_at(held_, first, mark);
      if (match == Match::yes) {
        held_.erase(0, first + mark.size());
        return true;
      }
      may_match = may_match || match == Match::maybe;
    }
    if (may_match && !is_end) return false;
    held_.erase(0, first);
    state_ = State::start;
    return !held_.empty();
  }

  bool read_call(ReplyPiece& piece, bool is_end) {
    const size_t first = skip_blanks(held_, 0);
    CallBody body;
    if (row_.item_open.empty()) {
      body = read_arguments(first, is_end);
    } else {
      body = read_markup(first, is_end);
    }
    if (body.state == CallBody::State::more && !is_end) return false;
    if (body.state == CallBody::State::more)
      body = CallBody::broken(held_.size(), "the answer ended within a call");
    if (body.state == CallBody::State::done) {
      for (ToolCall& call : body.calls) piece.tool_calls.push_back(std::move(call));
      held_.erase(0, body.end);
      header_.clear();
      state_ = State::behind;
      return true;
    }
    piece.content += header_;
    header_.clear();
    piece.content.append(held_, 0, body.end);
    piece.warnings.push_back(std::move(body.problem));
    held_.erase(0, body.end);
    begins_text_ = false;
    state_ = State::content;
    return true;
  }

  CallBody check_name(CallBody body) const {
    for (ToolCall& call : body.calls) {
      std::optional<std::string> name = tools_.resolve(call.name);
      if (!name)
        return CallBody::broken(
            body.end,
            fmt::format("the model called \"{}\", which is none of the tools it was offered",
                        call.name));
      call.name = std::move(*name);
    }
    return body;
  }

  // The text of the message is the arguments.
  CallBody read_arguments(size_t first, bool is_end) const {
    if (first == held_.size()) return {};
    if (held_[first] != '{') {
      // A call without arguments.
      const auto [place, mark] = find_end(is_end);
      if (place == first && !mark.empty())
        return check_name(CallBody::done(first, {ToolCall{"", recipient_, Json::object()}}));
      if (place == first && !is_end) return {};
      return CallBody::broken(first, "the arguments of a call are not JSON");
    }
    const std::optional<size_t> end = json_end(held_, first);
    if (!end) return {};
    Json arguments = parse_json(std::string_view(held_).substr(first, *end - first));
    if (!arguments.is_object())
      return CallBody::broken(*end, "the arguments of a call are not JSON");
    return check_name(CallBody::done(*end, {ToolCall{"", recipient_, std::move(arguments)}}));
  }

  // <atem:function_calls> around calls written with tags.
  CallBody read_markup(size_t first, bool is_end) const {
    constexpr std::string_view open = "<atem:function_calls>";
    constexpr std::string_view close = "</atem:function_calls>";
    const Match opened = match_at(held_, first, open);
    if (opened == Match::maybe && !is_end) return {};
    size_t place = opened == Match::yes ? first + open.size() : first;
    std::vector<ToolCall> calls;
    while (true) {
      place = skip_blanks(held_, place);
      const Match end = match_at(held_, place, close);
      if (end == Match::yes && !calls.empty())
        return check_name(CallBody::done(place + close.size(), std::move(calls)));
      const Match item = match_at(held_, place, row_.item_open);
      const bool is_rest = place == held_.size();
      if (item != Match::yes && end != Match::yes && !is_rest && !is_end &&
          (item == Match::maybe || end == Match::maybe))
        return {};
      if (item != Match::yes && !calls.empty() && (!is_rest || is_end))
        return check_name(CallBody::done(place, std::move(calls)));
      if (is_rest && !is_end) return {};
      if (item != Match::yes)
        return CallBody::broken(first, "what stands in place of a call is none");
      const size_t begin = place + row_.item_open.size();
      CallBody body =
          read_parameters({std::string_view(held_).substr(begin), row_, tools_, is_end});
      if (body.state == CallBody::State::more) return {};
      if (body.state == CallBody::State::broken)
        return CallBody::broken(begin + body.end, body.problem);
      calls.push_back(std::move(body.calls.front()));
      place = begin + body.end;
    }
  }

  void give(ReplyPiece& piece, State kind, size_t length) {
    const std::string_view text = std::string_view(held_).substr(0, length);
    if (kind == State::content) {
      piece.content += header_;
      piece.content += text;
      header_.clear();
    } else if (style_.keeps_thinking && !text.empty()) {
      if (begins_text_ && has_thoughts_) piece.thinking += '\n';
      piece.thinking += text;
      has_thoughts_ = true;
    }
    if (!text.empty()) begins_text_ = false;
    held_.erase(0, length);
  }

  const ReplyStyle style_;
  const ToolSet tools_;
  const CallStyle& row_;
  State state_ = State::start;
  std::string header_;  // of a call, as long as it may turn out to be none
  std::string recipient_;
  bool begins_text_ = true;  // nothing of the message's text was given yet
  bool has_thoughts_ = false;
};

}  // namespace

std::unique_ptr<Reader> make_message_reader(const ReplyStyle& style) {
  return std::make_unique<MessageReader>(style);
}

}  // namespace hearth::modelfile::reply
