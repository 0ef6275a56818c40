#include "engine/backend/available_memory.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::engine {
namespace {

namespace fs = std::filesystem;

std::optional<int64_t> number_in(std::string_view text) {
  int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || value < 0) return std::nullopt;  // "max"
  return value;
}

std::optional<int64_t> read_number(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return number_in(line);
}

// The number behind `key` at the beginning of a line, 0 when there is none.
int64_t read_field(const fs::path& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const size_t start = line.find_first_not_of(" \t", key.size());
    return start == std::string::npos ? 0 : number_in(line.substr(start)).value_or(0);
  }
  return 0;
}

// Names of what one version of control groups counts.
struct GroupFiles {
  const char* limit;
  const char* used;
  const char* active_files;  // lines of memory.stat
  const char* inactive_files;
};
constexpr GroupFiles files_v2{"memory.max", "memory.current", "active_file ", "inactive_file "};
constexpr GroupFiles files_v1{"memory.limit_in_bytes", "memory.usage_in_bytes",
                              "total_active_file ", "total_inactive_file "};

// What `group` and the groups above it, below `mount`, leave; `most` where none has a limit.
int64_t left_in_groups(const fs::path& mount, fs::path group, const GroupFiles& files,
                       int64_t most) {
  while (true) {
    const fs::path folder = mount / group.relative_path();
    const std::optional<int64_t> limit = read_number(folder / files.limit);
    const std::optional<int64_t> used = read_number(folder / files.used);
    if (limit && used) {
      const int64_t cached = read_field(folder / "memory.stat", files.active_files) +
                             read_field(folder / "memory.stat", files.inactive_files);
      most = std::min(most, std::max(int64_t{0}, *limit - *used + std::min(cached, *used)));
    }
    if (!group.has_relative_path()) return most;
    group = group.parent_path();
  }
}

}  // namespace

int64_t available_memory(const fs::path& root) {
  int64_t available = read_field(root / "proc/meminfo", "MemAvailable:") * 1024;
  std::ifstream groups(root / "proc/self/cgroup");
  const fs::path mount = root / "sys/fs/cgroup";
  for (std::string line; std::getline(groups, line);) {
    // "0::/path" for v2, "4:memory:/path" for v1.
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    if (controllers.empty()) available = left_in_groups(mount, group, files_v2, available);
    if (controllers == "memory")
      available = left_in_groups(mount / "memory", group, files_v1, available);
  }
  return available;
}

int64_t weight_memory(int64_t available_bytes, int64_t cache_bytes) {
  constexpr int64_t reserve_least = int64_t{256} << 20;
  constexpr int64_t cache_most = int64_t{4} << 30;  // of one whose size the model decides
  const int64_t cache = cache_bytes > 0 ? cache_bytes : std::min(cache_most, available_bytes / 4);
  const int64_t reserve = std::max(reserve_least, available_bytes / 16);
  return std::max(int64_t{0}, available_bytes - cache - reserve);
}

}  // namespace hearth::engine
