// What is asked for when models travel, and when the store is looked after.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hearth::api {

// Pull and push.
struct TransferRequest {
  std::string model;
  bool is_insecure = false;  // plain http
  std::string user;          // with `password`: who we are to the registry; empty: as settings say
  std::string password;
  uint64_t bytes_per_second = 0;  // of this one, within the daemon's limit; 0: none of its own
  bool is_stream = true;
  std::vector<std::string> warnings;  // as in ChatRequest
};

struct GcRequest {
  bool is_dry_run = false;
  bool takes_downloads = false;  // also those that were stopped and could go on
  bool is_stream = true;
  std::vector<std::string> warnings;  // as in ChatRequest
};

struct VerifyRequest {
  std::string model;  // empty: every blob of the store
  bool repairs = false;
  bool is_insecure = false;  // repairs by plain http
  bool is_stream = true;
  std::vector<std::string> warnings;  // as in ChatRequest
};

struct ImportRequest {
  std::string path;   // absolute, on the daemon's computer
  std::string model;  // the name of the one model there; empty: as files and folders are called
  bool is_stream = true;
  std::vector<std::string> warnings;  // as in ChatRequest
};

}  // namespace hearth::api
