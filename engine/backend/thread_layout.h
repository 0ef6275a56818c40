// Which lane of a thread team runs where. On a machine with several memory nodes (NUMA) a team that
// fits into one node stays there; a larger one takes lanes from all of them, node after node, so
// that the contiguous shares of rows that the lanes own (work_claims.h) lie node after node too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace hearth::engine {

// The memory node of each CPU by its number, read from <sys>/devices/system/node/nodeN/cpulist; -1
// for CPUs that no node names. Empty where the system says nothing.
std::vector<int32_t> cpu_nodes(const std::filesystem::path& sys);
// That of this machine. Read at the first call: make it before the sandbox closes.
const std::vector<int32_t>& machine_cpu_nodes();
// For tests, while no team is being built: what machine_cpu_nodes says from now on.
void replace_machine_cpu_nodes(std::vector<int32_t> nodes);

struct ThreadLayout {
  int32_t node_count = 1;                       // that the team runs on
  std::vector<int32_t> lane_nodes;              // 0 .. node_count - 1, ascending
  std::vector<std::vector<int32_t>> lane_cpus;  // that a lane is bound to; empty: wherever it may

  int32_t size() const { return static_cast<int32_t>(lane_nodes.size()); }
  // "4 threads" or "32 threads on 2 memory nodes (16 + 16)"
  std::string text() const;
};

// `cores`: one CPU per core that the team may use, ascending; `nodes` as cpu_nodes. With one node
// the calling thread's lane, 0, is not bound, and the others only where every core gets one.
ThreadLayout lay_out_threads(int32_t size, std::span<const int32_t> cores,
                             std::span<const int32_t> nodes);
// On the cores that this process may use.
ThreadLayout lay_out_threads(int32_t size);

// Which node's lanes own row `row` of `row_count`, as far as claims keep to their shares.
int32_t node_of_row(const ThreadLayout& layout, int64_t row, int64_t row_count);

}  // namespace hearth::engine
