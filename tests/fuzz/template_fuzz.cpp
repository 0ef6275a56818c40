// libFuzzer target: bytes as a template in both languages. Build with the preset `fuzz`, then
//   mkdir corpus && build/fuzz/bin/template_fuzz corpus ../shared/data/chat-templates/llama.cpp
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tests/support/template_mutation.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  size_t parsed = 0;
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  if (!hearth::testing::exercise_template(source, parsed).empty()) std::abort();
  return 0;
}
