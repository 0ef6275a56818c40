// libFuzzer target: the first byte chooses the kind of grammar, the rest is its text. What compiles
// is followed through a piece of its own text. Build with the preset `fuzz`.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "engine/constraint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::engine;
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const GrammarSource source{static_cast<GrammarKind>(data[0] % 4), text, (data[0] & 4) != 0};
  try {
    const auto grammar = compile_grammar(source);
    matches(*grammar, text.substr(0, 64));
    matches(*grammar, "{\"a\": [1, true, \"x\"]}");
  } catch (const hearth::Error&) {
  }
  return 0;
}
