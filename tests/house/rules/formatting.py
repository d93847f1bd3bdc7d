"""clang-format decides the layout of C++; nobody discusses it."""
import re
import subprocess

PROGRAM = "clang-format-19"


def check(tree):
    files = tree.cpp_files()
    if not files:
        return []
    run = subprocess.run([PROGRAM, "--dry-run", "-Werror", *files], cwd=tree.root, capture_output=True, text=True)
    if run.returncode == 0:
        return []
    places = {}
    for path, line in re.findall(r"^(\S+?):(\d+):\d+: error: code should be clang-formatted", run.stderr, re.M):
        places.setdefault(path, line)
    found = [f"{path}:{line}: run {PROGRAM} -i {path}" for path, line in places.items()]
    return found or [f".clang-format:1: {PROGRAM} failed: {run.stderr.strip()[:500]}"]
