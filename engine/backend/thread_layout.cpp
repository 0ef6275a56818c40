#include "engine/backend/thread_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "engine/backend/thread_count.h"

namespace hearth::engine {
namespace {

constexpr int32_t cpu_count_max = 1 << 16;

std::optional<int32_t> take_number(std::string_view& text) {
  int32_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || value < 0 || value >= cpu_count_max) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

// "0-3,8,10-11"; what cannot be read ends the list.
std::vector<int32_t> parse_cpu_list(std::string_view text) {
  std::vector<int32_t> cpus;
  while (const std::optional<int32_t> first = take_number(text)) {
    int32_t last = *first;
    if (!text.empty() && text.front() == '-') {
      text.remove_prefix(1);
      last = take_number(text).value_or(*first);
    }
    for (int32_t cpu = *first; cpu <= last; ++cpu) cpus.push_back(cpu);
    if (text.empty() || text.front() != ',') break;
    text.remove_prefix(1);
  }
  return cpus;
}

// "node12" -> 12
std::optional<int32_t> node_number(std::string_view name) {
  constexpr std::string_view prefix = "node";
  if (name.substr(0, prefix.size()) != prefix) return std::nullopt;
  name.remove_prefix(prefix.size());
  const std::optional<int32_t> number = take_number(name);
  return name.empty() ? number : std::nullopt;
}

// The cores of each node that has any. A core that no node names belongs to the first node.
std::vector<std::vector<int32_t>> group_by_node(std::span<const int32_t> cores,
                                                std::span<const int32_t> nodes) {
  std::map<int32_t, std::vector<int32_t>> groups;
  for (const int32_t core : cores) {
    const bool is_named = static_cast<size_t>(core) < nodes.size();
    groups[is_named ? std::max(0, nodes[static_cast<size_t>(core)]) : 0].push_back(core);
  }
  std::vector<std::vector<int32_t>> result;
  for (auto& [node, group] : groups) result.push_back(std::move(group));
  return result;
}

std::vector<int32_t>& known_nodes() {
  static std::vector<int32_t> nodes = cpu_nodes("/sys");
  return nodes;
}

// The usual machine: no memory is nearer than other memory.
ThreadLayout lay_out_evenly(int32_t size, std::span<const int32_t> cores) {
  ThreadLayout layout;
  layout.lane_nodes.resize(static_cast<size_t>(size));
  layout.lane_cpus.resize(static_cast<size_t>(size));
  if (static_cast<size_t>(size) != cores.size()) return layout;
  for (size_t lane = 1; lane < cores.size(); ++lane) layout.lane_cpus[lane] = {cores[lane]};
  return layout;
}

}  // namespace

std::vector<int32_t> cpu_nodes(const std::filesystem::path& sys) {
  std::vector<int32_t> nodes;
  std::error_code failure;
  for (const auto& entry :
       std::filesystem::directory_iterator(sys / "devices/system/node", failure)) {
    const std::optional<int32_t> node = node_number(entry.path().filename().string());
    std::ifstream file(entry.path() / "cpulist");
    std::string line;
    if (!node || !std::getline(file, line)) continue;
    for (const int32_t cpu : parse_cpu_list(line)) {
      if (static_cast<size_t>(cpu) >= nodes.size()) nodes.resize(static_cast<size_t>(cpu) + 1, -1);
      nodes[static_cast<size_t>(cpu)] = *node;
    }
  }
  return nodes;
}

const std::vector<int32_t>& machine_cpu_nodes() {
  return known_nodes();
}

void replace_machine_cpu_nodes(std::vector<int32_t> nodes) {
  known_nodes() = std::move(nodes);
}

std::string ThreadLayout::text() const {
  std::string text = fmt::format("{} threads", size());
  if (node_count == 1) return text;
  std::string counts;
  for (int32_t node = 0; node < node_count; ++node) {
    counts += fmt::format("{}{}", counts.empty() ? "" : " + ",
                          std::count(lane_nodes.begin(), lane_nodes.end(), node));
  }
  return text + fmt::format(" on {} memory nodes ({})", node_count, counts);
}

ThreadLayout lay_out_threads(int32_t size, std::span<const int32_t> cores,
                             std::span<const int32_t> nodes) {
  HEARTH_CHECK(size >= 1);
  std::vector<std::vector<int32_t>> groups = group_by_node(cores, nodes);
  if (groups.size() <= 1) return lay_out_evenly(size, cores);
  const auto largest =
      std::max_element(groups.begin(), groups.end(),
                       [](const auto& a, const auto& b) { return a.size() < b.size(); });
  if (static_cast<size_t>(size) <= largest->size()) groups = {*largest};
  int64_t core_count = 0;
  for (const std::vector<int32_t>& group : groups) core_count += std::ssize(group);
  ThreadLayout layout;
  layout.node_count = static_cast<int32_t>(groups.size());
  int64_t cores_before = 0;
  for (int32_t node = 0; node < layout.node_count; ++node) {
    const std::vector<int32_t>& group = groups[static_cast<size_t>(node)];
    const int64_t begin = size * cores_before / core_count;
    cores_before += std::ssize(group);
    const int64_t end = size * cores_before / core_count;
    for (int64_t lane = begin; lane < end; ++lane) {
      layout.lane_nodes.push_back(node);
      const bool has_core = size == core_count;
      layout.lane_cpus.push_back(
          has_core ? std::vector<int32_t>{group[static_cast<size_t>(lane - begin)]} : group);
    }
  }
  return layout;
}

ThreadLayout lay_out_threads(int32_t size) {
  return lay_out_threads(size, physical_cores(allowed_cpus(), "/sys"), machine_cpu_nodes());
}

int32_t node_of_row(const ThreadLayout& layout, int64_t row, int64_t row_count) {
  // The lane whose share, rows * lane / lanes up to rows * (lane + 1) / lanes, has the row.
  const int64_t lane = ((row + 1) * layout.size() - 1) / row_count;
  return layout.lane_nodes[static_cast<size_t>(std::min<int64_t>(lane, layout.size() - 1))];
}

}  // namespace hearth::engine
