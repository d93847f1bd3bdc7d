# shellcheck shell=bash
# The Python of the tests: a virtual environment made from the distribution's interpreter, never from one that a version
# manager puts first, because the tests' writers must use the system's SQLite.

# venv_is_good DIR REQUIREMENTS
venv_is_good() {
  [[ -x $1/bin/python && -f $1/requirements.installed ]] && cmp -s "$2" "$1/requirements.installed"
}

# make_venv DIR REQUIREMENTS
make_venv() {
  say "making $1 with the packages of $2"
  rm -rf "$1"
  /usr/bin/python3 -m venv "$1"
  "$1/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$2" >&2 ||
    die "the Python packages of $2 could not be installed"
  cp "$2" "$1/requirements.installed"
}
