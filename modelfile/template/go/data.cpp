#include "modelfile/template/go/data.h"

#include <algorithm>
#include <limits>

#include "base/utf8.h"
#include "modelfile/template/context.h"

namespace hearth::modelfile::go {
namespace {

constexpr int nesting_max = 200;

MarkedText untrusted(std::string_view text) {
  return MarkedText(repair_utf8(text), false);
}
// Roles, kinds and efforts are trusted when they are the words everybody knows.
MarkedText word(std::string_view text) {
  return MarkedText(repair_utf8(text), is_known_word(text));
}

// The member of that name, or null: as JSON, so that what was sent is never a surprise.
const Json& member(const Json& object, const char* name) {
  static const Json null;
  if (!object.is_object()) return null;
  const auto found = object.find(name);
  return found == object.end() ? null : *found;
}

std::string text_of(const Json& json) {
  return json.is_string() ? json.get<std::string>() : std::string();
}

// A content of parts is the texts of its parts.
std::string content_text(const Json& content) {
  if (!content.is_array()) return text_of(content);
  std::string text;
  for (const Json& part : content) text += text_of(member(part, "text"));
  return text;
}

class Converter {
 public:
  explicit Converter(Heap& heap) : heap_(heap) {}

  Value string(MarkedText text) { return heap_.string(std::move(text)); }

  Value convert(const Json& json, int depth = 0) {
    if (depth > nesting_max) fail("the data for the template is nested too deeply");
    switch (json.type()) {
      case Json::value_t::boolean:
        return boolean(json.get<bool>());
      case Json::value_t::number_integer:
        return integer(json.get<int64_t>());
      case Json::value_t::number_unsigned:
        return convert_unsigned(json.get<uint64_t>());
      case Json::value_t::number_float:
        return {json.get<double>()};
      case Json::value_t::string:
        return string(untrusted(json.get_ref<const std::string&>()));
      case Json::value_t::array: {
        List list;
        for (const Json& item : json) list.items.push_back(convert(item, depth + 1));
        return heap_.list(std::move(list));
      }
      case Json::value_t::object: {
        Map map;
        for (const auto& [key, value] : json.items())
          map.entries.push_back({repair_utf8(key), false, "", false, convert(value, depth + 1)});
        return heap_.map(std::move(map));
      }
      default:
        return {Nil{}};
    }
  }

  Value message(const Turn& turn) {
    Map map = structure("*api.Message");
    add(map, "Role", "role", false, string(turn.role));
    add(map, "Content", "content", false, string(turn.content));
    add(map, "Thinking", "thinking", true, string(turn.thinking));
    add(map, "Images", "images", true, heap_.list({}));
    add(map, "ToolCalls", "tool_calls", true, tool_calls(turn.tool_calls));
    add(map, "ToolName", "tool_name", true, string(turn.tool_name));
    add(map, "ToolCallID", "tool_call_id", true, string(turn.tool_call_id));
    return heap_.map(std::move(map));
  }

  Value tools(const Json& tools) {
    List list;
    list.type = "api.Tools";
    list.prints_json = true;
    if (tools.is_array()) {
      for (const Json& entry : tools) list.items.push_back(tool(entry));
    }
    return heap_.list(std::move(list));
  }

 private:
  static Value convert_unsigned(uint64_t number) {
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      return {static_cast<double>(number)};
    return integer(static_cast<int64_t>(number));
  }

  static Map structure(std::string_view type) {
    Map map;
    map.kind = MapKind::structure;
    map.type = type;
    return map;
  }

  static void add(Map& map, std::string key, std::string json_key, bool omits_empty, Value value) {
    map.entries.push_back(
        {std::move(key), true, std::move(json_key), omits_empty, std::move(value)});
  }

  Value text_member(const Json& object, const char* name) {
    return string(untrusted(text_of(member(object, name))));
  }

  Value arguments(const Json& given) {
    Json parsed = given.is_string() ? Json::parse(text_of(given), nullptr, false) : given;
    if (!parsed.is_object()) parsed = Json::object();
    Map map;
    map.type = "api.ToolCallFunctionArguments";
    map.prints_json = true;
    for (const auto& [key, value] : parsed.items())
      map.entries.push_back({repair_utf8(key), false, "", false, convert(value, 1)});
    return heap_.map(std::move(map));
  }

  Value tool_calls(const Json& calls) {
    List list;
    list.type = "[]api.ToolCall";
    for (const Json& call : calls) {
      const Json& function = member(call, "function");
      Map inner = structure("api.ToolCallFunction");
      add(inner, "Index", "index", false, integer(static_cast<int64_t>(list.items.size())));
      add(inner, "Name", "name", false, text_member(function, "name"));
      add(inner, "Arguments", "arguments", false, arguments(member(function, "arguments")));
      Map map = structure("api.ToolCall");
      add(map, "ID", "id", true, text_member(call, "id"));
      add(map, "Function", "function", false, heap_.map(std::move(inner)));
      list.items.push_back(heap_.map(std::move(map)));
    }
    return heap_.list(std::move(list));
  }

  Value tool(const Json& tool) {
    const Json& function = member(tool, "function");
    const Json& schema = member(function, "parameters");
    Map parameters = structure("api.ToolFunctionParameters");
    add(parameters, "Type", "type", false, string(word(text_of(member(schema, "type")))));
    add(parameters, "Defs", "$defs", true, convert(member(schema, "$defs")));
    add(parameters, "Items", "items", true, convert(member(schema, "items")));
    add(parameters, "Required", "required", true, convert(member(schema, "required")));
    add(parameters, "Properties", "properties", false, properties(member(schema, "properties"), 0));
    Map inner = structure("api.ToolFunction");
    add(inner, "Name", "name", false, text_member(function, "name"));
    add(inner, "Description", "description", true, text_member(function, "description"));
    add(inner, "Parameters", "parameters", false, heap_.map(std::move(parameters)));
    Map map = structure("api.Tool");
    map.prints_json = true;
    add(map, "Type", "type", false, string(word(text_of(member(tool, "type")))));
    add(map, "Items", "items", true, convert(member(tool, "items")));
    add(map, "Function", "function", false, heap_.map(std::move(inner)));
    return heap_.map(std::move(map));
  }

  Value properties(const Json& schemas, int depth) {
    if (depth > nesting_max / 2) fail("a tool's parameters are nested too deeply");
    Map map;
    map.type = "map[string]api.ToolProperty";
    map.prints_json = true;
    if (schemas.is_object()) {
      for (const auto& [key, value] : schemas.items())
        map.entries.push_back({repair_utf8(key), false, "", false, property(value, depth)});
    }
    return heap_.map(std::move(map));
  }

  Value property(const Json& schema, int depth) {
    if (depth > nesting_max / 2) fail("a tool's parameters are nested too deeply");
    List any_of;
    any_of.type = "[]api.ToolProperty";
    if (const Json& choices = member(schema, "anyOf"); choices.is_array()) {
      for (const Json& choice : choices) any_of.items.push_back(property(choice, depth + 1));
    }
    const Json& nested = member(schema, "properties");
    Map map = structure("api.ToolProperty");
    add(map, "AnyOf", "anyOf", true, heap_.list(std::move(any_of)));
    add(map, "Type", "type", true, type_of(member(schema, "type")));
    add(map, "Items", "items", true, convert(member(schema, "items")));
    add(map, "Description", "description", true, text_member(schema, "description"));
    add(map, "Enum", "enum", true, convert(member(schema, "enum")));
    add(map, "Properties", "properties", true,
        nested.is_object() ? properties(nested, depth + 1) : Value{Nil{}});
    add(map, "Required", "required", true, convert(member(schema, "required")));
    return heap_.map(std::move(map));
  }

  // One type is a word, several are a list.
  Value type_of(const Json& type) {
    if (type.is_array() && type.size() == 1) return convert(type.front());
    return convert(type);
  }

  Heap& heap_;
};

Turn read_turn(const Json& message) {
  Turn turn;
  turn.role = word(text_of(member(message, "role")));
  turn.content = untrusted(content_text(member(message, "content")));
  const std::string thinking = text_of(member(message, "thinking"));
  turn.thinking =
      untrusted(thinking.empty() ? text_of(member(message, "reasoning_content")) : thinking);
  if (member(message, "tool_calls").is_array()) turn.tool_calls = member(message, "tool_calls");
  const std::string tool_name = text_of(member(message, "tool_name"));
  turn.tool_name = untrusted(tool_name.empty() ? text_of(member(message, "name")) : tool_name);
  turn.tool_call_id = untrusted(text_of(member(message, "tool_call_id")));
  return turn;
}

void append_paragraph(MarkedText& text, const MarkedText& more, bool is_first) {
  if (!is_first) text.append("\n\n", false);
  text.append(more);
}

void add_turn(Chat& chat, Turn turn) {
  const std::string& role = turn.role.bytes();
  if (!chat.turns.empty() && chat.turns.back().role.bytes() == role && role != "tool") {
    Turn& last = chat.turns.back();
    append_paragraph(last.content, turn.content, false);
    last.tool_calls.insert(last.tool_calls.end(), turn.tool_calls.begin(), turn.tool_calls.end());
  } else {
    chat.turns.push_back(std::move(turn));
  }
}

void add(Map& map, std::string key, Value value) {
  map.entries.push_back({std::move(key), true, "", false, std::move(value)});
}

Map root_map(const Chat& chat, Converter& converter) {
  Map map;
  map.kind = MapKind::root;
  add(map, "Think", boolean(chat.think));
  add(map, "ThinkLevel", converter.string(chat.think_level));
  add(map, "IsThinkSet", boolean(chat.has_think));
  return map;
}

}  // namespace

Chat read_chat(const Json& context) {
  Chat chat;
  bool has_system = false;
  if (const Json& messages = member(context, "messages"); messages.is_array()) {
    for (const Json& message : messages) {
      Turn turn = read_turn(message);
      if (turn.role.bytes() == "system") {
        append_paragraph(chat.system, turn.content, !has_system);
        has_system = true;
      }
      if (turn.role.bytes() == "user") chat.prompt = turn.content;
      add_turn(chat, std::move(turn));
    }
  }
  if (member(context, "tools").is_array()) chat.tools = member(context, "tools");
  chat.suffix = untrusted(text_of(member(context, "suffix")));
  const Json& think = member(context, "enable_thinking");
  const std::string level = text_of(member(context, "reasoning_effort"));
  chat.think_level = word(level);
  chat.has_think = think.is_boolean() || !level.empty();
  chat.think = think.is_boolean() ? think.get<bool>() : !level.empty();
  return chat;
}

Value chat_data(const Chat& chat, Heap& heap) {
  Converter converter(heap);
  Map map = root_map(chat, converter);
  List messages;
  messages.type = "[]*api.Message";
  for (const Turn& turn : chat.turns) messages.items.push_back(converter.message(turn));
  add(map, "System", converter.string(chat.system));
  add(map, "Messages", heap.list(std::move(messages)));
  add(map, "Tools", converter.tools(chat.tools));
  add(map, "Response", converter.string({}));
  return heap.map(std::move(map));
}

Value infill_data(const Chat& chat, Heap& heap) {
  Converter converter(heap);
  Map map = root_map(chat, converter);
  add(map, "Prompt", converter.string(chat.prompt));
  add(map, "Suffix", converter.string(chat.suffix));
  add(map, "Response", converter.string({}));
  return heap.map(std::move(map));
}

Value exchange_data(const Exchange& exchange, const Chat& chat, Heap& heap) {
  Converter converter(heap);
  Map map = root_map(chat, converter);
  add(map, "System", converter.string(exchange.system));
  add(map, "Prompt", converter.string(exchange.prompt));
  add(map, "Response", converter.string(exchange.response));
  return heap.map(std::move(map));
}

Value named_data(const Json& context, Heap& heap) {
  Converter converter(heap);
  Map map;
  map.kind = MapKind::root;
  for (const auto& [key, value] : context.items()) {
    if (key == "Messages") {
      List messages;
      messages.type = "[]*api.Message";
      for (const Json& message : value)
        messages.items.push_back(converter.message(read_turn(message)));
      add(map, key, heap.list(std::move(messages)));
    } else {
      add(map, key, key == "Tools" ? converter.tools(value) : converter.convert(value, 1));
    }
  }
  return heap.map(std::move(map));
}

}  // namespace hearth::modelfile::go
