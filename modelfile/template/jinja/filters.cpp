// Filters of text and numbers. Those of sequences are in sequence_filters.cpp.
#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/utf8.h"
#include "modelfile/template/jinja/filter_tables.h"
#include "modelfile/template/jinja/format.h"
#include "modelfile/template/jinja/strings.h"
#include "modelfile/template/jinja/unicode.h"

namespace hearth::modelfile::jinja {
namespace {

using I = Interpreter&;
using V = const Value&;
using A = const Arguments&;

bool flag_argument(A arguments, size_t index, std::string_view name, bool otherwise) {
  const Value* value = arguments.find(index, name);
  return value ? is_true(*value) : otherwise;
}

int64_t whole_argument(A arguments, size_t index, std::string_view name, int64_t otherwise) {
  const Value* value = arguments.find(index, name);
  if (!value) return otherwise;
  if (value->is<Undefined>()) fail_undefined(*value);
  if (!is_number(*value))
    fail(fmt::format("argument '{}' must be a number, not {}", name, type_name(*value)));
  return to_integer(*value);
}

bool is_markup(V value) {
  const auto* string = value.as<StringRef>();
  return string && (*string)->is_markup;
}

template <MarkedText (*change)(const MarkedText&)>
Value filter_map(I interpreter, V value, A) {
  return interpreter.heap().string(change(interpreter.text_of(value)), is_markup(value));
}

bool starts_title_word(uint32_t before) {
  return is_space(before) || before == '-' || before == '(' || before == '{' || before == '[' ||
         before == '<';
}

Value filter_title(I interpreter, V value, A) {
  return interpreter.heap().string(title(interpreter.text_of(value), starts_title_word));
}

Value filter_trim(I interpreter, V value, A arguments) {
  const MarkedText text = interpreter.text_of(value);
  const Value* characters = arguments.find(0, "chars");
  const bool has_characters = characters && characters->text();
  return interpreter.heap().string(has_characters
                                       ? strip(text, Side::both, characters->text()->bytes())
                                       : strip(text, Side::both),
                                   is_markup(value));
}

Value filter_string(I interpreter, V value, A) {
  return value.text() ? value : interpreter.heap().string(interpreter.text_of(value));
}

Value filter_safe(I interpreter, V value, A) {
  return interpreter.heap().string(interpreter.text_of(value), true);
}

Value filter_escape(I interpreter, V value, A) {
  if (is_markup(value)) return value;
  return interpreter.heap().string(escape_html(interpreter.text_of(value)), true);
}

Value filter_replace(I interpreter, V value, A arguments) {
  Arguments texts = arguments;
  for (size_t i = 0; i < 2 && i < texts.positional.size(); ++i) {
    texts.positional[i] = filter_string(interpreter, texts.positional[i], {});
  }
  return call_method(interpreter, filter_string(interpreter, value, {}), "replace", texts);
}

Value filter_default(I, V value, A arguments) {
  const bool replaces =
      value.is<Undefined>() || (flag_argument(arguments, 1, "boolean", false) && !is_true(value));
  if (!replaces) return value;
  const Value* otherwise = arguments.find(0, "default_value");
  static const Value empty{std::make_shared<const String>(MarkedText(), false, nullptr)};
  return otherwise ? *otherwise : empty;
}

Value filter_length(I, V value, A) {
  const auto size = length(value);
  if (!size) fail(fmt::format("object of type '{}' has no len()", type_name(value)));
  return integer(static_cast<int64_t>(*size));
}

Value filter_abs(I interpreter, V value, A) {
  if (value.is<Undefined>()) fail_undefined(value);
  if (!is_number(value)) fail(fmt::format("bad operand type for abs(): '{}'", type_name(value)));
  if (value.is<double>()) return real(std::abs(to_double(value)));
  return to_integer(value) < 0 ? binary_operation("-", integer(0), value, interpreter.heap())
                               : integer(to_integer(value));
}

std::string plain(const MarkedText& text) {
  std::string digits;
  const MarkedText stripped = strip(text, Side::both);
  for (char c : stripped.bytes()) {
    if (c != '_') digits += c;
  }
  if (digits.starts_with('+')) digits.erase(0, 1);
  return digits;
}

std::optional<double> parse_real(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Value filter_int(I, V value, A arguments) {
  const Value* given = arguments.find(0, "default");
  const Value otherwise = given ? *given : integer(0);
  if (is_number(value)) {
    const bool is_finite = !value.is<double>() || std::abs(to_double(value)) < 9e18;
    return is_finite ? integer(to_integer(value)) : otherwise;
  }
  if (!value.text()) return otherwise;
  const int base =
      static_cast<int>(std::clamp<int64_t>(whole_argument(arguments, 1, "base", 10), 2, 36));
  std::string digits = plain(*value.text());
  const bool has_prefix = base != 10 && digits.size() > 2 && digits[0] == '0' &&
                          !is_digit(static_cast<uint32_t>(digits[1]));
  if (has_prefix) digits.erase(0, 2);
  int64_t whole = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), whole, base);
  if (error == std::errc() && end == digits.data() + digits.size()) return integer(whole);
  const auto number = parse_real(digits);
  return number && std::abs(*number) < 9e18 ? integer(static_cast<int64_t>(*number)) : otherwise;
}

Value filter_float(I, V value, A arguments) {
  const Value* given = arguments.find(0, "default");
  const Value otherwise = given ? *given : real(0);
  if (is_number(value)) return real(to_double(value));
  if (!value.text()) return otherwise;
  const auto number = parse_real(plain(*value.text()));
  return number ? real(*number) : otherwise;
}

Value filter_round(I, V value, A arguments) {
  if (!is_number(value))
    fail(fmt::format("type {} doesn't define __round__ method", type_name(value)));
  const Value* method = arguments.find(1, "method");
  const std::string name = method && method->text() ? method->text()->bytes() : "common";
  const double scale =
      std::pow(10.0, static_cast<double>(whole_argument(arguments, 0, "precision", 0)));
  const double scaled = to_double(value) * scale;
  if (name == "ceil") return real(std::ceil(scaled) / scale);
  if (name == "floor") return real(std::floor(scaled) / scale);
  return real(std::nearbyint(scaled) / scale);
}

std::optional<std::string> indent_argument(A arguments) {
  const Value* indent = arguments.find(1, "indent");
  if (!indent || indent->is<None>()) return std::nullopt;
  if (indent->text()) return indent->text()->bytes();
  return std::string(
      static_cast<size_t>(std::clamp<int64_t>(whole_argument(arguments, 1, "indent", 0), 0, 100)),
      ' ');
}

// The signature transformers gives it: (value, ensure_ascii=False, indent=None, separators=None,
// sort_keys=False).
Value filter_tojson(I interpreter, V value, A arguments) {
  JsonStyle style;
  style.is_ascii = flag_argument(arguments, 0, "ensure_ascii", false);
  style.indent = indent_argument(arguments);
  style.sorts_keys = flag_argument(arguments, 3, "sort_keys", false);
  if (style.indent) style.item_separator.resize(1);  // no blank before a line break
  const Value* separators = arguments.find(2, "separators");
  if (separators && separators->list() && separators->list()->items.size() == 2) {
    style.item_separator = interpreter.text_of(separators->list()->items[0]).bytes();
    style.key_separator = interpreter.text_of(separators->list()->items[1]).bytes();
  }
  return interpreter.heap().string(json_text(value, style, interpreter.budget()));
}

Value filter_indent(I interpreter, V value, A arguments) {
  const Value* width = arguments.find(0, "width");
  MarkedText by;
  if (width && width->text()) {
    by = *width->text();
  } else {
    by.append(std::string(static_cast<size_t>(std::clamp<int64_t>(
                              whole_argument(arguments, 0, "width", 4), 0, 1000)),
                          ' '),
              true);
  }
  const MarkedText text = interpreter.text_of(value);
  interpreter.budget().check_text_size(text.size() +
                                       (count_matches(text.bytes(), "\n") + 1) * by.size());
  return interpreter.heap().string(indent(text, by, flag_argument(arguments, 1, "first", false),
                                          flag_argument(arguments, 2, "blank", false)));
}

Value filter_format(I interpreter, V value, A arguments) {
  const MarkedText format = interpreter.text_of(value);
  if (!arguments.named.empty()) {
    Dict* names = interpreter.heap().dict();
    for (const auto& [name, entry] : arguments.named)
      names->set(interpreter.heap().string(name), entry);
    return interpreter.heap().string(format_percent(format, {names}, interpreter.budget()));
  }
  const Value tuple = interpreter.heap().list(arguments.positional, ListKind::tuple);
  return interpreter.heap().string(format_percent(format, tuple, interpreter.budget()));
}

Value filter_truncate(I interpreter, V value, A arguments) {
  const MarkedText text = interpreter.text_of(value);
  const auto width = static_cast<size_t>(
      std::clamp<int64_t>(whole_argument(arguments, 0, "length", 255), 0, 1 << 30));
  const bool cuts_words = flag_argument(arguments, 1, "killwords", false);
  const Value* end_value = arguments.find(2, "end");
  const MarkedText end = end_value ? interpreter.text_of(*end_value) : MarkedText("...", true);
  const auto leeway = static_cast<size_t>(
      std::clamp<int64_t>(whole_argument(arguments, 3, "leeway", 5), 0, 1 << 30));
  if (code_point_count(text.bytes()) <= width + leeway)
    return filter_string(interpreter, value, {});
  const size_t end_size = code_point_count(end.bytes());
  if (width < end_size) fail(fmt::format("expected length >= {}, got {}", end_size, width));
  MarkedText result = text.slice(0, code_point_offset(text.bytes(), width - end_size));
  if (!cuts_words) result = split(result, " ", 1, Side::right)[0];
  result.append(end);
  return interpreter.heap().string(std::move(result));
}

Value filter_wordcount(I interpreter, V value, A) {
  const MarkedText text = interpreter.text_of(value);
  int64_t count = 0;
  bool inside = false;
  for (std::string_view rest = text.bytes(); !rest.empty();) {
    const CodePoint point = decode_utf8(rest);
    const bool is_word = is_letter(point.value) || is_digit(point.value) || point.value == '_';
    count += is_word && !inside ? 1 : 0;
    inside = is_word;
    rest.remove_prefix(static_cast<size_t>(point.size_bytes));
  }
  return integer(count);
}

Value filter_center(I interpreter, V value, A arguments) {
  const Arguments width{{integer(whole_argument(arguments, 0, "width", 80))}, {}};
  return call_method(interpreter, filter_string(interpreter, value, {}), "center", width);
}

Value filter_urlencode(I interpreter, V value, A) {
  return interpreter.heap().string(interpreter.text_of(value).mapped([](std::string_view bytes) {
    std::string encoded;
    for (char c : bytes) {
      const bool is_plain = is_letter(static_cast<unsigned char>(c)) ||
                            is_digit(static_cast<uint32_t>(c)) ||
                            std::string_view("_.-~/").find(c) != std::string_view::npos;
      if (is_plain && static_cast<unsigned char>(c) < 0x80) {
        encoded += c;
      } else {
        encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
      }
    }
    return encoded;
  }));
}

Value filter_pprint(I interpreter, V value, A) {
  return interpreter.heap().string(repr(value, interpreter.budget()));
}

}  // namespace

const FilterTable& text_filters() {
  static const FilterTable table{{"upper", filter_map<upper>},
                                 {"lower", filter_map<lower>},
                                 {"capitalize", filter_map<capitalize>},
                                 {"title", filter_title},
                                 {"trim", filter_trim},
                                 {"string", filter_string},
                                 {"safe", filter_safe},
                                 {"escape", filter_escape},
                                 {"e", filter_escape},
                                 {"forceescape", filter_escape},
                                 {"replace", filter_replace},
                                 {"default", filter_default},
                                 {"d", filter_default},
                                 {"length", filter_length},
                                 {"count", filter_length},
                                 {"abs", filter_abs},
                                 {"int", filter_int},
                                 {"float", filter_float},
                                 {"round", filter_round},
                                 {"tojson", filter_tojson},
                                 {"indent", filter_indent},
                                 {"format", filter_format},
                                 {"truncate", filter_truncate},
                                 {"wordcount", filter_wordcount},
                                 {"center", filter_center},
                                 {"urlencode", filter_urlencode},
                                 {"pprint", filter_pprint}};
  return table;
}

FilterFunction find_filter(std::string_view name) {
  for (const FilterTable* table : {&text_filters(), &sequence_filters()}) {
    const auto found = table->find(name);
    if (found != table->end()) return found->second;
  }
  return nullptr;
}

}  // namespace hearth::modelfile::jinja
