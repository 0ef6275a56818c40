// One breath inside a spin loop: tells the core that nothing useful happens until memory changes.
#pragma once

namespace hearth {

inline void cpu_relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield" ::: "memory");
#endif
}

}  // namespace hearth
