// JSON as Go's encoding/json writes it, which models behind Go templates were trained on.
#include <fmt/format.h>

#include <cmath>

#include "base/utf8.h"
#include "modelfile/template/go/value.h"

namespace hearth::modelfile::go {
namespace {

constexpr int nesting_max = 300;

class JsonWriter {
 public:
  explicit JsonWriter(Budget& budget) : budget_(budget) {}

  void write(const Value& value, int depth) {
    if (depth > nesting_max) fail("a value is nested too deeply");
    budget_.step();
    budget_.check_text_size(out_.size());
    if (const MarkedText* text = value.text()) {
      write_string(text->bytes(), text->is_all_trusted());
    } else if (value.is<ListView>()) {
      write_list(value.items(), depth);
    } else if (const Map* map = value.map()) {
      write_map(*map, depth);
    } else {
      write_scalar(value);
    }
  }

  // One untrusted string makes all of it untrusted.
  MarkedText finish() { return MarkedText(std::move(out_), is_trusted_); }

 private:
  void write_scalar(const Value& value) {
    if (value.is_absent()) out_ += "null";
    if (const bool* flag = value.as<bool>()) out_ += *flag ? "true" : "false";
    if (const int64_t* number = value.as<int64_t>()) out_ += fmt::format("{}", *number);
    if (const double* number = value.as<double>()) {
      if (!std::isfinite(*number)) fail("json: a number that JSON does not have");
      out_ += float_text(*number, -6, 21);
    }
  }

  void write_string(std::string_view text, bool is_trusted) {
    is_trusted_ = is_trusted_ && is_trusted;
    budget_.step(text.size() / 64);
    out_ += '"';
    while (!text.empty()) {
      const CodePoint point = decode_utf8(text);
      write_character(point.value, text.substr(0, static_cast<size_t>(point.size_bytes)));
      text.remove_prefix(static_cast<size_t>(point.size_bytes));
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
    } else if (value < 0x20 || value == '<' || value == '>' || value == '&' || value == 0x2028 ||
               value == 0x2029) {
      out_ += fmt::format("\\u{:04x}", value);
    } else {
      out_ += bytes;
    }
  }

  void write_list(std::span<const Value> items, int depth) {
    out_ += '[';
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += ',';
      write(items[i], depth + 1);
    }
    out_ += ']';
  }

  void write_map(const Map& map, int depth) {
    const bool is_structure = map.kind == MapKind::structure;
    out_ += '{';
    bool is_first = true;
    for (const Entry& entry : map.entries) {
      if (is_structure && entry.json_key.empty()) continue;
      if (entry.omits_empty && !is_true(entry.value)) continue;
      if (!is_first) out_ += ',';
      is_first = false;
      write_string(is_structure ? entry.json_key : entry.key, is_structure || entry.is_trusted);
      out_ += ':';
      write(entry.value, depth + 1);
    }
    out_ += '}';
  }

  Budget& budget_;
  std::string out_;
  bool is_trusted_ = true;
};

}  // namespace

MarkedText json_text(const Value& value, Budget& budget) {
  JsonWriter writer(budget);
  writer.write(value, 0);
  return writer.finish();
}

}  // namespace hearth::modelfile::go
