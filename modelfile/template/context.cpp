#include "modelfile/template/context.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/error.h"
#include "base/utf8.h"

namespace hearth::modelfile {
namespace {

using jinja::Value;

constexpr int nesting_max = 200;

constexpr std::array<std::string_view, 16> known_words{
    "system", "user",  "assistant", "tool",   "developer", "function", "text",    "image",
    "audio",  "video", "low",       "medium", "high",      "max",      "minimal", "none"};

bool is_trusted(std::string_view key, std::string_view text, int depth) {
  if (depth == 1 && key.ends_with("_token")) return true;
  if (key != "role" && key != "type" && key != "reasoning_effort") return false;
  return is_known_word(text);
}

class Converter {
 public:
  explicit Converter(jinja::Heap& heap) : heap_(heap) {}

  Value convert(const Json& json, std::string_view key, int depth) {
    if (depth > nesting_max) fail("the data for the template is nested too deeply");
    switch (json.type()) {
      case Json::value_t::boolean:
        return jinja::boolean(json.get<bool>());
      case Json::value_t::number_integer:
        return jinja::integer(json.get<int64_t>());
      case Json::value_t::number_unsigned:
        return convert_unsigned(json.get<uint64_t>());
      case Json::value_t::number_float:
        return jinja::real(json.get<double>());
      case Json::value_t::string: {
        const std::string& text = json.get_ref<const std::string&>();
        return heap_.string(MarkedText(repair_utf8(text), is_trusted(key, text, depth)));
      }
      case Json::value_t::array:
        return convert_array(json, key, depth);
      case Json::value_t::object:
        return {convert_object(json, depth)};
      default:
        return jinja::none();
    }
  }

  jinja::Dict* convert_object(const Json& json, int depth) {
    jinja::Dict* dict = heap_.dict();
    for (const auto& [key, value] : json.items()) {
      dict->set(heap_.string(repair_utf8(key), false), convert(value, key, depth + 1));
    }
    return dict;
  }

 private:
  static Value convert_unsigned(uint64_t number) {
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return jinja::real(static_cast<double>(number));
    }
    return jinja::integer(static_cast<int64_t>(number));
  }

  Value convert_array(const Json& json, std::string_view key, int depth) {
    std::vector<Value> items;
    for (const Json& item : json) items.push_back(convert(item, key, depth + 1));
    return heap_.list(std::move(items));
  }

  jinja::Heap& heap_;
};

Json tool_calls_json(const std::vector<ToolCall>& calls) {
  Json list = Json::array();
  for (const ToolCall& call : calls) {
    Json entry = Json::object();
    if (!call.id.empty()) entry["id"] = call.id;
    entry["type"] = "function";
    entry["function"] = {{"name", call.name}, {"arguments", call.arguments}};
    list.push_back(std::move(entry));
  }
  return list;
}

Json message_json(const Message& message) {
  Json json{{"role", message.role}, {"content", message.content}};
  if (!message.thinking.empty()) {
    // Families disagree on the name.
    json["reasoning_content"] = message.thinking;
    json["thinking"] = message.thinking;
  }
  if (!message.tool_calls.empty()) json["tool_calls"] = tool_calls_json(message.tool_calls);
  if (!message.tool_name.empty()) json["name"] = message.tool_name;
  if (!message.tool_call_id.empty()) json["tool_call_id"] = message.tool_call_id;
  return json;
}

}  // namespace

bool is_known_word(std::string_view text) {
  return std::find(known_words.begin(), known_words.end(), text) != known_words.end();
}

Json context_json(const RenderContext& context) {
  Json json = Json::object();
  for (const auto& [name, value] : context.variables.items()) {
    // Texts of tokens are trusted, and a list of tools is what says that there are some.
    if (!name.ends_with("_token") && name != "tools") json[name] = value;
  }
  json["messages"] = Json::array();
  for (const Message& message : context.messages) json["messages"].push_back(message_json(message));
  if (!context.tools.empty()) json["tools"] = context.tools;
  json["add_generation_prompt"] = context.add_generation_prompt;
  json["bos_token"] = context.bos_token;
  json["eos_token"] = context.eos_token;
  if (context.enable_thinking) json["enable_thinking"] = *context.enable_thinking;
  if (!context.reasoning_effort.empty()) json["reasoning_effort"] = context.reasoning_effort;
  if (!context.suffix.empty()) json["suffix"] = context.suffix;
  return json;
}

const jinja::Dict& context_values(const Json& context, jinja::Heap& heap) {
  return *Converter(heap).convert_object(context, 0);
}

}  // namespace hearth::modelfile
