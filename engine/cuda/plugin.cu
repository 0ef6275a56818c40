// The CUDA plug-in. Today it knows the devices; the backend that runs the tape on them joins it here.
#include <cuda_runtime.h>

#include <cstring>

#include "engine/cuda/plugin.h"

using hearth::engine::cuda::PluginDevice;

extern "C" int32_t hearth_cuda_list_devices(PluginDevice* devices, int32_t max) {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) return 0;
  int32_t filled = 0;
  for (int i = 0; i < count && filled < max; ++i) {
    cudaDeviceProp properties;
    size_t free_bytes = 0, total_bytes = 0;
    if (cudaSetDevice(i) != cudaSuccess || cudaGetDeviceProperties(&properties, i) != cudaSuccess ||
        cudaMemGetInfo(&free_bytes, &total_bytes) != cudaSuccess) {
      continue;  // a device that cannot be used now is not listed
    }
    PluginDevice& device = devices[filled++];
    std::strncpy(device.name, properties.name, sizeof(device.name) - 1);
    device.name[sizeof(device.name) - 1] = '\0';
    device.total_bytes = static_cast<int64_t>(total_bytes);
    device.free_bytes = static_cast<int64_t>(free_bytes);
  }
  return filled;
}
