# shellcheck shell=bash
# Our own SQLite: the amalgamation, newer than any distribution's, because versions before 3.51.3 can lose a commit when
# a WAL is reset. It is taken from a package that carries it unchanged, and verified.

readonly SQLITE_VERSION=3.53.2
readonly SQLITE_SOURCE=better-sqlite3@12.11.1
readonly SQLITE_SUMS='60d2f39a3726cd6b9021da6f4e868608d66fbb6528a9f513dc8ffcc640493422  sqlite3.c
9e69a1353a4288450b0d5239ede11fc7f1f4c8e5eb07491fc8317eacb5b7de7e  sqlite3.h'

# sqlite_is_good DIR
sqlite_is_good() {
  [[ -f $1/sqlite3.c && -f $1/sqlite3.h ]] && (cd "$1" && sha256sum --check --status <<<"$SQLITE_SUMS")
}

# fetch_sqlite DIR: afterwards DIR holds sqlite3.c and sqlite3.h. A subshell, so that its trap is its own.
fetch_sqlite() (
  target=$1
  if ! command -v npm >/dev/null; then install_packages npm; fi
  say "fetching SQLite $SQLITE_VERSION (out of $SQLITE_SOURCE)"
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  (cd "$scratch" && npm pack --silent --ignore-scripts "$SQLITE_SOURCE" >/dev/null) ||
    die "SQLite could not be fetched: 'npm pack $SQLITE_SOURCE' failed. Is the npm registry reachable?
  You may also put sqlite3.c and sqlite3.h of SQLite $SQLITE_VERSION into $target yourself; their SHA-256 must be
$SQLITE_SUMS"
  tar -xzf "$scratch"/better-sqlite3-*.tgz -C "$scratch" package/deps/sqlite3
  sqlite_is_good "$scratch/package/deps/sqlite3" ||
    die "SQLite out of $SQLITE_SOURCE is not what we expect (its SHA-256 differs); nothing was installed"
  mkdir -p "$target"
  mv "$scratch"/package/deps/sqlite3/sqlite3.[ch] "$target"/
)
