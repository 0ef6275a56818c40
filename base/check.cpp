#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace hearth {

void check_failed(const char* file, int line, const char* expression) noexcept {
  std::fprintf(stderr, "hearth: internal error at %s:%d: %s does not hold; please report this\n",
               file, line, expression);
  std::abort();
}

}  // namespace hearth
