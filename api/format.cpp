#include "api/format.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace hearth::api {
namespace {

Format schema_format(const Json& schema, std::string_view name) {
  if (!schema.is_object() && !schema.is_boolean()) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{}: expected a JSON schema, found {}", name, schema.type_name()));
  }
  return {Format::Kind::schema, to_line(schema), false};
}

// `grammar` and `regex`, at most one of them, and not beside another format.
std::optional<Format> add_own_fields(const Fields& fields, std::optional<Format> format) {
  constexpr std::pair<std::string_view, Format::Kind> kinds[] = {{"grammar", Format::Kind::grammar},
                                                                 {"regex", Format::Kind::regex}};
  for (const auto& [key, kind] : kinds) {
    std::string text = fields.text(key).value_or("");
    if (text.empty()) continue;
    if (format) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("{}: the format of the answer is said twice; send one of format, "
                              "response_format, grammar and regex",
                              key));
    }
    format = Format{kind, std::move(text), false};
  }
  const bool is_best_effort = fields.boolean("format_best_effort").value_or(false);
  if (format && is_best_effort) format->is_best_effort = true;
  return format;
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  });
  return text;
}

}  // namespace

std::optional<Format> read_native_format(const Fields& fields) {
  const Json* value = fields.find("format");
  std::optional<Format> format;
  if (value != nullptr && value->is_object()) {
    format = schema_format(*value, "format");
  } else if (value != nullptr && *value == "json") {
    format = Format{};
  } else if (value != nullptr && *value != "") {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("invalid format: {}; expected \"json\" or a JSON schema", to_line(*value)));
  }
  return add_own_fields(fields, std::move(format));
}

std::optional<Format> read_format_object(const Json& format, std::string_view what,
                                         std::vector<std::string>& warnings) {
  const std::string name = fmt::format("{}.", what);
  const Fields fields(format, name);
  const std::string type = lower_case(fields.text("type").value_or("text"));
  std::optional<Format> result;
  if (type == "json_schema") {
    // Chat puts the schema one level deeper than the other endpoints.
    const Json* inner = fields.object("json_schema");
    const std::string inner_name = inner != nullptr ? name + "json_schema." : name;
    const Fields schema_fields(inner != nullptr ? *inner : format, inner_name);
    const Json* schema = schema_fields.find("schema");
    if (schema == nullptr) throw Error(ErrorCode::invalid_argument, inner_name + "schema: missing");
    result = schema_format(*schema, inner_name + "schema");
    result->is_best_effort = !schema_fields.boolean("strict").value_or(true);
    for (const char* key : {"name", "description", "type"}) schema_fields.find(key);
    note_unread(schema_fields, warnings);
  } else if (type == "json_object") {
    const Json* schema = fields.find("schema");
    result = schema != nullptr ? schema_format(*schema, name + "schema") : Format{};
    note_unread(fields, warnings);
  } else if (type != "text") {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("{}type: expected text, json_object or json_schema, found \"{}\"", name, type));
  }
  return result;
}

std::optional<Format> read_response_format(const Fields& fields) {
  std::vector<std::string> ignored;
  std::optional<Format> format;
  if (const Json* object = fields.object("response_format"))
    format = read_format_object(*object, "response_format", ignored);
  if (const Json* schema = fields.find("json_schema"); schema != nullptr && !format)
    format = schema_format(*schema, "json_schema");
  return add_own_fields(fields, std::move(format));
}

}  // namespace hearth::api
