# shellcheck shell=bash
# The distribution's packages that we need, by group. Written for Debian 12; where Ubuntu 24.04 calls a package
# otherwise, the table below knows it.
#   build  what ./run needs to compile and start the program
#   test   what ./test needs besides

readonly BUILD_PACKAGES=(
  ca-certificates ccache cmake g++ git libboost1.81-dev libcurl4-openssl-dev libfmt-dev libisal-dev liblz4-dev
  libpugixml-dev libspdlog-dev libssl-dev libtomlplusplus-dev ninja-build nlohmann-json3-dev pkg-config python3 sqlite3
)

readonly TEST_PACKAGES=(
  libbenchmark-dev libgmock-dev libgtest-dev librapidcheck-dev     # unit tests and benchmarks
  clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev        # checks and fuzzing
  ceph-common ceph-mon ceph-osd radosgw                            # a real S3 server
  curl libsqlite3-dev openssl python3-venv shellcheck strace       # integration tests, checks of scripts
  chromium fonts-dejavu-core                                       # the dashboard in a real browser
)

# Debian 12's name on the left; empty on the right: not to be had there.
declare -rA UBUNTU_24_04_NAMES=(
  [libboost1.81-dev]=libboost1.83-dev
  [chromium]='' # only as a snap, which a script cannot drive; browser tests then need a chromium of your own
)

distribution() {
  # shellcheck source=/dev/null
  (. /etc/os-release && printf '%s-%s' "$ID" "$VERSION_ID")
}

# packages_of GROUP...: one name a line, as this distribution calls them.
packages_of() {
  local -a names=()
  local group name
  for group in "$@"; do
    case $group in
      build) names+=("${BUILD_PACKAGES[@]}") ;;
      test) names+=("${TEST_PACKAGES[@]}") ;;
      *) die "there is no package group '$group'" ;;
    esac
  done
  local -r system=$(distribution)
  for name in "${names[@]}"; do
    if [[ $system == ubuntu-24.04 && -v UBUNTU_24_04_NAMES[$name] ]]; then name=${UBUNTU_24_04_NAMES[$name]}; fi
    [[ -z $name ]] || printf '%s\n' "$name"
  done
}

# missing_packages NAME...: those that are not installed.
missing_packages() {
  local -A installed=()
  local name status
  # The status letter stands second: "ii" is installed and wanted.
  while read -r status name; do
    if [[ $status == ?i* ]]; then installed[$name]=1; fi
  done < <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "$@" 2>/dev/null)
  for name in "$@"; do
    [[ -v installed[$name] ]] || printf '%s\n' "$name"
  done
}

# install_packages NAME...: without starting any daemon that they bring along.
install_packages() {
  command -v apt-get >/dev/null || die "no apt-get here; install by hand what corresponds to: $*"
  say "installing $# packages: $*"
  local -r policy=/usr/sbin/policy-rc.d
  local ours=no
  if [[ ! -e $policy ]]; then
    ours=yes
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  local -r apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  local failed=no
  { as_root "${apt[@]}" update && as_root "${apt[@]}" install --no-install-recommends "$@" >&2; } || failed=yes
  if [[ $ours == yes ]]; then as_root rm -f "$policy"; fi
  [[ $failed == no ]] || die "the packages could not be installed"
  # They were not started; do not let the next boot start them either.
  if [[ " $* " == *" ceph-mon "* && -d /run/systemd/system ]]; then
    as_root systemctl disable --quiet ceph.target ceph-crash.service || true
  fi
}

# check_version TOOL MINIMUM FOUND
check_version() {
  if [[ $(printf '%s\n%s\n' "$2" "$3" | sort -V | head -n 1) != "$2" ]]; then
    die "$1 $3 is too old: $2 or later is needed"
  fi
}

check_tool_versions() {
  check_version g++ 12 "$(g++ -dumpfullversion)"
  check_version cmake 3.23 "$(cmake --version | awk 'NR == 1 { print $3 }')"
  check_version ninja 1.10 "$(ninja --version)"
}
