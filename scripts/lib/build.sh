# shellcheck shell=bash
# Configuring and building a preset. Quick when there is nothing to do: then cmake is not even started.

# Two checkouts share what ccache keeps: paths below the checkout are made relative before they are compared.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

# configure PRESET TESTS: TESTS is ON or OFF. A build folder made for another place or other settings is made anew.
configure() {
  local -r preset=$1 tests=$2
  local -r cache=build/$preset/CMakeCache.txt
  if [[ -f $cache && -f build/$preset/build.ninja ]] && grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$cache"; then
    # What was configured with tests can build the program just as well.
    if grep -qxF 'LM_TESTS:BOOL=ON' "$cache" || [[ $tests == OFF ]]; then return; fi
  elif [[ -e build/$preset ]]; then
    rm -rf "build/$preset"
  fi
  run_quietly "build/$preset-configure.log" cmake --preset "$preset" -D LM_TESTS="$tests" -D LM_BENCH="$tests"
}

# build PRESET TARGET...
build() {
  local -r preset=$1
  shift
  if [[ -t 2 && -z ${CI:-} ]]; then
    ninja --quiet -C "build/$preset" "$@" >&2
  else
    run_quietly "build/$preset-build.log" ninja -C "build/$preset" "$@"
  fi
}

# run_quietly LOG COMMAND...: the output goes to LOG, and is shown if the command fails.
run_quietly() {
  local -r log=$1
  shift
  if ! "$@" >"$log" 2>&1; then
    tail -n 200 "$log" >&2
    return 1
  fi
}
