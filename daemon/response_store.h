// The latest responses of /v1/responses, so that clients can ask for one again and go on from it.
// Kept in memory only, within bounds; what is older is forgotten.
#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "api/types.h"

namespace hearth::daemon {

struct StoredResponse {
  std::string body;                    // as it was answered
  std::vector<api::Message> messages;  // the conversation up to it, its answer included
};

// io thread only.
class ResponseStore {
 public:
  struct Limits {
    size_t count = 1000;
    size_t bytes = size_t{64} << 20;  // of text, about
  };
  ResponseStore() = default;
  explicit ResponseStore(Limits limits) : limits_(limits) {}

  // One that alone exceeds the limit is not kept.
  void put(std::string id, StoredResponse response);
  std::optional<StoredResponse> find(const std::string& id) const;
  void remove(const std::string& id);

 private:
  struct Entry {
    std::string id;
    StoredResponse response;
    size_t bytes = 0;
  };

  Limits limits_;
  std::list<Entry> entries_;  // the latest first
  size_t bytes_ = 0;
};

}  // namespace hearth::daemon
