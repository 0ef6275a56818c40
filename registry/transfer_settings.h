// How models travel: what the settings of docs/configuration.md mean for pull and push. A value;
// one for the whole daemon.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace hearth::registry {

// Who we are to one registry. Either a name and a password or a token; empty: neither.
struct RegistryCredentials {
  std::string user;
  std::string password;
  std::string bearer;

  bool is_empty() const { return user.empty() && bearer.empty(); }
};

struct TransferSettings {
  int connections = 4;            // per blob
  uint64_t bytes_per_second = 0;  // of all transfers together; 0: as fast as they go
  bool is_offline = false;        // every pull and push is refused before anything is sent
  std::filesystem::path ca_file;  // certificates that are trusted beside the system's; empty: none
  std::filesystem::path key_file;
  // By registry host as in model names, in the order in which they are asked:
  // "https://mirror:5000".
  std::map<std::string, std::vector<std::string>> mirrors;
  std::map<std::string, RegistryCredentials>
      credentials;                                 // by host, with a port where there is one
  std::map<std::string, std::string> environment;  // proxies: https_proxy, no_proxy ...
  std::string hugging_face_token;
  std::string hugging_face_endpoint = "https://huggingface.co";

  std::chrono::milliseconds connect_timeout{30'000};
  std::chrono::milliseconds first_byte_timeout{120'000};
  std::chrono::milliseconds stall_timeout{30'000};  // without a byte, or with nearly none
  std::chrono::milliseconds retry_delay{500};       // doubles with each failure in a row
  int tries_max = 6;                                // in a row without progress
};

// One line of what a pull or push tells its client (docs/pull.md has the status texts).
struct TransferEvent {
  std::string status;
  std::string digest;  // "sha256:..." where the line is about one blob; else empty
  uint64_t total_bytes = 0;
  uint64_t completed_bytes = 0;
};

// Called from the thread that pulls or pushes, with every event, and with the last one again at
// least every 100 ms while nothing happens. Throw from it to stop: everything that has arrived is
// kept for the next time.
using TransferWatcher = std::function<void(const TransferEvent&)>;

}  // namespace hearth::registry
