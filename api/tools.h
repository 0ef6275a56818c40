// Tools and calls of them in JSON, as far as the dialects agree. Private to api.
#pragma once

#include <string>
#include <vector>

#include "api/json.h"
#include "api/types.h"

namespace hearth::api {

// The field `tools`: {"type": "function", "function": {"name", "description", "parameters"}} each,
// kept as they came. Throws Error{invalid_argument} for one without a name, and for too many.
std::vector<modelfile::Tool> read_tools(const Fields& fields);

// One tool made of its parts, in the shape above; parameters null: none.
modelfile::Tool make_tool(std::string name, const Json* description, const Json* parameters);

// The field `tool_choice` and `parallel_tool_calls` as OpenAI's endpoints have them:
// auto, none, required, {"type": "function", ...name}, {"type": "allowed_tools", ...}.
void read_tool_choice(const Fields& fields, ChatRequest& request);

// What follows from request.tool_choice: without tools for `none`; the tools of `names` only, where
// there are some. Throws Error{invalid_argument} for a named tool that is not offered, and for
// `required` without tools.
void apply_tool_choice(ChatRequest& request, const std::vector<std::string>& names = {});

// JSON in a string, as OpenAI's arguments are. Throws Error{invalid_argument} "<what>: expected a
// JSON object in a string".
Json read_arguments(std::string_view text, std::string_view what);

// A result names the call it answers; templates want the function's name.
void name_results(std::vector<Message>& messages);

std::string_view tool_name(const modelfile::Tool& tool);

}  // namespace hearth::api
