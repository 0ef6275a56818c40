#include "engine/device.h"

#include <dlfcn.h>

#include <array>
#include <fstream>
#include <string_view>

#include "engine/cuda/plugin.h"

namespace hearth::engine {
namespace {

// The value behind the first line of a /proc file that starts with `key`; empty when there is none.
std::string proc_value(const char* file, std::string_view key) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with(key)) continue;
    const auto start = line.find_first_not_of(" \t:", key.size());
    return start == std::string::npos ? "" : line.substr(start);
  }
  return {};
}

int64_t proc_kib(std::string_view key) {
  const std::string text = proc_value("/proc/meminfo", key);
  return text.empty() ? 0 : std::strtoll(text.c_str(), nullptr, 10) * 1024;
}

Device processor() {
  std::string name = proc_value("/proc/cpuinfo", "model name");
  return {DeviceKind::cpu, name.empty() ? "CPU" : name, proc_kib("MemTotal"),
          proc_kib("MemAvailable")};
}

void add_cuda_devices(const std::filesystem::path& plugin_folder, std::vector<Device>& devices) {
  // The library stays loaded: CUDA runtimes do not survive being unloaded.
  void* library = ::dlopen((plugin_folder / "libhearth_cuda.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return;
  const auto count_devices =
      reinterpret_cast<cuda::ListDevicesFn>(::dlsym(library, cuda::list_devices_symbol));
  if (count_devices == nullptr) return;
  std::array<cuda::PluginDevice, cuda::devices_max> found{};
  const int32_t count = count_devices(found.data(), cuda::devices_max);
  for (int32_t i = 0; i < count; ++i) {
    const auto& device = found[static_cast<size_t>(i)];
    devices.push_back({DeviceKind::cuda, device.name, device.total_bytes, device.free_bytes});
  }
}

}  // namespace

std::vector<Device> list_devices(const std::filesystem::path& plugin_folder) {
  std::vector<Device> devices = {processor()};
  add_cuda_devices(plugin_folder, devices);
  return devices;
}

}  // namespace hearth::engine
