// index.db: what was worked out about models, so that a list of many need not read all of them
// again after each start. Holds nothing that cannot be worked out again; may be deleted at any
// time.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "registry/database.h"
#include "registry/model_store.h"

namespace hearth::registry {

// Texts by key. Any thread. Never throws: without its file it finds nothing, and says so once in
// the log.
class FactsIndex {
 public:
  // `generation` names how the texts are made; texts of another one are forgotten.
  FactsIndex(std::filesystem::path file, std::string generation);

  std::optional<std::string> find(std::string_view key);
  void put(std::string_view key, std::string_view text);

 private:
  void open();
  std::optional<ErrorCode> try_open();  // why not
  void give_up(std::string_view reason);

  std::filesystem::path file_;
  std::string generation_;
  std::mutex mutex_;
  std::unique_ptr<Database> database_;
};

// Changes when the manifest, or the size or date of one of its blobs does.
std::string facts_key(const ModelStore& store, const StoredManifest& stored);

}  // namespace hearth::registry
