// What this machine can compute on: its processor, and the GPUs that the CUDA plug-in finds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hearth::engine {

enum class DeviceKind : uint8_t { cpu, cuda };

struct Device {
  DeviceKind kind = DeviceKind::cpu;
  std::string name;         // as the maker calls it
  int64_t total_bytes = 0;  // memory of the device
  int64_t free_bytes = 0;   // at the time of the call
};

// The processor first, then every usable GPU. The plug-in is looked for in `plugin_folder` as
// libhearth_cuda.so; a machine without it, without a driver or without a GPU simply has no such
// row. Any thread.
std::vector<Device> list_devices(const std::filesystem::path& plugin_folder);

}  // namespace hearth::engine
