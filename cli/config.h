// What the command line takes from the environment. Ollama's variables are honoured after our own.
#pragma once

#include <filesystem>
#include <string>

namespace hearth::cli {

struct Config {
  std::string base_url;       // of the daemon, for example "http://127.0.0.1:11434"
  bool is_loopback = true;    // whether base_url points at this machine
  std::string api_key;        // sent as a bearer token when not empty
  bool may_autostart = true;  // HEARTH_NO_AUTOSTART=1 turns it off
  bool keeps_history = true;  // of the chat prompt; OLLAMA_NOHISTORY / HEARTH_NOHISTORY turn it off
  std::filesystem::path home;      // ~/.hearth: log of the background daemon, history of the prompt
  std::filesystem::path programs;  // the folder hearth itself lies in
};

// Reads the environment. Throws Error{invalid_argument} naming a variable that makes no sense.
Config read_config();

// `text` as HEARTH_HOST takes it: host, host:port, :port, scheme://host[:port]; port 11434 unless
// given. A wildcard address, which only a server can use, becomes loopback. Throws
// Error{invalid_argument}.
std::string base_url_from(const std::string& text);
bool is_loopback_url(const std::string& base_url);

}  // namespace hearth::cli
