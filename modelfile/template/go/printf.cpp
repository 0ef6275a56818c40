// printf as Go's fmt has it: flags - + # 0 and space, width and precision (also *), the verbs that
// make sense for what templates hold. Wrong uses give Go's %!verb(...) texts, not errors.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "base/utf8.h"
#include "modelfile/template/go/functions.h"
#include "modelfile/template/jinja/unicode.h"

namespace hearth::modelfile::go {
namespace {

constexpr int64_t width_max = 1'000'000;

struct Conversion {
  bool is_left = false;
  bool has_plus = false;
  bool has_zero = false;
  bool has_space = false;
  bool has_sharp = false;
  int64_t width = 0;
  int64_t precision = -1;
  uint32_t verb = 0;
};

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  static constexpr std::string_view special = "\"\\\a\b\f\n\r\t\v";
  static constexpr std::string_view letters = "\"\\abfnrtv";
  for (const char c : text) {
    const size_t at = special.find(c);
    if (at != std::string_view::npos) {
      out += '\\';
      out += letters[at];
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
  }
  return out + '"';
}

class Formatter {
 public:
  Formatter(const MarkedText& format, const std::vector<Value>& arguments, Budget& budget)
      : format_(format), text_(format.bytes()), arguments_(arguments), budget_(budget) {}

  MarkedText run() {
    while (at_ < text_.size()) {
      const size_t percent = std::min(text_.find('%', at_), text_.size());
      out_.append(format_.slice(at_, percent - at_));
      at_ = percent;
      if (at_ < text_.size()) convert();
      budget_.step();
      budget_.check_text_size(out_.size());
    }
    if (used_ < arguments_.size()) append_extra();
    return std::move(out_);
  }

 private:
  void append_extra() {
    out_.append("%!(EXTRA ", true);
    for (size_t i = used_; i < arguments_.size(); ++i) {
      if (i > used_) out_.append(", ", true);
      append_typed(arguments_[i]);
    }
    out_.append(")", true);
  }

  void append_typed(const Value& value) {
    out_.append(fmt::format("{}=", type_name(value)), true);
    out_.append(print_value(value, budget_));
  }

  bool read_flag(Conversion& conversion) {
    switch (text_[at_]) {
      case '-':
        conversion.is_left = true;
        return true;
      case '+':
        conversion.has_plus = true;
        return true;
      case '0':
        conversion.has_zero = true;
        return true;
      case ' ':
        conversion.has_space = true;
        return true;
      case '#':
        conversion.has_sharp = true;
        return true;
      default:
        return false;
    }
  }

  int64_t read_number(int64_t usual) {
    if (at_ < text_.size() && text_[at_] == '*') {
      ++at_;
      const int64_t* given =
          used_ < arguments_.size() ? arguments_[used_++].as<int64_t>() : nullptr;
      if (!given || std::abs(*given) > width_max) {
        out_.append("%!(BADWIDTH)", true);
        return usual;
      }
      return *given;
    }
    int64_t number = usual;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      number = std::max<int64_t>(number, 0) * 10 + (text_[at_++] - '0');
      if (number > width_max) fail("printf asks for too wide a field");
    }
    return number;
  }

  void convert() {
    const size_t start = at_++;
    Conversion conversion;
    while (at_ < text_.size() && read_flag(conversion)) ++at_;
    conversion.width = read_number(0);
    if (conversion.width < 0) conversion.is_left = true;
    conversion.width = std::abs(conversion.width);
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      conversion.precision = std::max<int64_t>(read_number(0), 0);
    }
    if (at_ >= text_.size()) return out_.append("%!(NOVERB)", true);
    const CodePoint verb = decode_utf8(text_.substr(at_));
    at_ += static_cast<size_t>(verb.size_bytes);
    conversion.verb = verb.value;
    if (verb.value == '%') return out_.append(format_.slice(start, 1));
    std::string name;
    append_utf8(name, verb.value);
    if (used_ >= arguments_.size()) return out_.append("%!" + name + "(MISSING)", false);
    const Value& value = arguments_[used_++];
    std::optional<MarkedText> text = converted(value, conversion);
    if (text) return append_padded(std::move(*text), conversion, value);
    out_.append("%!" + name + "(", false);
    append_typed(value);
    out_.append(")", true);
  }

  // Absent: the verb does not fit the value.
  std::optional<MarkedText> converted(const Value& value, const Conversion& conversion) {
    const uint32_t verb = conversion.verb;
    if (verb == 'v') return print_value(value, budget_);
    if (verb == 'T') return MarkedText(std::string(type_name(value)), true);
    if (value.text()) return text_conversion(*value.text(), conversion);
    if (value.as<int64_t>()) return integer_conversion(*value.as<int64_t>(), conversion);
    if (value.as<double>()) return real_conversion(*value.as<double>(), conversion);
    if (value.as<bool>() && verb == 't') return print_value(value, budget_);
    const bool is_container = value.is<ListView>() || value.map();
    if (is_container && (verb == 's' || verb == 'd')) return print_value(value, budget_);
    return std::nullopt;
  }

  std::optional<MarkedText> text_conversion(const MarkedText& text, const Conversion& conversion) {
    MarkedText cut = text;
    if (conversion.precision >= 0) {
      const auto count = static_cast<size_t>(conversion.precision);
      cut = text.slice(0, jinja::code_point_offset(text.bytes(), count));
    }
    if (conversion.verb == 's') return cut;
    if (conversion.verb == 'q') return MarkedText(in_quotes(cut.bytes()), cut.is_all_trusted());
    if (conversion.verb != 'x' && conversion.verb != 'X') return std::nullopt;
    return cut.mapped([&](std::string_view bytes) {
      std::string out;
      for (const char c : bytes) {
        const auto byte = static_cast<unsigned>(static_cast<unsigned char>(c));
        out += conversion.verb == 'x' ? fmt::format("{:02x}", byte) : fmt::format("{:02X}", byte);
      }
      return out;
    });
  }

  static std::string with_sign(std::string digits, bool is_negative, const Conversion& conversion) {
    if (is_negative) return "-" + digits;
    if (conversion.has_plus) return "+" + digits;
    return conversion.has_space ? " " + digits : digits;
  }

  std::optional<MarkedText> integer_conversion(int64_t value, const Conversion& conversion) {
    const bool is_negative = value < 0;
    const uint64_t size =
        is_negative ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
    std::string digits;
    switch (conversion.verb) {
      case 'd':
        digits = fmt::format("{}", size);
        break;
      case 'x':
        digits = conversion.has_sharp ? fmt::format("{:#x}", size) : fmt::format("{:x}", size);
        break;
      case 'X':
        digits = conversion.has_sharp ? fmt::format("{:#X}", size) : fmt::format("{:X}", size);
        break;
      case 'o':
        digits = fmt::format("{:o}", size);
        break;
      case 'b':
        digits = fmt::format("{:b}", size);
        break;
      case 'c': {
        std::string character;
        append_utf8(character, size > 0x10FFFF || (size >= 0xD800 && size < 0xE000)
                                   ? 0xFFFD
                                   : static_cast<uint32_t>(size));
        return MarkedText(std::move(character), false);  // could spell a control token piecewise
      }
      default:
        return std::nullopt;
    }
    return MarkedText(with_sign(std::move(digits), is_negative, conversion), true);
  }

  std::optional<MarkedText> real_conversion(double value, const Conversion& conversion) {
    const int precision = static_cast<int>(std::min<int64_t>(conversion.precision, 300));
    const double size = std::abs(value);
    std::string digits;
    switch (conversion.verb) {
      case 'f':
      case 'F':
        digits = fmt::format("{:.{}f}", size, precision < 0 ? 6 : precision);
        break;
      case 'e':
        digits = fmt::format("{:.{}e}", size, precision < 0 ? 6 : precision);
        break;
      case 'g':
        digits = precision < 0 ? float_text(size, -4, 6) : fmt::format("{:.{}g}", size, precision);
        break;
      default:
        return std::nullopt;
    }
    return MarkedText(with_sign(std::move(digits), value < 0, conversion), true);
  }

  void append_padded(MarkedText text, const Conversion& conversion, const Value& value) {
    const auto width = static_cast<size_t>(conversion.width);
    const size_t length = jinja::code_point_count(text.bytes());
    if (length >= width) return out_.append(text);
    const std::string_view bytes = text.bytes();
    const bool is_number = value.is<int64_t>() || value.is<double>();
    budget_.check_text_size(out_.size() + width);
    if (conversion.has_zero && is_number && !conversion.is_left) {
      const size_t sign = !bytes.empty() && (bytes[0] == '-' || bytes[0] == '+') ? 1 : 0;
      out_.append(text.slice(0, sign));
      out_.append(std::string(width - length, '0'), true);
      return out_.append(text.slice(sign, text.size()));
    }
    const std::string padding(width - length, ' ');
    if (!conversion.is_left) out_.append(padding, true);
    out_.append(text);
    if (conversion.is_left) out_.append(padding, true);
  }

  const MarkedText& format_;
  std::string_view text_;
  const std::vector<Value>& arguments_;
  Budget& budget_;
  size_t at_ = 0;
  size_t used_ = 0;
  MarkedText out_;
};

}  // namespace

MarkedText format(const MarkedText& format, const std::vector<Value>& arguments, Budget& budget) {
  return Formatter(format, arguments, budget).run();
}

}  // namespace hearth::modelfile::go
