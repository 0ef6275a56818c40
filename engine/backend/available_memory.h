// How much memory a process may still take, and what of that may go to weights.
#pragma once

#include <cstdint>
#include <filesystem>

namespace hearth::engine {

// What the system can give without swapping, and no more than the control groups of this process
// (v2 and v1) leave it; caches of files count as free, they are given up when memory is asked for.
// Reads below `root` ("/" outside tests); 0 where nothing can be read, as inside the sandbox.
int64_t available_memory(const std::filesystem::path& root);

// The part of it for weights beside a cache of `cache_bytes` (0: not yet known), with a reserve for
// the buffers of steps and for everybody else.
int64_t weight_memory(int64_t available_bytes, int64_t cache_bytes);

}  // namespace hearth::engine
