// Tools and calls of them in JSON, as far as the dialects agree.
#pragma once

#include <string>
#include <vector>

#include "api/json.h"
#include "api/types.h"

namespace hearth::api {

// The field `tools`: {"type": "function", "function": {"name", "description", "parameters"}} each,
// kept as they came. Throws Error{invalid_argument} for one without a name.
std::vector<modelfile::Tool> read_tools(const Fields& fields);

}  // namespace hearth::api
