# Compile options shared by all of our targets: warnings are errors, sanitizers by HEARTH_SANITIZE.
# -ffp-contract=off: a multiplication and an addition are never fused behind our back; where a fused operation is
# meant, the source says fma. Results then do not depend on the compiler's mood (docs/numerics.md).
add_library(hearth_options INTERFACE)
target_compile_options(hearth_options INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Werror -ffp-contract=off)
target_include_directories(hearth_options INTERFACE ${CMAKE_SOURCE_DIR})
if(HEARTH_SANITIZE)
  # GCC reports uninitialised values that are only the sanitizer's own bookkeeping.
  # -g1 has the lines that reports show, -Og folds what the checks repeat: together they halve the time to build.
  target_compile_options(hearth_options INTERFACE -fsanitize=${HEARTH_SANITIZE} -fno-omit-frame-pointer -g1 -Og
                         -fno-sanitize-recover=all $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(hearth_options INTERFACE -fsanitize=${HEARTH_SANITIZE})
endif()
# GCC 12 reports overlapping copies inside std::string (GCC bug 105651) and frees of shifted pointers inside std::vector
# (GCC bug 108088) that cannot happen.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(hearth_options INTERFACE -Wno-restrict -Wno-free-nonheap-object)
endif()
