#include "api/tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "api/limits.h"
#include "base/error.h"

namespace hearth::api {
namespace {

using Kind = ToolChoice::Kind;

ToolChoice choice_of_word(const Fields& fields, const Json& value) {
  for (const auto& [word, kind] :
       {std::pair("auto", Kind::automatic), {"none", Kind::none}, {"required", Kind::required}}) {
    if (value == word) return {kind, "", false};
  }
  fields.fail("tool_choice", "\"auto\", \"none\", \"required\" or an object that names a tool",
              value);
}

// The name stands in "function" (chat) or in the object itself (responses).
std::string name_of(const Json& value, std::string_view what) {
  const Fields fields(value, what);
  std::string name = fields.text("name").value_or("");
  if (const Json* function = fields.object("function"))
    name = Fields(*function, std::string(what) + "function.").text("name").value_or(name);
  if (name.empty()) throw Error(ErrorCode::invalid_argument, fmt::format("{}name: missing", what));
  return name;
}

std::vector<std::string> read_allowed(const Json& value, ChatRequest& request) {
  const Fields outer(value, "tool_choice.");
  const Json* nested = outer.object("allowed_tools");
  const Fields fields(nested != nullptr ? *nested : value, "tool_choice.allowed_tools.");
  if (const Json* mode = fields.find("mode")) request.tool_choice = choice_of_word(fields, *mode);
  std::vector<std::string> names;
  const Json* tools = fields.array("tools");
  if (tools == nullptr)
    throw Error(ErrorCode::invalid_argument, "tool_choice.allowed_tools.tools: missing");
  for (const Json& tool : *tools)
    names.push_back(name_of(tool, "tool_choice.allowed_tools.tools[]."));
  return names;
}

}  // namespace

std::string_view tool_name(const modelfile::Tool& tool) {
  return tool.at("function").at("name").get_ref<const std::string&>();
}

std::vector<modelfile::Tool> read_tools(const Fields& fields) {
  std::vector<modelfile::Tool> tools;
  const Json* values = fields.array("tools");
  if (values == nullptr) return tools;
  check_count("tools", values->size(), tools_max);
  for (size_t i = 0; i < values->size(); ++i) {
    const std::string name = fmt::format("tools[{}].", i);
    const Json* function = Fields((*values)[i], name).object("function");
    if (function == nullptr) {
      throw Error(
          ErrorCode::invalid_argument,
          fmt::format("{}function: missing; only tools of type \"function\" are known", name));
    }
    const std::string function_name = name + "function.";
    if (Fields(*function, function_name).text("name").value_or("").empty())
      throw Error(ErrorCode::invalid_argument, function_name + "name: missing");
    tools.push_back((*values)[i]);
  }
  return tools;
}

modelfile::Tool make_tool(std::string name, const Json* description, const Json* parameters) {
  Json function;
  function["name"] = std::move(name);
  if (description != nullptr) function["description"] = *description;
  function["parameters"] = parameters != nullptr
                               ? *parameters
                               : Json{{"type", "object"}, {"properties", Json::object()}};
  return Json{{"type", "function"}, {"function", std::move(function)}};
}

void apply_tool_choice(ChatRequest& request, const std::vector<std::string>& names) {
  std::vector<modelfile::Tool>& tools = request.tools;
  const auto is_offered = [&tools](const std::string& name) {
    return std::any_of(tools.begin(), tools.end(),
                       [&](const modelfile::Tool& tool) { return tool_name(tool) == name; });
  };
  std::vector<std::string> wanted = names;
  if (request.tool_choice.kind == Kind::named) wanted.push_back(request.tool_choice.name);
  for (const std::string& name : wanted) {
    if (is_offered(name)) continue;
    throw Error(ErrorCode::invalid_argument,
                fmt::format("tool_choice: \"{}\" is none of the request's tools", name));
  }
  if (!names.empty()) {
    std::erase_if(tools, [&](const modelfile::Tool& tool) {
      return std::find(names.begin(), names.end(), tool_name(tool)) == names.end();
    });
  }
  if (request.tool_choice.kind == Kind::required && tools.empty()) {
    throw Error(ErrorCode::invalid_argument,
                "tool_choice: a call is required and there are no "
                "tools in the request");
  }
  if (request.tool_choice.kind == Kind::none) tools.clear();
}

void read_tool_choice(const Fields& fields, ChatRequest& request) {
  std::vector<std::string> names;
  if (const Json* value = fields.find("tool_choice")) {
    if (!value->is_object()) {
      request.tool_choice = choice_of_word(fields, *value);
    } else if (Fields(*value, "tool_choice.").text("type").value_or("") == "allowed_tools") {
      names = read_allowed(*value, request);
    } else {
      request.tool_choice = {Kind::named, name_of(*value, "tool_choice."), false};
    }
  }
  request.tool_choice.is_single = !fields.boolean("parallel_tool_calls").value_or(true);
  apply_tool_choice(request, names);
}

Json read_arguments(std::string_view text, std::string_view what) {
  Json arguments = Json::parse(text.empty() ? "{}" : text, nullptr, false);
  if (arguments.is_object()) return arguments;
  throw Error(ErrorCode::invalid_argument,
              fmt::format("{}: expected a JSON object in a string", what));
}

void name_results(std::vector<Message>& messages) {
  std::map<std::string, std::string> names;  // by id of the call
  for (Message& message : messages) {
    for (const modelfile::ToolCall& call : message.tool_calls) names[call.id] = call.name;
    if (message.role != "tool" || !message.tool_name.empty()) continue;
    const auto found = names.find(message.tool_call_id);
    if (found != names.end()) message.tool_name = found->second;
  }
}

}  // namespace hearth::api
