#!/usr/bin/python3
"""Runs clang-tidy over our own sources, several at a time, and remembers what was clean.

A file is remembered under a hash of everything that decides the outcome: the file, every header of ours that it includes
directly or not, .clang-tidy, the compile command and clang-tidy's version. Findings are not remembered.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

PROGRAM = "clang-tidy-19"
# The commands are GCC's; these are warnings and options that clang does not know.
EXTRA = ["--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-unused-command-line-argument"]
_INCLUDE = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.M)


class Tidy:
    def __init__(self, root, build, program=PROGRAM):
        self.root = pathlib.Path(root).resolve()
        self.build = pathlib.Path(build).resolve()
        self.cache = self.build / "tidy-clean"
        self.program = program
        version = subprocess.run([program, "--version"], check=True, capture_output=True).stdout
        self.basis = hashlib.sha256(version + (self.root / ".clang-tidy").read_bytes() + repr(EXTRA).encode()).digest()

    def sources(self):
        """(path, compile command) of what is ours and no test; tests answer to the compiler and to GoogleTest."""
        commands = json.loads((self.build / "compile_commands.json").read_text())
        for entry in commands:
            path = pathlib.Path(entry["directory"], entry["file"]).resolve()
            if (self.root / "src") in path.parents and not path.name.endswith("_test.cpp"):
                yield path, entry["command"]

    def own_includes(self, path, seen):
        """Adds to `seen` the file and all of our files that it includes, however deep."""
        if path in seen or not path.is_file():
            return seen
        seen.add(path)
        for name in _INCLUDE.findall(path.read_bytes()):
            self.own_includes(self.root / "src" / os.fsdecode(name), seen)
        return seen

    def key(self, path, command):
        digest = hashlib.sha256(self.basis)
        # What lies in the build folder is named after it; the rest of the command counts.
        digest.update(" ".join(w for w in shlex.split(command) if w not in ("-o", "-c")).encode())
        for file in sorted(self.own_includes(path, set())):
            digest.update(str(file.relative_to(self.root)).encode() + b"\0" + file.read_bytes())
        return digest.hexdigest()

    def run(self, path):
        """What clang-tidy complains about; empty if nothing."""
        done = subprocess.run([self.program, "--quiet", "-p", str(self.build), *EXTRA, str(path)],
                              capture_output=True, text=True)
        return "" if done.returncode == 0 else (done.stdout.strip() or done.stderr.strip() or "failed without a word")

    def check(self, path, command):
        mark = self.cache / self.key(path, command)
        if mark.exists():
            mark.touch()
            return ""
        complaints = self.run(path)
        if not complaints:
            mark.touch()
        return complaints


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--build", required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("names", nargs="*", help="only sources whose path contains one of these")
    arguments = parser.parse_args()
    tidy = Tidy(arguments.root, arguments.build)
    tidy.cache.mkdir(exist_ok=True)
    todo = [s for s in tidy.sources() if not arguments.names or any(n in str(s[0]) for n in arguments.names)]
    if not todo:
        print("tidy: compile_commands.json lists none of our sources")
        return 1
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for complaints in pool.map(lambda s: tidy.check(*s), todo):
            if complaints:
                failed += 1
                print(complaints, flush=True)
    print(f"tidy: {len(todo)} files, {failed} with complaints")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
