// The one vocabulary of chats: what templates, the API and the daemon pass around.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace hearth::modelfile {

// JSON whose objects keep the order they came in: the order of a tool's parameters is part of the
// prompt.
using Json = nlohmann::ordered_json;

struct ToolCall {
  std::string id;
  std::string name;
  Json arguments = Json::object();
};

struct Message {
  std::string
      role;  // lower case: system, user, assistant, tool; others go to the template as they are
  std::string content;
  std::string thinking;
  std::vector<ToolCall> tool_calls;
  std::string tool_name;     // role tool: the function that answered
  std::string tool_call_id;  // role tool: the call it answers
};

// A tool as the caller described it: {"type": "function", "function": {"name", "description",
// "parameters"}}.
using Tool = Json;

}  // namespace hearth::modelfile
