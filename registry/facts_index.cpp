// See facts_index.h.
#include "registry/facts_index.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace hearth::registry {
namespace {

// A list of thousands of models is not a reason to keep every text there ever was.
constexpr std::string_view forget_old =
    "DELETE FROM facts WHERE rowid <= (SELECT max(rowid) FROM facts) - 5000";

constexpr std::string_view schema =
    "CREATE TABLE IF NOT EXISTS facts (key TEXT UNIQUE, generation TEXT, text TEXT)";

}  // namespace

FactsIndex::FactsIndex(std::filesystem::path file, std::string generation)
    : file_(std::move(file)), generation_(std::move(generation)) {
  if (try_open() != ErrorCode::corrupt_data) return;
  log::warn(fmt::format("{} is damaged; it is made again", file_.string()));
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm"})
    std::filesystem::remove(file_.string() + suffix, ignored);
  try_open();
}

// A background job's catch site: an index is a help, never a need.
std::optional<ErrorCode> FactsIndex::try_open() {
  try {
    open();
    return std::nullopt;
  } catch (const Error& error) {
    give_up(error.what());
    return error.code();
  }
}

void FactsIndex::open() {
  database_ = std::make_unique<Database>(file_, schema);
  database_->run("DELETE FROM facts WHERE generation <> ?", {generation_});
  database_->run(forget_old);
}

void FactsIndex::give_up(std::string_view reason) {
  log::warn(fmt::format("no index of models: {}", reason));
  database_.reset();
}

std::optional<std::string> FactsIndex::find(std::string_view key) {
  const std::lock_guard lock(mutex_);
  if (!database_) return std::nullopt;
  try {
    auto rows = database_->run("SELECT text FROM facts WHERE key = ?", {key});
    if (!rows.empty()) return std::move(rows.front().front());
  } catch (const Error& error) {
    give_up(error.what());
  }
  return std::nullopt;
}

void FactsIndex::put(std::string_view key, std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (!database_) return;
  try {
    database_->run("INSERT OR REPLACE INTO facts (key, generation, text) VALUES (?, ?, ?)",
                   {key, generation_, text});
  } catch (const Error& error) {
    give_up(error.what());
  }
}

std::string facts_key(const ModelStore& store, const StoredManifest& stored) {
  std::string key = stored.digest_hex;
  for (const Layer& layer : stored.manifest.layers) {
    struct stat status {};
    if (::stat(store.blobs().path(layer.digest).c_str(), &status) != 0) continue;
    key += fmt::format(" {}:{}.{}", status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  }
  return key;
}

}  // namespace hearth::registry
