// What a chat at the prompt knows, and the lines that begin with a slash.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/client.h"
#include "cli/commands.h"
#include "modelfile/parameters.h"

namespace hearth::cli {

struct Session {
  const Client& client;
  RunOptions options;
  Json messages = Json::array();     // of this chat; the daemon puts the model's own before them
  std::string system;                // empty: the model's own
  modelfile::Parameters parameters;  // what /set parameter changed
  bool keeps_history = true;
};

// The body of /api/chat for the messages so far.
Json chat_request(const Session& session);

// Does what `line` ("/set ...") asks for and says so. False when the chat is over. Throws Error as
// the client does; the session is then as it was.
bool run_chat_command(Session& session, const std::string& line);

}  // namespace hearth::cli
