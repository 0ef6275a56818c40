// Calls whose arguments stand between tags: <parameter=KEY>VALUE</parameter> and its relatives.
#include <fmt/format.h>

#include <algorithm>

#include "modelfile/reply/call_body.h"

namespace hearth::modelfile::reply {
namespace {

// Values made of tags are read this deep.
constexpr int depth_max = 16;

// Without a tag behind it, a name is one word.
bool is_name(std::string_view text) {
  const size_t end = text.find_first_of(blanks);
  return text.find_first_of("<>{}\"'") == std::string_view::npos &&
         (end == std::string_view::npos || skip_blanks(text, end) == text.size());
}

// One reading of a call from its beginning. Each step moves on, or says why it cannot.
class ParametersReading {
 public:
  explicit ParametersReading(const BodyInput& input) : in_(input), style_(input.style) {}

  CallBody run() {
    if (!read_name()) return result();
    while (state_ == CallBody::State::more && !needs_more_) read_parameter();
    return result();
  }

 private:
  // What a call ends with.
  std::string_view terminator() const {
    return style_.item_close.empty() ? style_.close : style_.item_close;
  }

  bool read_name() {
    const size_t begin = skip_blanks(in_.text, 0);
    size_t end = in_.text.find(style_.name_close, begin);
    size_t next = end;
    if (style_.name_close.empty()) {
      end = next =
          std::min(in_.text.find(style_.key_open, begin), in_.text.find(terminator(), begin));
    } else if (end != std::string_view::npos) {
      next = end + style_.name_close.size();
    }
    std::string_view name = in_.text.substr(begin, std::min(end, in_.text.size()) - begin);
    if (style_.name_close.empty()) name = without_begun_tag(name);
    if (name.size() > name_bytes_max || (style_.name_close.empty() && !is_name(name)))
      return fail("no arguments follow the name of a call");
    if (end == std::string_view::npos) return wait();
    const size_t last = name.find_last_not_of(blanks);
    if (last == std::string_view::npos) return fail("a call has no name");
    call_.name = name.substr(0, last + 1);
    place_ = next;
    return true;
  }

  // Without the beginning of a tag that the text ends with.
  std::string_view without_begun_tag(std::string_view name) const {
    const size_t tag = name.find('<');
    const bool is_begun =
        tag != std::string_view::npos && (match_at(name, tag, style_.key_open) == Match::maybe ||
                                          match_at(name, tag, terminator()) == Match::maybe);
    return is_begun ? name.substr(0, tag) : name;
  }

  void read_parameter() {
    const size_t begin = skip_blanks(in_.text, place_);
    const Match end = match_at(in_.text, begin, terminator());
    if (end == Match::yes) {
      // The tag around all calls is the caller's.
      place_ = style_.item_close.empty() ? begin : begin + terminator().size();
      state_ = CallBody::State::done;
      return;
    }
    const Match key = match_at(in_.text, begin, style_.key_open);
    if (key == Match::yes) {
      read_pair(begin + style_.key_open.size());
      return;
    }
    const Match outer = match_at(in_.text, begin, style_.close);
    const Match next = match_at(in_.text, begin, style_.item_open);
    const bool may_match =
        end == Match::maybe || key == Match::maybe || outer == Match::maybe || next == Match::maybe;
    const bool is_over = in_.is_end && begin == in_.text.size();
    if (outer == Match::yes || next == Match::yes || is_over) {
      // The closing tag was forgotten, or the answer was cut: then the call must be whole.
      if (is_over &&
          (!in_.tools.has_required(resolved(), call_.arguments) || call_.arguments.empty())) {
        wait();
        return;
      }
      place_ = begin;
      state_ = CallBody::State::done;
      return;
    }
    if (may_match && !in_.is_end) {
      wait();
      return;
    }
    fail("what stands between the arguments of a call is none");
  }

  void read_pair(size_t begin) {
    const size_t key_end = in_.text.find(style_.key_close, begin);
    const size_t key_size = std::min(key_end, in_.text.size()) - begin;
    if (key_size > name_bytes_max) {
      fail("the name of an argument does not end");
      return;
    }
    if (key_end == std::string_view::npos) {
      wait();
      return;
    }
    const std::string key(in_.text.substr(begin, key_size));
    const size_t attributes = key_end + style_.key_close.size();
    const size_t open =
        style_.value_open.empty() ? attributes : in_.text.find(style_.value_open, attributes);
    if (std::min(open, in_.text.size()) - attributes > name_bytes_max) {
      fail("the value of an argument does not begin");
      return;
    }
    if (open == std::string_view::npos) {
      wait();
      return;
    }
    const size_t value = open + style_.value_open.size();
    read_value(key, in_.text.substr(attributes, open - attributes), value);
  }

  void read_value(const std::string& key, std::string_view attributes, size_t begin) {
    std::string close(style_.value_close);
    if (const size_t mark = close.find("{key}"); mark != std::string::npos)
      close.replace(mark, 5, key);
    size_t end = in_.text.find(close, begin);
    while (end != std::string_view::npos && !goes_on(end + close.size()) && !needs_more_)
      end = in_.text.find(close, end + 1);
    if (end == std::string_view::npos || needs_more_) {
      wait();
      return;
    }
    call_.arguments[key] = to_value(key, attributes, in_.text.substr(begin, end - begin));
    place_ = end + close.size();
  }

  // Whether a closing tag is one: a value may contain it as text. Behind a true one stands another
  // argument or the end of the call.
  bool goes_on(size_t place) {
    const size_t next = skip_blanks(in_.text, place);
    if (next == in_.text.size()) {
      needs_more_ = !in_.is_end;
      return in_.is_end;
    }
    for (const std::string_view tag :
         {style_.key_open, terminator(), style_.close, style_.item_open}) {
      const Match match = match_at(in_.text, next, tag);
      if (match == Match::yes) return true;
      if (match == Match::maybe && !in_.is_end) needs_more_ = true;
    }
    return false;
  }

  Json to_value(const std::string& key, std::string_view attributes, std::string_view text) const {
    if (attributes.find("string=\"true\"") != std::string_view::npos) return std::string(text);
    if (attributes.find("string=\"false\"") != std::string_view::npos) {
      Json value = parse_json(text);
      if (!value.is_discarded()) return value;
    }
    if (style_.name == "minimax_m3" && text.find(style_.key_open) != std::string_view::npos)
      return nested_value(text, 0);
    return in_.tools.coerce(resolved(), key, std::string(text));
  }

  // A value of tags: <item>...</item> are the entries of a list, other tags the keys of an object.
  Json nested_value(std::string_view text, int depth) const {
    Json object = Json::object();
    Json list = Json::array();
    size_t place = text.find(style_.key_open);
    if (place == std::string_view::npos || depth > depth_max) return scalar(text);
    while (place != std::string_view::npos) {
      const size_t key = place + style_.key_open.size();
      const size_t key_end = text.find('>', key);
      if (key_end == std::string_view::npos) return std::string(text);
      const std::string name(text.substr(key, key_end - key));
      std::string close(style_.value_close);
      close.replace(close.find("{key}"), 5, name);
      const size_t end = text.find(close, key_end);
      if (end == std::string_view::npos) return std::string(text);
      Json value = nested_value(text.substr(key_end + 1, end - key_end - 1), depth + 1);
      if (name == "item") {
        list.push_back(std::move(value));
      } else {
        object[name] = std::move(value);
      }
      place = text.find(style_.key_open, end + close.size());
    }
    return object.empty() ? list : object;
  }

  // Nothing says what types the parts of a value have: what reads as a number or a truth is one.
  static Json scalar(std::string_view text) {
    Json value = Json::parse(text, nullptr, false);
    return value.is_number() || value.is_boolean() ? value : Json(std::string(text));
  }

  std::string resolved() const { return in_.tools.resolve(call_.name).value_or(call_.name); }

  bool wait() {
    needs_more_ = true;
    return false;
  }
  bool fail(const char* problem) {
    state_ = CallBody::State::broken;
    problem_ = problem;
    return false;
  }
  CallBody result() {
    if (state_ == CallBody::State::done) return CallBody::done(place_, {std::move(call_)});
    if (state_ == CallBody::State::broken) return CallBody::broken(place_, problem_);
    return {};
  }

  const BodyInput& in_;
  const CallStyle& style_;
  CallBody::State state_ = CallBody::State::more;
  bool needs_more_ = false;
  size_t place_ = 0;
  ToolCall call_;
  std::string problem_;
};

}  // namespace

CallBody read_parameters(const BodyInput& input) {
  return ParametersReading(input).run();
}

}  // namespace hearth::modelfile::reply
