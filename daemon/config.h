// Every setting of the daemon in one table: environment variable, flag, default, unit, help.
// config.cpp is the only file of the daemon that reads the environment.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/duration.h"
#include "engine/kv_type.h"

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
  engine::KvType kv_cache_type = engine::KvType::f16;
  int32_t threads = 0;             // 0: by cores and quota
  int64_t memory_limit_bytes = 0;  // for all models together; 0: most of what the machine has
  bool truncates_like_ollama = false;
  bool is_debug = false;
  std::filesystem::path runner;  // the program hearth-runner
};

// One row of the table. Texts are for people; `name` is the key of the flags given to load_config.
struct Setting {
  std::string_view name;         // of the flag, without dashes: "keep-alive"
  std::string_view environment;  // "HEARTH_KEEP_ALIVE"
  std::string_view ollama;       // Ollama's name, honoured when ours is not set; empty: none
  std::string_view default_text;
  std::string_view unit;  // "duration", "tokens", "bytes", "" ...
  std::string_view help;
  bool is_switch;  // a flag without a value
  void (*apply)(Config& config,
                std::string_view text);  // throws Error{invalid_argument} with the reason
};

std::span<const Setting> settings();

// Where a value came from, for `hearthd --show-config` and the first log line.
struct SettingOrigin {
  std::string name;
  std::string value;
  std::string origin;  // "default", "flag", "HEARTH_HOST", "OLLAMA_HOST"
};

struct LoadedConfig {
  Config config;
  std::vector<SettingOrigin> origins;  // in the order of settings()
  std::vector<std::string> warnings;   // Ollama's variables with values we cannot use
};

// Flag, else our environment variable, else Ollama's, else the default. Throws
// Error{invalid_argument} naming the flag or variable whose value is wrong; a wrong value in one of
// Ollama's variables is a warning, as Ollama has it.
LoadedConfig load_config(const std::map<std::string, std::string>& flags);

// "host", "host:port", ":port", "[v6]:port", "scheme://host[:port]". Throws
// Error{invalid_argument}.
void apply_host(Config& config, std::string_view text);

}  // namespace hearth::daemon
