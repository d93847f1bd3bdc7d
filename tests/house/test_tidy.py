#!/usr/bin/python3
"""The clang-tidy runner: it bites with our own rules, and remembers only what was clean and is unchanged."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
CLEAN = "namespace base {\nint one() {\n  return 1;\n}\n}  // namespace base\n"


class TidyTest(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.root = pathlib.Path(holder.name)
        (self.root / "src/base").mkdir(parents=True)
        (self.root / "build").mkdir()
        (self.root / ".clang-tidy").write_text((HERE.parents[1] / ".clang-tidy").read_text())
        self.flags = "-std=c++23"
        self.write("src/base/a.cpp", CLEAN)

    def write(self, path, text):
        (self.root / path).write_text(text)

    def run_tidy(self):
        """(exit code, output, number of files that are remembered as clean)"""
        entry = {"directory": str(self.root), "file": "src/base/a.cpp",
                 "command": f"c++ {self.flags} -Isrc -o a.o -c src/base/a.cpp"}
        self.write("build/compile_commands.json", json.dumps([entry]))
        command = [sys.executable, "-B", HERE / "tidy.py", "--root", self.root, "--build", self.root / "build"]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.returncode, done.stdout, len(list((self.root / "build/tidy-clean").iterdir()))

    def test_clean_file_is_remembered_until_something_it_depends_on_changes(self):
        self.write("src/base/b.h", "#pragma once\n")
        self.write("src/base/a.cpp", '#include "base/b.h"\n' + CLEAN)
        self.assertEqual(self.run_tidy()[::2], (0, 1))
        self.assertEqual(self.run_tidy()[::2], (0, 1))
        self.write("src/base/b.h", "#pragma once\nnamespace base {}\n")
        self.assertEqual(self.run_tidy()[::2], (0, 2))
        self.flags += " -DX"
        self.assertEqual(self.run_tidy()[::2], (0, 3))

    def test_finding_fails_and_is_not_remembered(self):
        self.write("src/base/a.cpp", CLEAN.replace("one", "OneMore"))
        for _ in range(2):
            code, output, remembered = self.run_tidy()
            self.assertEqual((code, remembered), (1, 0))
            self.assertIn("readability-identifier-naming", output)

    def test_file_that_does_not_compile_fails(self):
        self.write("src/base/a.cpp", "int f( {\n")
        self.assertEqual(self.run_tidy()[::2], (1, 0))

    def test_expected_and_move_only_function_of_the_standard_library_are_understood(self):
        self.write("src/base/a.cpp", "#include <expected>\n#include <functional>\nnamespace base {\n"
                   "std::expected<int, int> half(int x) {\n  return x / 2;\n}\n"
                   "using Callback = std::move_only_function<void(std::expected<int, int>)>;\n}  // namespace base\n")
        code, output, _ = self.run_tidy()
        self.assertEqual(code, 0, output)

    def test_no_source_of_ours_is_a_failure(self):
        self.write("build/compile_commands.json", "[]")
        command = [sys.executable, "-B", HERE / "tidy.py", "--root", self.root, "--build", self.root / "build"]
        self.assertEqual(subprocess.run(command, capture_output=True).returncode, 1)


if __name__ == "__main__":
    unittest.main()
