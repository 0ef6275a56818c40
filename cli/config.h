// What the command line takes from the settings. config.cpp is the only file of cli that reads the
// environment.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "api/settings.h"

namespace hearth::cli {

struct Config {
  api::Settings settings;          // all of them, with where each came from
  std::string base_url;            // of the daemon, for example "http://127.0.0.1:11434"
  bool is_loopback = true;         // whether base_url points at this machine
  std::string api_key;             // sent as a bearer token when not empty
  bool may_autostart = true;       // the setting no-autostart turns it off
  bool keeps_history = true;       // of the chat prompt
  std::string editor;              // what Ctrl-G opens
  std::filesystem::path home;      // ~/.hearth: log of the background daemon, history of the prompt
  std::filesystem::path programs;  // the folder hearth itself lies in
};

// Flags (by name) over the environment over the settings files; api/settings.h has the table.
// Throws Error{invalid_argument} naming a value that makes no sense.
Config read_config(const std::map<std::string, std::string>& flags);

// Puts what flags said into the environment, for a daemon that is about to be started from here.
void hand_on_flags(const api::Settings& settings);

// `text` as HEARTH_HOST takes it (api/address.h), as a URL without a slash at the end. A wildcard
// address, which only a server can use, becomes loopback. Throws Error{invalid_argument}.
std::string base_url_from(const std::string& text);
bool is_loopback_url(const std::string& base_url);

}  // namespace hearth::cli
