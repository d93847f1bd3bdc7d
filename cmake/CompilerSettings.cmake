# One INTERFACE target with the warnings, sanitizers and definitions that all of our own code is built with.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -D_GLIBCXX_ASSERTIONS")

add_library(lm_settings INTERFACE)
target_include_directories(lm_settings INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(lm_settings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Wcast-align -Woverloaded-virtual -Wimplicit-fallthrough -Wextra-semi -fno-strict-aliasing
  $<$<BOOL:${LM_WERROR}>:-Werror>)
# Our code and SQLite tell the fuzzer where they have been; tests/fuzz links libFuzzer itself.
if(LM_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(LM_SANITIZE)
  add_compile_options(-fsanitize=${LM_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LM_SANITIZE})
endif()
