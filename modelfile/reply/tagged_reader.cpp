// Answers in which tags show where thoughts and calls begin; everything else is content.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "modelfile/reply/call_body.h"
#include "modelfile/reply/reader.h"

namespace hearth::modelfile::reply {
namespace {

// Length of the longest end of `text` that is a beginning of `tag`, but not all of it.
size_t overlap(std::string_view text, std::string_view tag) {
  for (size_t length = std::min(text.size(), tag.size() - 1); length > 0; --length) {
    if (text.ends_with(tag.substr(0, length))) return length;
  }
  return 0;
}

// Behind the last letter that is no blank.
size_t text_end(std::string_view text) {
  const size_t last = text.find_last_not_of(blanks);
  return last == std::string_view::npos ? 0 : last + 1;
}

bool is_unmistakable(std::string_view thinking_open) {
  const auto& styles = thinking_styles();
  return std::any_of(styles.begin(), styles.end(), [&](const ThinkingStyle& style) {
    return style.open == thinking_open && style.is_unmistakable;
  });
}

class TaggedReader : public Reader {
 public:
  explicit TaggedReader(const ReplyStyle& style);

 protected:
  ReplyPiece advance(bool is_end) override;

 private:
  enum class State : uint8_t { start, begun, thinking, behind_thinking, text, calls };
  enum class Kind : uint8_t { calls, item, layout, thinking };
  struct Marker {
    std::string_view text;
    Kind kind;
  };
  // Where the next marker stands. Without `marker`: behind what is certainly none.
  struct Found {
    size_t place = 0;
    const Marker* marker = nullptr;
  };

  // Each looks at the beginning of held_. True: go on with what is left; false: more is needed.
  bool step(ReplyPiece& piece, bool is_end);
  bool read_start(bool is_end);
  bool read_begun(bool is_end);
  bool read_thinking(ReplyPiece& piece, bool is_end);
  bool skip_layout(bool is_end);
  bool read_text(ReplyPiece& piece, bool is_end);
  bool read_calls(ReplyPiece& piece, bool is_end);

  const std::vector<Marker>& markers();
  Found find(const std::vector<Marker>& markers, bool is_end) const;
  bool may_begin_bare(bool is_end) const;
  void enter_calls(size_t marker, size_t length);
  void take(ReplyPiece& piece, CallBody body);
  std::optional<size_t> next_call(bool is_end);
  void give_thoughts(ReplyPiece& piece, size_t length);
  std::string_view without_prefix(std::string_view text);
  void give_content(ReplyPiece& piece, size_t length);
  void give_up(ReplyPiece& piece, size_t length, std::string warning);

  const ReplyStyle style_;
  const ToolSet tools_;
  OwnTags own_tags_;
  CallStyle calls_;
  State state_ = State::text;
  std::vector<Marker> markers_;
  std::vector<Marker> thinking_markers_;
  std::string opened_;           // the tag of calls, as long as none of them was read
  size_t section_calls_ = 0;     // since that tag
  bool is_in_thoughts_ = false;  // the calls being read stand within thoughts
  bool has_prefix_ = false;      // held_ begins with what the prompt ended with
  bool lacks_close_ = false;     // thoughts ended with a call instead of their tag
  bool has_thoughts_ = false;
  bool has_content_ = false;  // something other than blanks was content
  bool has_calls_ = false;
};

TaggedReader::TaggedReader(const ReplyStyle& style)
    : style_(style),
      tools_(style.tools),
      own_tags_(own_tags(style.tool_tag)),
      calls_(row_or_own(style.call_style, style_.tool_tag, own_tags_)) {
  held_ = calls_.starts_in;
  has_prefix_ = !held_.empty();
  if (!style_.thinking_open.empty())
    state_ = style_.starts_in_thinking ? State::begun : State::start;
  const auto add = [](std::vector<Marker>& list, std::string_view text, Kind kind) {
    if (!text.empty()) list.push_back({text, kind});
  };
  for (const std::string_view text : calls_.layout) add(markers_, text, Kind::layout);
  if (is_unmistakable(style_.thinking_open)) add(markers_, style_.thinking_open, Kind::thinking);
  if (!tools_.is_empty()) {
    for (auto* list : {&markers_, &thinking_markers_}) {
      add(*list, calls_.open, Kind::calls);
      add(*list, calls_.item_open, Kind::item);
    }
  }
  add(thinking_markers_, style_.thinking_close, Kind::thinking);
}

ReplyPiece TaggedReader::advance(bool is_end) {
  ReplyPiece piece;
  while (!held_.empty() || (is_end && !opened_.empty())) {
    if (!step(piece, is_end)) break;
  }
  return piece;
}

bool TaggedReader::step(ReplyPiece& piece, bool is_end) {
  switch (state_) {
    case State::start:
      return read_start(is_end);
    case State::begun:
      return read_begun(is_end);
    case State::thinking:
      return read_thinking(piece, is_end);
    case State::behind_thinking:
      return skip_layout(is_end);
    case State::text:
      return read_text(piece, is_end);
    case State::calls:
      return read_calls(piece, is_end);
  }
  return false;
}

// Thoughts stand at the beginning or, where their tags are plain words, nowhere. A closing tag
// without thoughts before it says that there are none.
bool TaggedReader::read_start(bool is_end) {
  const size_t first = skip_blanks(held_, 0);
  const Match open = match_at(held_, first, style_.thinking_open);
  const Match close = match_at(held_, first, style_.thinking_close);
  if (open == Match::yes || close == Match::yes) {
    held_.erase(0,
                first + (open == Match::yes ? style_.thinking_open : style_.thinking_close).size());
    state_ = open == Match::yes ? State::thinking : State::behind_thinking;
    return true;
  }
  if (!is_end && (open == Match::maybe || close == Match::maybe)) return false;
  state_ = State::text;
  return true;
}

// The prompt ended with the opening tag; some models repeat it.
bool TaggedReader::read_begun(bool is_end) {
  const size_t first = skip_blanks(held_, 0);
  const Match open = match_at(held_, first, style_.thinking_open);
  if (open == Match::maybe && !is_end) return false;
  if (open == Match::yes) held_.erase(0, first + style_.thinking_open.size());
  state_ = State::thinking;
  return true;
}

TaggedReader::Found TaggedReader::find(const std::vector<Marker>& markers, bool is_end) const {
  Found found{held_.size(), nullptr};
  for (const Marker& marker : markers) {
    const size_t place = held_.find(marker.text);
    if (place > found.place || place == std::string::npos) continue;
    const bool is_longer = !found.marker || marker.text.size() > found.marker->text.size();
    if (place < found.place || is_longer) found = {place, &marker};
  }
  if (is_end) return found;
  for (const Marker& marker : markers) {
    const size_t place = held_.size() - overlap(held_, marker.text);
    const bool is_longer = found.marker && place == found.place && place < held_.size();
    if (place < found.place || is_longer) found = {place, nullptr};
  }
  return found;
}

void TaggedReader::give_thoughts(ReplyPiece& piece, size_t length) {
  const std::string_view all = std::string_view(held_).substr(0, length);
  const size_t begin = has_thoughts_ ? 0 : std::min(skip_blanks(all, 0), all.size());
  if (style_.keeps_thinking) piece.thinking += all.substr(begin);
  has_thoughts_ = has_thoughts_ || begin < all.size();
  held_.erase(0, length);
}

bool TaggedReader::read_thinking(ReplyPiece& piece, bool is_end) {
  const Found found = find(thinking_markers_, is_end);
  // Blanks around thoughts are the model's layout.
  const size_t end = text_end(std::string_view(held_).substr(0, found.place));
  if (!found.marker) {
    give_thoughts(piece, end);
    if (is_end) held_.clear();
    return false;
  }
  if (found.marker->kind == Kind::thinking) {
    give_thoughts(piece, end);
    held_.erase(0, found.place - end + found.marker->text.size());
    state_ = State::behind_thinking;
    return true;
  }
  give_thoughts(piece, end);
  is_in_thoughts_ = true;
  enter_calls(found.place - end, found.marker->kind == Kind::calls ? found.marker->text.size() : 0);
  return true;
}

bool TaggedReader::skip_layout(bool is_end) {
  const size_t first = skip_blanks(held_, 0);
  if (first == held_.size() && !is_end) return false;
  held_.erase(0, first);
  state_ = State::text;
  return true;
}

// Closing tags that nothing opened are layout too, once there was something they may belong to.
const std::vector<TaggedReader::Marker>& TaggedReader::markers() {
  const auto add = [this](std::string_view text) {
    const bool is_known = std::any_of(markers_.begin(), markers_.end(),
                                      [&](const Marker& marker) { return marker.text == text; });
    if (!text.empty() && !is_known) markers_.push_back({text, Kind::layout});
  };
  if (has_calls_) {
    add(calls_.close);
    add(calls_.item_close);
  }
  if (lacks_close_) add(style_.thinking_close);
  return markers_;
}

// Whether the answer begins with a call without any tag. An answer that begins with something else
// is none, whatever braces it has.
bool TaggedReader::may_begin_bare(bool is_end) const {
  if (!calls_.allows_bare || tools_.is_empty() || has_content_) return false;
  const size_t place = skip_blanks(held_, 0);
  if (place == held_.size()) return !is_end;
  if (calls_.syntax != Syntax::pythonic) return held_[place] == '{' || held_[place] == '[';
  if (held_[place] != '[') return false;
  const size_t name = skip_blanks(held_, place + 1);
  const size_t end = held_.find('(', name);
  if (end == std::string::npos)
    return !is_end && held_.size() - name < name_bytes_max &&
           held_.find_first_of("\n'\"{}[])", name) == std::string::npos;
  return tools_.resolve(std::string_view(held_).substr(name, end - name)).has_value();
}

bool TaggedReader::read_text(ReplyPiece& piece, bool is_end) {
  if (may_begin_bare(is_end)) {
    const size_t place = skip_blanks(held_, 0);
    const bool is_known = place < held_.size() && (calls_.syntax != Syntax::pythonic ||
                                                   held_.find('(') != std::string::npos);
    if (is_known) enter_calls(place, 0);
    return is_known;
  }
  const std::vector<Marker>& all = markers();
  const bool may_hold = !all.empty() || (calls_.allows_bare && !tools_.is_empty());
  if (!may_hold) {
    give_content(piece, held_.size());
    return false;
  }
  const Found found = find(all, is_end);
  const bool is_rest = is_end && !found.marker;
  const size_t end =
      is_rest ? held_.size() : text_end(std::string_view(held_).substr(0, found.place));
  give_content(piece, end);
  if (!found.marker) return false;
  const size_t place = found.place - end;
  const size_t length = found.marker->text.size();
  if (found.marker->kind == Kind::layout || found.marker->kind == Kind::thinking) {
    held_.erase(0, place + length);
    has_prefix_ = false;
    if (found.marker->kind == Kind::thinking) state_ = State::thinking;
  } else {
    enter_calls(place, found.marker->kind == Kind::calls ? length : 0);
  }
  return true;
}

// The tag and the blanks before it are put aside until a call follows.
void TaggedReader::enter_calls(size_t marker, size_t length) {
  opened_ = held_.substr(0, marker + length);
  held_.erase(0, marker + length);
  section_calls_ = 0;
  state_ = State::calls;
}

// Where the next call begins. At the end of held_: more is needed; absent: there is none.
std::optional<size_t> TaggedReader::next_call(bool is_end) {
  size_t place = skip_blanks(held_, 0);
  if (place == held_.size())
    return is_end && section_calls_ > 0 ? std::nullopt : std::optional<size_t>(place);
  if (section_calls_ == 0) return place;
  const std::string_view text = held_;
  if (match_at(text, place, calls_.open) == Match::yes) return std::nullopt;
  bool may_begin = false;
  for (const std::string_view tag :
       {calls_.open, calls_.close, calls_.item_close, calls_.item_open})
    may_begin = may_begin || match_at(text, place, tag) == Match::maybe;
  if (may_begin && !is_end) return held_.size();
  if (held_[place] == ',' || held_[place] == ';') place = skip_blanks(held_, place + 1);
  if (place == held_.size()) return is_end ? std::nullopt : std::optional<size_t>(place);
  if (match_at(text, place, calls_.item_open) == Match::maybe && !is_end) return held_.size();
  return begins_call(text.substr(place), calls_) ? std::optional<size_t>(place) : std::nullopt;
}

bool TaggedReader::read_calls(ReplyPiece& piece, bool is_end) {
  if (section_calls_ > 0) {
    const size_t place = skip_blanks(held_, 0);
    for (const std::string_view tag : {calls_.item_close, calls_.close}) {
      if (match_at(held_, place, tag) != Match::yes) continue;
      held_.erase(0, place + tag.size());
      if (tag == calls_.close || calls_.close.empty()) state_ = State::text;
      return true;
    }
  }
  const std::optional<size_t> place = next_call(is_end);
  if (!place) {
    state_ = State::text;
    return true;
  }
  if (*place == held_.size()) {
    if (is_end) give_up(piece, held_.size(), "the answer ended behind the tag of a call");
    return is_end;
  }
  CallBody body = read_body({std::string_view(held_).substr(*place), calls_, tools_, is_end});
  if (body.state == CallBody::State::more) {
    if (is_end) give_up(piece, held_.size(), "the answer ended within a call");
    return is_end;
  }
  body.end += *place;
  if (body.state == CallBody::State::broken) {
    const bool is_item = match_at(held_, *place, calls_.item_open) == Match::yes;
    if (is_item) body.end = std::max(body.end, *place + calls_.item_open.size());
    if (opened_.find_first_not_of(blanks) == std::string::npos)
      body.end = std::max(body.end, *place + 1);
    if (section_calls_ == 0 && body.end == *place) body.end = 0;
    give_up(piece, body.end, std::move(body.problem));
    return true;
  }
  take(piece, std::move(body));
  return true;
}

void TaggedReader::take(ReplyPiece& piece, CallBody body) {
  for (ToolCall& call : body.calls) {
    std::optional<std::string> name = tools_.resolve(call.name);
    if (!name) {
      give_up(piece, body.end,
              fmt::format("the model called \"{}\", which is none of the tools it was offered",
                          call.name));
      return;
    }
    call.name = std::move(*name);
  }
  std::move(body.calls.begin(), body.calls.end(), std::back_inserter(piece.tool_calls));
  held_.erase(0, body.end);
  opened_.clear();
  section_calls_ += 1;
  has_calls_ = true;
  has_prefix_ = false;
  if (is_in_thoughts_) lacks_close_ = true;
  is_in_thoughts_ = false;
}

// What the prompt ended with is no part of the answer where no call follows.
std::string_view TaggedReader::without_prefix(std::string_view text) {
  if (std::exchange(has_prefix_, false)) text.remove_prefix(calls_.starts_in.size());
  return text;
}

void TaggedReader::give_content(ReplyPiece& piece, size_t length) {
  if (length == 0) return;
  const std::string_view text = without_prefix(std::string_view(held_).substr(0, length));
  const bool is_blank = text.find_first_not_of(blanks) == std::string_view::npos;
  has_content_ = has_content_ || !is_blank;
  // Blanks behind a call are the model's layout, not an answer.
  if (!is_blank || !has_calls_) piece.content += text;
  held_.erase(0, length);
}

// What looked like calls belongs to the text around it.
void TaggedReader::give_up(ReplyPiece& piece, size_t length, std::string warning) {
  held_.insert(0, opened_);
  length += opened_.size();
  opened_.clear();
  if (is_in_thoughts_) {
    give_thoughts(piece, length);
    is_in_thoughts_ = false;
    state_ = State::thinking;
    return;
  }
  piece.content += without_prefix(std::string_view(held_).substr(0, length));
  piece.warnings.push_back(std::move(warning));
  held_.erase(0, length);
  has_content_ = true;
  state_ = State::text;
}

}  // namespace

std::unique_ptr<Reader> make_tagged_reader(const ReplyStyle& style) {
  return std::make_unique<TaggedReader>(style);
}

}  // namespace hearth::modelfile::reply
