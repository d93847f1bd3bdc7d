#!/usr/bin/python3
"""The counting behind the last line of ./test, and the comparison of README's flags."""
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.sax.saxutils

import flags_documented

SUMMARISE = pathlib.Path(__file__).resolve().parents[2] / "scripts/lib/summarise.py"
GTEST = "[==========] Running 5 tests from 2 test suites.\n"
GTEST_GOOD = GTEST + "[  PASSED  ] 5 tests.\n"
GTEST_BAD = GTEST + "[  PASSED  ] 3 tests.\n[  FAILED  ] 2 tests, listed below:\n[  FAILED  ] A.B\n"


def last_line(entries, failed_stages=0):
    """Exit code and last line for ctest entries given as (status, output)."""
    cases = "".join(
        f'<testcase name="t{i}" status="{status}"><system-out>{xml.sax.saxutils.escape(output)}</system-out></testcase>'
        for i, (status, output) in enumerate(entries)
    )
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "junit.xml"
        path.write_text(f"<testsuite>{cases}</testsuite>")
        command = [sys.executable, "-B", SUMMARISE, "--failed-stages", str(failed_stages), f"release={path}"]
        done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines()[-1]


class Summarise(unittest.TestCase):
    def test_counts_what_the_frameworks_counted(self):
        for entries, expected in [
            ([("run", GTEST_GOOD)], (0, "5 passed, 0 failed")),
            ([("fail", GTEST_BAD)], (1, "3 passed, 2 failed")),
            ([("run", "x\n===== 12 passed in 3.21s =====\n")], (0, "12 passed, 0 failed")),
            ([("run", "12 passed in 3.21s\n")], (0, "12 passed, 0 failed")),
            ([("fail", "== 2 failed, 3 passed, 1 error in 1.00s ==\n")], (1, "3 passed, 3 failed")),
            ([("run", "...\nRan 7 tests in 0.1s\n\nOK\n")], (0, "7 passed, 0 failed")),
            ([("fail", "Ran 7 tests in 0.1s\n\nFAILED (failures=1, errors=1)\n")], (1, "5 passed, 2 failed")),
            ([("run", "no framework")], (0, "1 passed, 0 failed")),
            ([("run", GTEST_GOOD), ("run", "")], (0, "6 passed, 0 failed")),
        ]:
            self.assertEqual(last_line(entries), expected, entries)

    def test_failed_entry_is_a_failure_whatever_it_printed(self):
        self.assertEqual(last_line([("fail", GTEST_GOOD)]), (1, "5 passed, 1 failed"))
        self.assertEqual(last_line([("fail", GTEST + "Segmentation fault\n")]), (1, "0 passed, 1 failed"))
        self.assertEqual(last_line([("fail", "")]), (1, "0 passed, 1 failed"))
        self.assertEqual(last_line([("notrun", "")]), (1, "0 passed, 1 failed"))

    def test_stage_that_never_tested_is_a_failure(self):
        self.assertEqual(last_line([("run", "")], failed_stages=1), (1, "1 passed, 1 failed"))

    def test_nothing_tested_is_a_failure(self):
        self.assertEqual(last_line([]), (1, "0 passed, 0 failed"))


class FlagsDocumented(unittest.TestCase):
    HELP = "flags:\n  -port PORT  (default 8080)\n        Text -x.\n  -force\n        Text.\n  -level a|b  (default a)\n"
    TABLE = "| flag | default | meaning |\n|---|---|---|\n| `-port PORT` | `8080` | x |\n| `-force` | | y |\n"
    LEVEL = "| `-level a\\|b` | `a` | z |\n"

    def differences(self, table):
        program = flags_documented.flags_of_help(self.HELP)
        return list(flags_documented.differences(program, flags_documented.flags_of_table(table)))

    def test_equal_table_is_accepted(self):
        self.assertEqual(self.differences(self.TABLE + self.LEVEL), [])

    def test_missing_wrong_and_surplus_rows_are_found(self):
        self.assertEqual(self.differences(self.TABLE), ["-level is missing in the table"])
        self.assertEqual(len(self.differences(self.TABLE.replace("8080", "80") + self.LEVEL)), 1)
        self.assertEqual(len(self.differences(self.TABLE + self.LEVEL + "| `-more` | | z |\n")), 1)


if __name__ == "__main__":
    unittest.main()
