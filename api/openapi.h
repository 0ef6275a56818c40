// The description of the HTTP API for programs, as GET /openapi.json answers it: api/openapi.json
// of the sources.
#pragma once

#include <string_view>

namespace hearth::api {

std::string_view openapi_document();

}  // namespace hearth::api
