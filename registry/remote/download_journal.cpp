// See download_journal.h.
#include "registry/remote/download_journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "registry/remote/partial_file.h"

namespace hearth::registry {
namespace {

constexpr std::string_view schema =
    "CREATE TABLE IF NOT EXISTS downloads (digest TEXT PRIMARY KEY, size TEXT, boot TEXT, "
    "arrived TEXT, on_disk TEXT, digests TEXT)";
constexpr int ollama_parts_max = 4096;
constexpr size_t ollama_part_bytes_max = 4096;
constexpr size_t digests_max = 10'000;

std::string boot_name() {
  try {
    return read_file("/proc/sys/kernel/random/boot_id", 256);
  } catch (const Error&) {  // then nothing is believed that is not on the disk
    return "";
  }
}

// "first-end:hex", separated by blanks.
std::string print_digests(const std::vector<RangeDigest>& digests) {
  std::string text;
  for (const RangeDigest& digest : digests) {
    text += fmt::format("{}{}-{}:{}", text.empty() ? "" : " ", digest.range.first, digest.range.end,
                        digest.sha256_hex);
  }
  return text;
}

std::vector<RangeDigest> parse_digests(std::string_view text, uint64_t size_bytes) {
  std::vector<RangeDigest> digests;
  while (!text.empty() && digests.size() < digests_max) {
    const std::string_view entry = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    const size_t colon = entry.find(':');
    if (colon == std::string_view::npos) return {};
    const auto range = ByteRanges::parse(entry.substr(0, colon), size_bytes);
    if (!range || range->list().size() != 1) return {};
    digests.push_back({range->list().front(), std::string(entry.substr(colon + 1))});
  }
  return digests;
}

std::filesystem::path ollama_part(const std::filesystem::path& partial, int number) {
  return partial.string() + "-" + std::to_string(number);
}

}  // namespace

DownloadJournal::DownloadJournal(std::filesystem::path file)
    : file_(std::move(file)), boot_(boot_name()) {}

Database& DownloadJournal::database() {
  if (!database_) database_ = std::make_unique<Database>(file_, schema);
  return *database_;
}

std::optional<DownloadState> DownloadJournal::find(const BlobDigest& digest, uint64_t size_bytes) {
  const std::lock_guard lock(mutex_);
  const auto rows = database().run(
      "SELECT boot, arrived, on_disk, digests FROM downloads WHERE digest = ? AND size = ?",
      {digest.hex(), std::to_string(size_bytes)});
  if (rows.empty()) return std::nullopt;
  const auto& row = rows.front();
  const bool is_same_boot = !boot_.empty() && row[0] == boot_;
  const auto arrived = ByteRanges::parse(is_same_boot ? row[1] : row[2], size_bytes);
  const auto on_disk = ByteRanges::parse(row[2], size_bytes);
  if (!arrived || !on_disk) return std::nullopt;
  return DownloadState{*arrived, *on_disk, parse_digests(row[3], size_bytes)};
}

void DownloadJournal::put(const BlobDigest& digest, uint64_t size_bytes,
                          const DownloadState& state) {
  const std::lock_guard lock(mutex_);
  database().run("INSERT OR REPLACE INTO downloads VALUES (?, ?, ?, ?, ?, ?)",
                 {digest.hex(), std::to_string(size_bytes), boot_, state.arrived.print(),
                  state.on_disk.print(), print_digests(state.digests)});
}

void DownloadJournal::forget(const BlobDigest& digest) {
  const std::lock_guard lock(mutex_);
  database().run("DELETE FROM downloads WHERE digest = ?", {digest.hex()});
}

void DownloadJournal::forget_lost(const std::filesystem::path& blobs_folder) {
  const std::lock_guard lock(mutex_);
  for (const auto& row : database().run("SELECT digest FROM downloads")) {
    std::error_code error;
    const auto digest = BlobDigest::try_parse("sha256-" + row[0]);
    if (digest && std::filesystem::exists(partial_path(blobs_folder, *digest), error)) continue;
    database().run("DELETE FROM downloads WHERE digest = ?", {row[0]});
  }
}

void forget_lost_downloads(const std::filesystem::path& root) {
  std::error_code error;
  if (!std::filesystem::exists(root / "state.db", error)) return;
  try {
    DownloadJournal(root / "state.db").forget_lost(root / "blobs");
  } catch (const Error& failure) {  // costs a few bytes; cleaning goes on
    log::warn(failure.what());
  }
}

ByteRanges read_ollama_parts(const std::filesystem::path& partial, uint64_t size_bytes) {
  ByteRanges arrived;
  std::error_code error;
  const uint64_t file_bytes = std::filesystem::file_size(partial, error);
  if (error) return arrived;
  for (int number = 0; number < ollama_parts_max; ++number) {
    const std::filesystem::path file = ollama_part(partial, number);
    if (!std::filesystem::is_regular_file(file, error)) return arrived;
    nlohmann::json json;
    try {
      json = nlohmann::json::parse(read_file(file, ollama_part_bytes_max), nullptr, false);
    } catch (const Error& failure) {  // counts for nothing
      log::warn(failure.what());
    }
    const auto number_of = [&json](const char* key) -> std::optional<uint64_t> {
      if (!json.is_object() || !json.contains(key) || !json[key].is_number_unsigned())
        return std::nullopt;
      return json[key].get<uint64_t>();
    };
    const auto offset = number_of("Offset");
    const auto size = number_of("Size");
    const uint64_t completed = number_of("Completed").value_or(0);
    const uint64_t limit = std::min(size_bytes, file_bytes);
    if (!offset || !size || completed > *size || *offset > limit || completed > limit - *offset)
      continue;
    arrived.add({*offset, *offset + completed});
  }
  return arrived;
}

void remove_ollama_parts(const std::filesystem::path& partial) {
  std::error_code error;
  for (int number = 0; number < ollama_parts_max; ++number)
    if (!std::filesystem::remove(ollama_part(partial, number), error)) return;
}

}  // namespace hearth::registry
