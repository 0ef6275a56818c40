#include "modelfile/reply/tool_set.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace hearth::modelfile::reply {
namespace {

// Types are collected through anyOf and the like, this deep.
constexpr int depth_max = 8;

// What a name becomes where only identifiers are allowed.
std::string identifier(std::string_view name) {
  std::string result;
  for (const char letter : name) {
    const auto byte = static_cast<unsigned char>(letter);
    if (std::isalnum(byte) != 0 || letter == '_') result += letter;
    if (letter == ' ' || letter == '-' || letter == '.') result += '_';
  }
  if (!result.empty() && std::isdigit(static_cast<unsigned char>(result.front())) != 0)
    result.insert(0, 1, '_');
  return result;
}

void collect_types(const Json& schema, std::set<std::string>& types, int depth) {
  if (!schema.is_object() || depth > depth_max) return;
  if (const auto type = schema.find("type"); type != schema.end()) {
    if (type->is_string()) types.insert(type->get<std::string>());
    for (const Json& entry : type->is_array() ? *type : Json::array()) {
      if (entry.is_string()) types.insert(entry.get<std::string>());
    }
  }
  for (const char* key : {"anyOf", "oneOf", "allOf"}) {
    const auto choices = schema.find(key);
    if (choices == schema.end() || !choices->is_array()) continue;
    for (const Json& choice : *choices) collect_types(choice, types, depth + 1);
  }
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& letter : result)
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return result;
}

std::optional<Json> to_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const char* end = text.data() + text.size();
  int64_t whole = 0;
  if (const auto [stop, error] = std::from_chars(text.data(), end, whole);
      error == std::errc() && stop == end && !text.empty())
    return Json(whole);
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  const bool is_finite = value - value == 0;
  if (error != std::errc() || stop != end || text.empty() || !is_finite) return std::nullopt;
  constexpr double exact_max = 9007199254740992.0;
  const bool is_whole = value > -exact_max && value < exact_max &&
                        value == static_cast<double>(static_cast<int64_t>(value));
  return is_whole ? Json(static_cast<int64_t>(value)) : Json(value);
}

// Lines around a value are layout: one before and one behind it.
std::string_view strip_lines(std::string_view text) {
  if (text.starts_with("\r\n")) text.remove_prefix(1);
  if (text.starts_with('\n')) text.remove_prefix(1);
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

Json to_typed(const std::set<std::string>& types, std::string text) {
  const std::string_view word = trim(text);
  const auto is_allowed = [&types](const char* type) { return types.count(type) > 0; };
  if (is_allowed("boolean")) {
    const std::string small = lower(word);
    if (small == "true" || small == "false") return small == "true";
    if (types.size() == 1) return false;
  }
  if (is_allowed("integer") || is_allowed("number")) {
    const std::optional<Json> number = to_number(word);
    if (number && (is_allowed("number") || number->is_number_integer())) return *number;
  }
  if (is_allowed("array") || is_allowed("object")) {
    Json value = Json::parse(word, nullptr, false);
    if (value.is_array() && is_allowed("array")) return value;
    if (value.is_object() && is_allowed("object")) return value;
  }
  return text;
}

}  // namespace

std::set<std::string> value_types(const Json& schema) {
  std::set<std::string> types;
  collect_types(schema, types, 0);
  return types;
}

ToolSet::ToolSet(const std::vector<Tool>& tools) {
  for (const Tool& tool : tools) {
    const Json* function = &tool;
    if (tool.is_object() && tool.contains("function")) function = &tool["function"];
    if (!function->is_object() || !function->contains("name") || !(*function)["name"].is_string())
      continue;
    Entry& entry = tools_.emplace_back(Entry{(*function)["name"].get<std::string>(), {}});
    if (function->contains("parameters")) entry.parameters = (*function)["parameters"];
  }
}

std::optional<std::string> ToolSet::resolve(std::string_view written) const {
  const auto find = [this](std::string_view name) -> std::optional<std::string> {
    for (const Entry& tool : tools_) {
      if (tool.name == name) return tool.name;
    }
    return std::nullopt;
  };
  written = trim(written);
  if (auto found = find(written)) return found;
  if (written.starts_with("functions.")) written.remove_prefix(10);
  if (auto found = find(written)) return found;
  const size_t colon = written.rfind(':');
  if (colon != std::string_view::npos &&
      written.find_first_not_of("0123456789", colon + 1) == std::string_view::npos) {
    written = written.substr(0, colon);
    if (auto found = find(written)) return found;
  }
  for (const Entry& tool : tools_) {
    if (!written.empty() && identifier(tool.name) == written) return tool.name;
  }
  return std::nullopt;
}

const Json* ToolSet::parameters_of(std::string_view tool) const {
  for (const Entry& entry : tools_) {
    if (entry.name == tool) return entry.parameters.is_object() ? &entry.parameters : nullptr;
  }
  return nullptr;
}

Json ToolSet::coerce(std::string_view tool, std::string_view key, std::string text) const {
  text = std::string(strip_lines(text));
  if (lower(trim(text)) == "null") return nullptr;
  const Json* parameters = parameters_of(tool);
  const auto properties = parameters ? parameters->find("properties") : Json::const_iterator();
  if (!parameters || properties == parameters->end() || !properties->is_object()) return text;
  const auto property = properties->find(std::string(key));
  if (property == properties->end()) return text;
  const std::set<std::string> types = value_types(*property);
  return types.empty() ? Json(std::move(text)) : to_typed(types, std::move(text));
}

std::optional<std::string> ToolSet::parameter_at(std::string_view tool, size_t index) const {
  const Json* parameters = parameters_of(tool);
  if (!parameters || !parameters->contains("properties")) return std::nullopt;
  const Json& properties = (*parameters)["properties"];
  if (!properties.is_object() || index >= properties.size()) return std::nullopt;
  return std::next(properties.begin(), static_cast<std::ptrdiff_t>(index)).key();
}

bool ToolSet::has_required(std::string_view tool, const Json& arguments) const {
  const Json* parameters = parameters_of(tool);
  if (!parameters || !parameters->contains("required")) return true;
  const Json& required = (*parameters)["required"];
  return !required.is_array() ||
         std::all_of(required.begin(), required.end(), [&](const Json& key) {
           return !key.is_string() || arguments.contains(key.get<std::string>());
         });
}

}  // namespace hearth::modelfile::reply
