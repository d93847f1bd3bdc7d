# lm_module(NAME SOURCES a.cpp ... [PUBLIC lib ...] [PRIVATE lib ...] [TESTS a_test.cpp ...] [TEST_LIBS lib ...])
# Makes the static library lm_NAME and, if it has tests, the test binary NAME_test. Third-party includes are marked
# as system includes by their imported targets. PUBLIC and PRIVATE must be honest: tests/house compares the includes
# between modules with the allowed edges.
function(lm_module name)
  cmake_parse_arguments(M "" "" "SOURCES;PUBLIC;PRIVATE;TESTS;TEST_LIBS" ${ARGN})
  add_library(lm_${name} STATIC ${M_SOURCES})
  target_link_libraries(lm_${name} PUBLIC lm_settings ${M_PUBLIC} PRIVATE ${M_PRIVATE})
  if(LM_TESTS AND M_TESTS)
    add_executable(${name}_test ${M_TESTS})
    target_link_libraries(${name}_test PRIVATE lm_${name} ${M_TEST_LIBS} GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_test PRIVATE LM_TEST_DATA_DIR="${CMAKE_SOURCE_DIR}/tests/data")
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 600)
  endif()
endfunction()
