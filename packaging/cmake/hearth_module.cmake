# hearth_module(NAME LINKS targets...): library hearth_NAME from every .cpp below the folder, or below its subfolders
# named after FOLDERS, except main.cpp files.
# hearth_program(NAME SOURCE file LINKS targets...): a program in build/<preset>/bin.
function(hearth_module name)
  cmake_parse_arguments(ARG "" "" "LINKS;PRIVATE_LINKS;EXCLUDE;FOLDERS" ${ARGN})
  set(patterns ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(ARG_FOLDERS)
    list(TRANSFORM ARG_FOLDERS REPLACE "(.+)" "${CMAKE_CURRENT_SOURCE_DIR}/\\1/*.cpp" OUTPUT_VARIABLE patterns)
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${patterns})
  list(FILTER sources EXCLUDE REGEX "main\\.cpp$")
  foreach(pattern IN LISTS ARG_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX "${pattern}")
  endforeach()
  add_library(hearth_${name} STATIC ${sources})
  set_target_properties(hearth_${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(hearth_${name} PUBLIC hearth_options ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
endfunction()

function(hearth_program name)
  cmake_parse_arguments(ARG "" "SOURCE" "LINKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCE})
  target_link_libraries(${name} PRIVATE hearth_options ${ARG_LINKS})
endfunction()
