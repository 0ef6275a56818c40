#include "daemon/response_store.h"

#include <algorithm>

namespace hearth::daemon {
namespace {

size_t size_of(const StoredResponse& response) {
  size_t bytes = response.body.size();
  for (const api::Message& message : response.messages) {
    bytes += message.content.size() + message.thinking.size() + sizeof(message);
    for (const modelfile::ToolCall& call : message.tool_calls)
      bytes += call.arguments.dump(-1, ' ', false, api::Json::error_handler_t::replace).size();
  }
  return bytes;
}

}  // namespace

void ResponseStore::put(std::string id, StoredResponse response) {
  const size_t bytes = size_of(response);
  if (bytes > limits_.bytes) return;
  bytes_ += bytes;
  entries_.push_front({std::move(id), std::move(response), bytes});
  while (entries_.size() > limits_.count || bytes_ > limits_.bytes) {
    bytes_ -= entries_.back().bytes;
    entries_.pop_back();
  }
}

std::optional<StoredResponse> ResponseStore::find(const std::string& id) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.id == id; });
  if (found == entries_.end()) return std::nullopt;
  return found->response;
}

void ResponseStore::remove(const std::string& id) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.id == id; });
  if (found == entries_.end()) return;
  bytes_ -= found->bytes;
  entries_.erase(found);
}

}  // namespace hearth::daemon
