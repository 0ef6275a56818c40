#include "api/tools.h"

#include <fmt/format.h>

#include "base/error.h"

namespace hearth::api {

std::vector<modelfile::Tool> read_tools(const Fields& fields) {
  std::vector<modelfile::Tool> tools;
  const Json* values = fields.array("tools");
  if (values == nullptr) return tools;
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

}  // namespace hearth::api
