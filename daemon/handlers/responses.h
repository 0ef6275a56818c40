// What handlers of Responses share. Private to the handlers.
#pragma once

#include <string_view>

#include "api/openai_responses.h"
#include "daemon/services.h"

namespace hearth::daemon::handlers {

// The request with the conversation it goes on with. Throws as api::read_openai_responses, and
// Error{not_found} for an earlier response that is not known any more.
api::ResponsesRequest read_conversation(Services& services, std::string_view body);

}  // namespace hearth::daemon::handlers
