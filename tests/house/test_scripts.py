#!/usr/bin/python3
"""The scripts that a developer meets first: clean shell, honest checks, a demo that goes when the program goes."""
import os
import pathlib
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

from tree import Tree

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 20


def bash(script):
    """Runs a line of bash with our script libraries loaded: (exit code, standard output)."""
    load = 'for part in say packages sqlite python build; do . "scripts/lib/$part.sh"; done; set -uo pipefail; '
    done = subprocess.run(["bash", "-c", load + script], cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout


def shell_scripts(tree):
    for path in tree.files():
        if path.endswith(".sh") or (tree.root / path).read_bytes()[:64].startswith((b"#!/usr/bin/env bash", b"#!/bin/")):
            yield path


def wait_until(condition):
    """Whether the condition came true before the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Shell(unittest.TestCase):
    def test_every_shell_script_is_clean(self):
        scripts = list(shell_scripts(Tree(ROOT)))
        self.assertIn("run", scripts)
        done = subprocess.run(["shellcheck", "--severity=warning", "-x", *scripts], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_commands_are_executable(self):
        for path in ("run", "test", ".ci/run", "scripts/setup"):
            self.assertTrue(os.access(ROOT / path, os.X_OK), path)


class Packages(unittest.TestCase):
    def test_missing_package_is_found_among_installed_ones(self):
        self.assertEqual(bash("missing_packages bash no-such-package-here coreutils"), (0, "no-such-package-here\n"))

    def test_names_follow_the_distribution(self):
        names = "distribution() { echo %s; }; packages_of build test"
        self.assertIn("libboost1.81-dev\n", bash(names % "debian-12")[1])
        ubuntu = bash(names % "ubuntu-24.04")[1]
        self.assertIn("libboost1.83-dev\n", ubuntu)
        self.assertNotIn("libboost1.81-dev\n", ubuntu)
        self.assertNotIn("chromium", ubuntu)

    def test_old_tool_is_refused(self):
        self.assertEqual(bash("check_version cmake 3.23 3.25.1")[0], 0)
        self.assertEqual(bash("check_version cmake 3.23 3.9.2")[0], 1)


class Sqlite(unittest.TestCase):
    def test_only_the_exact_source_is_good(self):
        self.assertEqual(bash("sqlite_is_good third_party/sqlite")[0], 0)
        with tempfile.TemporaryDirectory() as folder:
            self.assertNotEqual(bash(f"sqlite_is_good {folder}")[0], 0)
            for name in ("sqlite3.c", "sqlite3.h"):
                (pathlib.Path(folder) / name).write_bytes((ROOT / "third_party/sqlite" / name).read_bytes())
            self.assertEqual(bash(f"sqlite_is_good {folder}")[0], 0)
            with open(pathlib.Path(folder) / "sqlite3.h", "a") as header:
                header.write("\n")
            self.assertNotEqual(bash(f"sqlite_is_good {folder}")[0], 0)


class Setup(unittest.TestCase):
    def test_second_run_is_silent_and_quick(self):
        subprocess.run(["scripts/setup"], cwd=ROOT, check=True, capture_output=True)
        start = time.monotonic()
        done = subprocess.run(["scripts/setup"], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        self.assertLess(time.monotonic() - start, 5)


class DemoWriters(unittest.TestCase):
    def test_three_databases_grow_and_the_writer_ends_with_its_parent(self):
        with tempfile.TemporaryDirectory() as folder:
            # `run` becomes the program, whose child the writer then is: here a shell plays the program.
            line = f"/usr/bin/python3 -B scripts/demo-writers {folder} & echo $!; exec cat"
            program = subprocess.Popen(["bash", "-c", line], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            writer = int(program.stdout.readline())
            try:
                self.assertTrue(wait_until(lambda: self.rows(folder) == [True] * 3))
                self.assertTrue(is_running(writer))
                program.kill()
                program.communicate()
                self.assertTrue(wait_until(lambda: not is_running(writer)))
            finally:
                if is_running(writer):
                    os.kill(writer, signal.SIGKILL)
                if program.poll() is None:
                    program.kill()
                    program.communicate()

    @staticmethod
    def rows(folder):
        """For each database whether its table has a row."""
        found = []
        for path in sorted(pathlib.Path(folder).glob("*.db")):
            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            found += [connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] > 0 for (name,) in tables]
            connection.close()
        return found


if __name__ == "__main__":
    unittest.main()
