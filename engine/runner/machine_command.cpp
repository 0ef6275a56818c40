// `hearth-runner machine`: what runners find on this computer, for `hearth doctor`.
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/backend/thread_count.h"
#include "engine/backend/thread_layout.h"
#include "engine/bench/machine_limits.h"
#include "engine/device.h"
#include "engine/kernels/kernels.h"
#include "engine/runner/commands.h"
#include "engine/runner/sandbox.h"

namespace hearth::engine {

void run_machine(const std::string& isa, bool is_precise, bool measures,
                 const std::filesystem::path& plugin_folder) {
  using Json = nlohmann::json;
  Json machine;
  Json tables = Json::array();
  const KernelTables available = available_kernels();
  for (int32_t i = 0; i < available.count; ++i) tables.push_back(available.tables[i]->name);
  const KernelTable* chosen = find_kernels(isa.c_str(), is_precise);
  machine["kernel_tables"] = tables;
  machine["kernel_table"] = chosen == nullptr ? Json() : Json(chosen->name);
  const std::vector<int32_t> cpus = allowed_cpus();
  machine["cpus"] = cpus.size();
  machine["cores"] = physical_cores(cpus, "/sys").size();
  machine["cpu_quota"] = cgroup_cpu_quota("/");
  machine["threads"] = default_thread_count();
  const std::vector<int32_t>& nodes = machine_cpu_nodes();
  std::set<int32_t> used;
  for (const int32_t cpu : cpus)
    used.insert(static_cast<size_t>(cpu) < nodes.size() ? nodes[static_cast<size_t>(cpu)] : 0);
  machine["memory_nodes"] = used.size();
  machine["layout"] = lay_out_threads(default_thread_count()).text();
  for (const Device& device : list_devices(plugin_folder)) {
    machine["devices"].push_back({{"kind", device.kind == DeviceKind::cuda ? "cuda" : "cpu"},
                                  {"name", device.name},
                                  {"total_bytes", device.total_bytes},
                                  {"free_bytes", device.free_bytes}});
  }
  if (measures && chosen != nullptr) {
    const MachineLimits limits = measure_limits(*chosen, default_thread_count());
    machine["read_bytes_per_s"] = limits.read_bytes_per_s;
    machine["int8_ops_per_s"] = limits.int8_ops_per_s;
    machine["bf16_ops_per_s"] = limits.bf16_ops_per_s;
  }
  // Last, for it cannot be undone: from here on only writing what is open already works.
  const SandboxReport sandbox = enter_sandbox();
  machine["landlock"] = sandbox.has_landlock;
  machine["seccomp"] = sandbox.has_seccomp;
  machine["sandbox"] = sandbox.summary;
  const std::string text = machine.dump() + "\n";
  size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = ::write(STDOUT_FILENO, text.data() + written, text.size() - written);
    if (count <= 0) ::_exit(1);
    written += static_cast<size_t>(count);
  }
  ::_exit(0);
}

}  // namespace hearth::engine
