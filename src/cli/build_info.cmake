# Run at every build: writes OUTPUT with the version and the commit, only if they changed, so that nothing is compiled
# again without a reason. cmake -D SOURCE_DIR=... -D VERSION=... -D OUTPUT=... -P build_info.cmake
execute_process(COMMAND git -C ${SOURCE_DIR} rev-parse --short=12 HEAD
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(commit "")
endif()
set(text "#pragma once\n\nnamespace cli {\ninline constexpr const char* kVersion = \"${VERSION}\";\n\
inline constexpr const char* kCommit = \"${commit}\";  // empty: not built from a checkout\n}  // namespace cli\n")
set(previous "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} previous)
endif()
if(NOT text STREQUAL previous)
  file(WRITE ${OUTPUT} "${text}")
endif()
