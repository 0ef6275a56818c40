#include "modelfile/template/jinja/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/utf8.h"
#include "modelfile/template/jinja/unicode.h"

namespace hearth::modelfile::jinja {
namespace {

constexpr size_t width_max = 10'000;

class JsonWriter {
 public:
  JsonWriter(const JsonStyle& style, Budget& budget) : style_(style), budget_(budget) {}

  void write(const Value& value, int depth) {
    if (depth > 200) fail("a value is nested too deeply for JSON");
    budget_.step();
    budget_.check_text_size(out_.size());
    if (const MarkedText* text = value.text()) return write_string(*text);
    const bool is_array = value.list() && (value.list()->kind == ListKind::list ||
                                           value.list()->kind == ListKind::tuple);
    if (is_array) return write_array(*value.list(), depth);
    if (const Dict* dict = value.dict()) return write_object(*dict, depth);
    out_ += scalar(value);
  }

  MarkedText finish() { return MarkedText(std::move(out_), is_trusted_); }

 private:
  static std::string scalar(const Value& value) {
    if (value.is<None>()) return "null";
    if (const bool* flag = value.as<bool>()) return *flag ? "true" : "false";
    if (const int64_t* whole = value.as<int64_t>()) return fmt::format("{}", *whole);
    if (const double* number = value.as<double>()) {
      if (std::isnan(*number)) return "NaN";
      if (std::isinf(*number)) return *number < 0 ? "-Infinity" : "Infinity";
      return float_text(*number);
    }
    fail(fmt::format("Object of type {} is not JSON serializable", type_name(value)));
  }

  void write_string(const MarkedText& text) {
    is_trusted_ = is_trusted_ && text.is_all_trusted();
    budget_.step(text.size() / 64);
    out_ += '"';
    for (std::string_view rest = text.bytes(); !rest.empty();) {
      const CodePoint point = decode_utf8(rest);
      write_character(point.value, rest.substr(0, static_cast<size_t>(point.size_bytes)));
      rest.remove_prefix(static_cast<size_t>(point.size_bytes));
    }
    out_ += '"';
  }

  void write_character(uint32_t value, std::string_view bytes) {
    static constexpr std::string_view special = "\"\\\n\r\t\b\f";
    static constexpr std::string_view letters = "\"\\nrtbf";
    const size_t at =
        value < 0x80 ? special.find(static_cast<char>(value)) : std::string_view::npos;
    if (at != std::string_view::npos) {
      out_ += '\\';
      out_ += letters[at];
    } else if (value < 0x20 || (style_.is_ascii && value > 0x7E && value < 0x10000)) {
      out_ += fmt::format("\\u{:04x}", value);
    } else if (style_.is_ascii && value >= 0x10000) {
      out_ += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + ((value - 0x10000) >> 10),
                          0xDC00 + ((value - 0x10000) & 0x3FF));
    } else {
      out_ += bytes;
    }
  }

  void new_line(int depth) {
    if (!style_.indent) return;
    out_ += '\n';
    for (int i = 0; i < depth; ++i) out_ += *style_.indent;
  }

  void write_array(const List& list, int depth) {
    out_ += '[';
    for (size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) out_ += style_.item_separator;
      new_line(depth + 1);
      write(list.items[i], depth + 1);
    }
    if (!list.items.empty()) new_line(depth);
    out_ += ']';
  }

  void write_object(const Dict& dict, int depth) {
    std::vector<const std::pair<Value, Value>*> entries;
    for (const auto& entry : dict.entries) entries.push_back(&entry);
    if (style_.sorts_keys) {
      std::stable_sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) {
        return compare(a->first, b->first, "<") < 0;
      });
    }
    out_ += '{';
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) out_ += style_.item_separator;
      new_line(depth + 1);
      write_key(entries[i]->first);
      out_ += style_.key_separator;
      write(entries[i]->second, depth + 1);
    }
    if (!entries.empty()) new_line(depth);
    out_ += '}';
  }

  void write_key(const Value& key) {
    if (const MarkedText* text = key.text()) return write_string(*text);
    if (!is_number(key) && !key.is<None>()) {
      fail(fmt::format("keys must be str, int, float, bool or None, not {}", type_name(key)));
    }
    out_ += '"' + scalar(key) + '"';
  }

  const JsonStyle& style_;
  Budget& budget_;
  std::string out_;
  bool is_trusted_ = true;
};

// One conversion of either kind of format: [fill][align][sign][0][width][.precision][type]
struct Conversion {
  char align = '\0';
  std::string fill = " ";
  bool has_plus = false;
  bool has_zero = false;
  size_t width = 0;
  int precision = -1;
  char type = '\0';
};

size_t read_number(std::string_view text, size_t& at) {
  size_t value = 0;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
    value = value * 10 + static_cast<size_t>(text[at++] - '0');
    if (value > width_max) fail("a format asks for too wide a field");
  }
  return value;
}

MarkedText padded(MarkedText text, const Conversion& conversion, char usual_align) {
  const size_t length = code_point_count(text.bytes());
  if (length >= conversion.width) return text;
  const size_t missing = conversion.width - length;
  const char align = conversion.align ? conversion.align : usual_align;
  const size_t before = align == '>' ? missing : (align == '^' ? missing / 2 : 0);
  MarkedText result;
  for (size_t i = 0; i < before; ++i) result.append(conversion.fill, true);
  result.append(text);
  for (size_t i = before; i < missing; ++i) result.append(conversion.fill, true);
  return result;
}

std::string number_text(const Value& value, const Conversion& conversion) {
  if (!is_number(value)) fail(fmt::format("a number is required, not {}", type_name(value)));
  const char type = conversion.type ? conversion.type : (value.is<double>() ? 'g' : 'd');
  const int precision = conversion.precision < 0 ? 6 : std::min(conversion.precision, 100);
  std::string text;
  switch (type) {
    case 'd':
    case 'i':
    case 'u':
      text = fmt::format("{}", to_integer(value));
      break;
    case 'x':
      text = fmt::format("{:x}", to_integer(value));
      break;
    case 'X':
      text = fmt::format("{:X}", to_integer(value));
      break;
    case 'o':
      text = fmt::format("{:o}", to_integer(value));
      break;
    case 'b':
      text = fmt::format("{:b}", to_integer(value));
      break;
    case 'f':
    case 'F':
      text = fmt::format("{:.{}f}", to_double(value), precision);
      break;
    case 'e':
      text = fmt::format("{:.{}e}", to_double(value), precision);
      break;
    case 'g':
      text = conversion.precision < 0 && !conversion.type
                 ? float_text(to_double(value))
                 : fmt::format("{:.{}g}", to_double(value), precision);
      break;
    case '%':
      text = fmt::format("{:.{}f}%", to_double(value) * 100, precision);
      break;
    default:
      fail(fmt::format("unsupported format character '{}'", type));
  }
  if (conversion.has_plus && text[0] != '-') text.insert(0, 1, '+');
  if (conversion.has_zero && text.size() < conversion.width) {
    const size_t sign = text[0] == '-' || text[0] == '+' ? 1 : 0;
    text.insert(sign, conversion.width - text.size(), '0');
  }
  return text;
}

MarkedText cut(const MarkedText& text, int precision) {
  if (precision < 0) return text;
  return text.slice(0, code_point_offset(text.bytes(), static_cast<size_t>(precision)));
}

class PercentFormatter {
 public:
  PercentFormatter(const MarkedText& format, const Value& arguments, Budget& budget)
      : format_(format), text_(format.bytes()), arguments_(arguments), budget_(budget) {}

  MarkedText run() {
    size_t start = 0;
    while (at_ < text_.size()) {
      if (text_[at_] != '%') {
        ++at_;
        continue;
      }
      out_.append(format_.slice(start, at_ - start));
      ++at_;
      convert();
      start = at_;
    }
    out_.append(format_.slice(start, at_ - start));
    const List* tuple = arguments_.list();
    const bool has_tuple = tuple && tuple->kind == ListKind::tuple;
    const size_t given = has_tuple ? tuple->items.size() : 1;
    if (used_ < given && !arguments_.dict())
      fail("not all arguments converted during string formatting");
    return std::move(out_);
  }

 private:
  Value next_argument() {
    const List* tuple = arguments_.list();
    if (tuple && tuple->kind == ListKind::tuple) {
      if (used_ >= tuple->items.size()) fail("not enough arguments for format string");
      return tuple->items[used_++];
    }
    if (used_++ > 0) fail("not enough arguments for format string");
    return arguments_;
  }

  Value named_argument() {
    const size_t close = text_.find(')', at_);
    if (close == std::string_view::npos) fail("incomplete format key");
    const Value* found = arguments_.dict()
                             ? arguments_.dict()->find(text_.substr(at_ + 1, close - at_ - 1))
                             : nullptr;
    if (!found) fail("format requires a mapping that has the key");
    at_ = close + 1;
    return *found;
  }

  void convert() {
    budget_.step();
    budget_.check_text_size(out_.size());
    const bool is_named = at_ < text_.size() && text_[at_] == '(';
    const Value named = is_named ? named_argument() : none();
    Conversion conversion;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '-')
        conversion.align = '<';
      else if (text_[at_] == '0')
        conversion.has_zero = true;
      else if (text_[at_] == '+')
        conversion.has_plus = true;
      else if (text_[at_] != ' ' && text_[at_] != '#')
        break;
    }
    conversion.width = read_number(text_, at_);
    if (at_ < text_.size() && text_[at_] == '.')
      conversion.precision = static_cast<int>(read_number(text_, ++at_));
    if (at_ >= text_.size()) fail("incomplete format");
    conversion.type = text_[at_++];
    if (conversion.type == '%') return out_.append(format_.slice(at_ - 1, 1));
    const Value value = is_named ? named : next_argument();
    const bool is_text = conversion.type == 's' || conversion.type == 'r';
    MarkedText text;
    if (is_text)
      text = cut(conversion.type == 's' ? to_text(value, budget_) : repr(value, budget_),
                 conversion.precision);
    if (!is_text) text = MarkedText(number_text(value, conversion), true);
    out_.append(padded(std::move(text), conversion, '>'));
  }

  const MarkedText& format_;
  std::string_view text_;
  const Value& arguments_;
  Budget& budget_;
  size_t at_ = 0;
  size_t used_ = 0;
  MarkedText out_;
};

class BraceFormatter {
 public:
  BraceFormatter(const MarkedText& format, const Arguments& arguments, Budget& budget)
      : format_(format), text_(format.bytes()), arguments_(arguments), budget_(budget) {}

  MarkedText run() {
    for (size_t at = 0; at < text_.size();) {
      const char c = text_[at];
      const bool is_double = at + 1 < text_.size() && text_[at + 1] == c && (c == '{' || c == '}');
      if (is_double) {
        out_.append(format_.slice(at, 1));
        at += 2;
      } else if (c == '{') {
        const size_t close = text_.find('}', at);
        if (close == std::string_view::npos) fail("expected '}' before end of string");
        replace_field(text_.substr(at + 1, close - at - 1));
        at = close + 1;
      } else if (c == '}') {
        fail("Single '}' encountered in format string");
      } else {
        const size_t end = std::min(text_.find_first_of("{}", at), text_.size());
        out_.append(format_.slice(at, end - at));
        at = end;
      }
    }
    return std::move(out_);
  }

 private:
  const Value& argument(std::string_view name) {
    const bool is_number = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return c >= '0' && c <= '9';
    });
    size_t index = next_;
    if (name.empty()) ++next_;
    if (is_number) std::from_chars(name.data(), name.data() + name.size(), index);
    const Value* found = nullptr;
    if (name.empty() || is_number) {
      if (index < arguments_.positional.size()) found = &arguments_.positional[index];
    } else {
      found = arguments_.find(name);
    }
    if (!found) fail("a format string names an argument that was not given");
    return *found;
  }

  void replace_field(std::string_view field) {
    budget_.step();
    budget_.check_text_size(out_.size());
    const size_t colon = field.find(':');
    std::string_view name = field.substr(0, colon);
    bool wants_repr = false;
    if (name.ends_with("!r")) wants_repr = true;
    if (name.ends_with("!r") || name.ends_with("!s")) name.remove_suffix(2);
    if (name.find_first_of(".[") != std::string_view::npos)
      fail("attributes inside of a format string are not supported");
    const Value& value = argument(name);
    const Conversion conversion =
        colon == std::string_view::npos ? Conversion{} : parse_spec(field.substr(colon + 1));
    const bool is_numeric = is_number(value) && !value.is<bool>() && !wants_repr;
    if (is_numeric && conversion.type != 's') {
      out_.append(padded(MarkedText(number_text(value, conversion), true), conversion, '>'));
    } else {
      const MarkedText text = wants_repr ? repr(value, budget_) : to_text(value, budget_);
      out_.append(padded(cut(text, conversion.precision), conversion, '<'));
    }
  }

  static Conversion parse_spec(std::string_view spec) {
    Conversion conversion;
    size_t at = 0;
    const auto is_align = [&](size_t index) {
      return index < spec.size() &&
             (spec[index] == '<' || spec[index] == '>' || spec[index] == '^');
    };
    const size_t fill_size = spec.empty() ? 0 : static_cast<size_t>(decode_utf8(spec).size_bytes);
    if (is_align(fill_size)) {
      conversion.fill = spec.substr(0, fill_size);
      conversion.align = spec[fill_size];
      at = fill_size + 1;
    } else if (is_align(0)) {
      conversion.align = spec[at++];
    }
    if (at < spec.size() && spec[at] == '+') {
      conversion.has_plus = true;
      ++at;
    }
    if (at < spec.size() && spec[at] == '0') conversion.has_zero = true;
    conversion.width = read_number(spec, at);
    if (at < spec.size() && spec[at] == '.')
      conversion.precision = static_cast<int>(read_number(spec, ++at));
    if (at < spec.size()) conversion.type = spec[at++];
    if (at < spec.size()) fail("Invalid format specifier");
    return conversion;
  }

  const MarkedText& format_;
  std::string_view text_;
  const Arguments& arguments_;
  Budget& budget_;
  size_t next_ = 0;
  MarkedText out_;
};

}  // namespace

MarkedText json_text(const Value& value, const JsonStyle& style, Budget& budget) {
  JsonWriter writer(style, budget);
  writer.write(value, 0);
  return writer.finish();
}

MarkedText format_percent(const MarkedText& format, const Value& arguments, Budget& budget) {
  return PercentFormatter(format, arguments, budget).run();
}

MarkedText format_braces(const MarkedText& format, const Arguments& arguments, Budget& budget) {
  return BraceFormatter(format, arguments, budget).run();
}

MarkedText escape_html(const MarkedText& text) {
  return text.mapped([](std::string_view bytes) {
    std::string escaped;
    for (char c : bytes) {
      switch (c) {
        case '&':
          escaped += "&amp;";
          break;
        case '<':
          escaped += "&lt;";
          break;
        case '>':
          escaped += "&gt;";
          break;
        case '\'':
          escaped += "&#39;";
          break;
        case '"':
          escaped += "&#34;";
          break;
        default:
          escaped += c;
      }
    }
    return escaped;
  });
}

}  // namespace hearth::modelfile::jinja
