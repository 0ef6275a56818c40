// What the daemon takes from the settings (api/settings.h has the table). config.cpp is the only
// file of the daemon that reads the environment.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/duration.h"
#include "api/settings.h"
#include "engine/kv_type.h"
#include "engine/speculation.h"
#include "registry/transfer_settings.h"

namespace hearth::daemon {

struct Config {
  std::string host = "127.0.0.1";  // an address or a name, without brackets
  uint16_t port = 11434;           // 0: any free one
  std::filesystem::path models;
  std::string api_key;          // empty: none asked for
  bool allows_no_auth = false;  // listening beyond loopback without a key
  std::vector<std::string> origins;
  api::Duration keep_alive = std::chrono::minutes(5);  // or api::forever
  api::Duration load_timeout = std::chrono::minutes(5);
  int64_t context_tokens = 0;  // 0: the model's own length as far as memory allows
  int32_t num_parallel = 64;
  int32_t max_loaded_models = 3;
  int32_t max_queue = 512;
  int64_t body_bytes_max = int64_t{64} << 20;
  api::Duration heartbeat = std::chrono::seconds(15);
  std::string isa;          // of the kernels; empty: the best of this machine
  bool is_precise = false;  // kernels that round as little as they can
  engine::KvType kv_cache_type = engine::KvType::f16;
  engine::Speculation speculation = engine::Speculation::automatic;
  int32_t threads = 0;             // 0: by cores and quota
  int64_t memory_limit_bytes = 0;  // for all models together; 0: most of what the machine has
  bool truncates_like_ollama = false;
  std::optional<bool> prefers_stored_template;  // TEMPLATE before the file's: docs/templates.md
  bool is_debug = false;
  std::filesystem::path runner;  // the program hearth-runner
  bool prunes = true;            // blobs that no model uses are removed
  bool offers_starter = true;    // a new store gets the model that comes with hearth
  // Models folders of Ollama's that are listed beside ours. Only those that are there and are not
  // our own.
  std::vector<std::filesystem::path> ollama_stores;
  registry::TransferSettings transfers;  // of pull and push
};

struct LoadedConfig {
  Config config;
  api::Settings settings;  // where each value came from, and warnings
};

// What `settings` mean for the daemon. Throws Error{invalid_argument} for an entry of mirrors or
// registry-auth that is none.
Config config_from(const api::Settings& settings);

// Flags (by name) over the environment of this process over its settings files. Throws as
// api::load_settings and read_config_files do.
LoadedConfig load_config(const std::map<std::string, std::string>& flags);

}  // namespace hearth::daemon
