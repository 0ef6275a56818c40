// The border between hearth and its CUDA plug-in, libhearth_cuda.so: plain C types, no CUDA header.
// The plug-in is loaded at run time, so one package serves machines with and without a GPU.
#pragma once

#include <cstdint>

namespace hearth::engine::cuda {

inline constexpr int32_t devices_max = 32;

struct PluginDevice {
  char name[256];
  int64_t total_bytes;
  int64_t free_bytes;
};

// Fills at most `max` rows and returns how many; 0 without a driver or a GPU.
using ListDevicesFn = int32_t (*)(PluginDevice* devices, int32_t max);
inline constexpr const char* list_devices_symbol = "hearth_cuda_list_devices";

}  // namespace hearth::engine::cuda
