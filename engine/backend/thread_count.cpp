#include "engine/backend/thread_count.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace hearth::engine {
namespace {

std::optional<std::string> first_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

std::optional<int64_t> parse_int(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) text.remove_suffix(1);
  int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int64_t> read_int(const std::filesystem::path& path) {
  const std::optional<std::string> line = first_line(path);
  return line ? parse_int(*line) : std::nullopt;
}

double ratio(std::optional<int64_t> quota, std::optional<int64_t> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return 0;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

// "max 100000" or "150000 100000"
double quota_v2(const std::filesystem::path& folder) {
  const std::optional<std::string> line = first_line(folder / "cpu.max");
  if (!line) return 0;
  const size_t space = line->find(' ');
  if (space == std::string::npos) return 0;
  const std::string_view text = *line;
  return ratio(parse_int(text.substr(0, space)), parse_int(text.substr(space + 1)));
}

double quota_v1(const std::filesystem::path& folder) {
  return ratio(read_int(folder / "cpu.cfs_quota_us"), read_int(folder / "cpu.cfs_period_us"));
}

// Smallest quota of `group` and the groups above it, below `mount`.
double smallest_quota(const std::filesystem::path& mount, std::filesystem::path group,
                      double (*quota_of)(const std::filesystem::path&)) {
  double smallest = 0;
  while (true) {
    const double quota = quota_of(mount / group.relative_path());
    if (quota > 0) smallest = smallest > 0 ? std::min(smallest, quota) : quota;
    if (!group.has_relative_path()) return smallest;
    group = group.parent_path();
  }
}

}  // namespace

std::vector<int32_t> allowed_cpus() {
  std::vector<int32_t> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (int32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(static_cast<size_t>(cpu), &set)) cpus.push_back(cpu);
    }
  }
  if (cpus.empty()) {
    const auto count = static_cast<int32_t>(std::max(1U, std::thread::hardware_concurrency()));
    for (int32_t cpu = 0; cpu < count; ++cpu) cpus.push_back(cpu);
  }
  return cpus;
}

std::vector<int32_t> physical_cores(std::span<const int32_t> cpus,
                                    const std::filesystem::path& sys) {
  std::vector<int32_t> first_of_core;
  std::set<std::pair<int64_t, int64_t>> seen;  // package, core
  for (int32_t cpu : cpus) {
    const std::filesystem::path topology =
        sys / "devices/system/cpu" / ("cpu" + std::to_string(cpu)) / "topology";
    const std::optional<int64_t> package = read_int(topology / "physical_package_id");
    const std::optional<int64_t> core = read_int(topology / "core_id");
    if (!package || !core || seen.emplace(*package, *core).second) first_of_core.push_back(cpu);
  }
  return first_of_core;
}

double cgroup_cpu_quota(const std::filesystem::path& root) {
  std::ifstream groups(root / "proc/self/cgroup");
  const std::filesystem::path mount = root / "sys/fs/cgroup";
  double smallest = 0;
  std::string line;
  while (std::getline(groups, line)) {
    // "0::/path" for v2, "4:cpu,cpuacct:/path" for v1.
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers =
        std::string(1, ',').append(line, first + 1, second - first - 1).append(1, ',');
    const std::filesystem::path group = line.substr(second + 1);
    double quota = 0;
    if (controllers == ",,") quota = smallest_quota(mount, group, quota_v2);
    if (controllers.find(",cpu,") != std::string::npos)
      quota = smallest_quota(mount / "cpu", group, quota_v1);
    if (quota > 0) smallest = smallest > 0 ? std::min(smallest, quota) : quota;
  }
  return smallest;
}

int32_t default_thread_count() {
  const std::vector<int32_t> cpus = allowed_cpus();
  auto threads = static_cast<int32_t>(physical_cores(cpus, "/sys").size());
  const double quota = cgroup_cpu_quota("/");
  if (quota > 0) threads = std::min(threads, static_cast<int32_t>(std::ceil(quota)));
  return std::max(1, threads);
}

}  // namespace hearth::engine
