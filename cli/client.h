// The daemon's HTTP API as the commands use it. The only file of cli that knows curl.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/config.h"

namespace hearth::cli {

using Json = nlohmann::ordered_json;  // keys of a schema stay in their order

class Client {
 public:
  // `config` must outlive the client.
  explicit Client(const Config& config) : config_(config) {}

  // Whether anybody is at the daemon's address. Throws Error{unavailable} for a name that is none,
  // and where the connection is accepted and then nothing is said.
  bool is_reachable() const;

  // One JSON answer. A status of 400 and above becomes an Error with the body's `error` text;
  // nobody there becomes Error{unavailable} with what to do.
  Json get(const std::string& path) const;
  Json post(const std::string& path, const Json& body) const;
  Json remove(const std::string& path, const Json& body) const;

  // One JSON object per line of the answer. An `error` line becomes an Error. When `cancelled`
  // turns true the connection is closed and false is returned. `on_tick`, where there is one, is
  // called about once a second, also while nothing arrives.
  bool stream(const std::string& path, const Json& body,
              const std::function<void(const Json&)>& on_line, const std::atomic<bool>& cancelled,
              const std::function<void()>& on_tick = {}) const;

  // Sends a file as a blob unless the daemon has it. `progress` gets bytes sent.
  void upload_blob(const std::filesystem::path& file, const std::string& digest,
                   const std::function<void(int64_t)>& progress) const;

  const Config& config() const { return config_; }

 private:
  const Config& config_;
};

}  // namespace hearth::cli
