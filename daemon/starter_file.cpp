// The bytes of packaging/starter/starter-q8_0.gguf, as the assembler copies them into the program.
#include "daemon/starter_model.h"

__asm__(
    ".pushsection .rodata\n"
    ".balign 64\n"
    "hearth_starter_begin:\n"
    ".incbin \"" HEARTH_STARTER_FILE
    "\"\n"
    "hearth_starter_end:\n"
    ".globl hearth_starter_begin, hearth_starter_end\n"
    ".popsection\n");

extern "C" {
extern const std::byte hearth_starter_begin[];  // NOLINT: names of the assembler
extern const std::byte hearth_starter_end[];
}

namespace hearth::daemon {

std::span<const std::byte> starter_file() {
  return {hearth_starter_begin, hearth_starter_end};
}

}  // namespace hearth::daemon
