# The kernels and their tests, and nothing else: what can be built for another processor without its libraries. Those
# two that kernels and tests need are taken as headers.
foreach(library fmt::fmt Catch2::Catch2)
  add_library(${library} INTERFACE IMPORTED)
endforeach()
target_compile_definitions(fmt::fmt INTERFACE FMT_HEADER_ONLY)

include(CTest)
add_subdirectory(engine)
add_subdirectory(tests)
