// libFuzzer target: bytes as a GGUF file. Build with the preset `fuzz`, then
//   build/fuzz/bin/gguf_mutate --write-seeds corpus && build/fuzz/bin/gguf_fuzz corpus
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/log.h"
#include "tests/fuzz/exercise.h"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  hearth::log::start("gguf_fuzz", hearth::log::Level::off);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hearth::fuzz::exercise_gguf({reinterpret_cast<const char*>(data), size});
  return 0;
}
