// Checks for what only our own mistake can break. Input from outside must never reach one.
#pragma once

namespace hearth {

// Prints file, line and expression to standard error and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* expression) noexcept;

}  // namespace hearth

#define HEARTH_CHECK(expression) \
  ((expression) ? static_cast<void>(0) : ::hearth::check_failed(__FILE__, __LINE__, #expression))

#ifdef NDEBUG
#define HEARTH_DCHECK(expression) static_cast<void>(0)
#else
#define HEARTH_DCHECK(expression) HEARTH_CHECK(expression)
#endif
