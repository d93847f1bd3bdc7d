# Debian's packages (scripts/setup installs them) and the SQLite amalgamation that scripts/setup puts into third_party/.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(CURL REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(pugixml REQUIRED)
pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)
# Used by its header alone: the library beside it is built with exceptions, and would be needed at run time.
find_path(LM_TOMLPLUSPLUS_INCLUDE toml++/toml.h REQUIRED)
find_package(Boost 1.81 REQUIRED)
if(LM_TESTS)
  find_package(GTest REQUIRED)
endif()

set(LM_SQLITE_DIR ${CMAKE_SOURCE_DIR}/third_party/sqlite CACHE PATH "Folder with sqlite3.c and sqlite3.h, 3.51.3 or later")
if(NOT EXISTS ${LM_SQLITE_DIR}/sqlite3.c)
  message(FATAL_ERROR "${LM_SQLITE_DIR}/sqlite3.c is missing: run scripts/setup, which fetches it")
endif()
add_library(lm_sqlite3 STATIC ${LM_SQLITE_DIR}/sqlite3.c)
target_include_directories(lm_sqlite3 SYSTEM PUBLIC ${LM_SQLITE_DIR})
target_compile_options(lm_sqlite3 PRIVATE -w)
target_compile_definitions(lm_sqlite3 PRIVATE
  SQLITE_THREADSAFE=2 SQLITE_DEFAULT_PCACHE_INITSZ=0 SQLITE_OMIT_LOAD_EXTENSION SQLITE_DQS=0
  SQLITE_DEFAULT_MEMSTATUS=0 SQLITE_ENABLE_DBPAGE_VTAB SQLITE_USE_URI=0)
target_link_libraries(lm_sqlite3 PUBLIC Threads::Threads ${CMAKE_DL_LIBS} m)
