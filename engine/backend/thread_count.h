// How many compute threads are worth having: physical cores this process may run on, capped by the
// CPU quota of its control group. Hyper-threads share the units that matrix products saturate, so
// they are not counted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace hearth::engine {

// CPUs this process may run on, ascending.
std::vector<int32_t> allowed_cpus();

// One CPU of each physical core among `cpus`, read from <sys>/devices/system/cpu/cpuN/topology. A
// CPU without readable topology counts as a core of its own.
std::vector<int32_t> physical_cores(std::span<const int32_t> cpus,
                                    const std::filesystem::path& sys);

// CPUs the control group's quota is worth (1.5 means 150 ms of CPU time per 100 ms), smallest along
// the path from the group to the root; 0 when there is none. Reads cgroup v2 and v1 below `root`
// ("/" outside tests).
double cgroup_cpu_quota(const std::filesystem::path& root);

// At least 1.
int32_t default_thread_count();

}  // namespace hearth::engine
