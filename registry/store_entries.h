// What lies in the folders of a store, as its cleaning sees it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "registry/blob_digest.h"

namespace hearth::registry {

// Everything in one folder; nothing where it cannot be read.
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder);
// Since it was last written. Without following links: a link is as old as itself.
std::optional<std::chrono::seconds> age_of(const std::filesystem::path& path);
// What removing it gives back: of links and of files with another name nothing, of unfinished
// downloads what has arrived (the rest is a hole).
uint64_t disk_bytes(const std::filesystem::path& path);
// The blob that a file with this name is an unfinished download of, ours or Ollama's
// (`sha256-<hex>-partial`, `sha256-<hex>-partial-3`).
std::optional<BlobDigest> partial_of(std::string_view file_name);
// A file, or a folder with all that is in it. Its bytes, or nothing where it cannot be removed
// (logged).
std::optional<uint64_t> remove_entry(const std::filesystem::path& path);
// Whether a living process is writing it: its owner holds a lock.
bool is_being_written(const std::filesystem::path& path);

}  // namespace hearth::registry
