"""Adds up the results of several ctest runs, given as PRESET=FILE of JUnit XML.

One ctest entry is often a whole binary or a pytest run with many tests inside. Where its output closes with the count of
GoogleTest, pytest or unittest, those tests are counted, else the entry is one test. An entry that failed counts at least
one failure, whatever it printed, and so does a stage that did not get as far as its tests.
"""
import argparse
import re
import sys
import xml.etree.ElementTree as xml

GTEST_PASSED = re.compile(r"^\[  PASSED  \] (\d+) tests?\.", re.M)
GTEST_FAILED = re.compile(r"^\[  FAILED  \] (\d+) tests?, listed below:", re.M)
PYTEST_CLOSING = re.compile(r"^(?:=+ )?((?:\d+ [a-z]+,? ?)+)in [\d.]+s", re.M)
UNITTEST_RAN = re.compile(r"^Ran (\d+) tests? in ", re.M)
UNITTEST_FAILED = re.compile(r"^FAILED \((.*)\)$", re.M)


def last_number(pattern, text):
    found = pattern.findall(text)
    return int(found[-1]) if found else 0


def counts_inside(output):
    """(passed, failed) as the test's own framework counted them; (0, 0) if it is none that we know."""
    if "[==========]" in output:
        return last_number(GTEST_PASSED, output), last_number(GTEST_FAILED, output)
    closing = PYTEST_CLOSING.findall(output)
    if closing:
        words = {word: int(number) for number, word in re.findall(r"(\d+) ([a-z]+)", closing[-1])}
        return words.get("passed", 0), words.get("failed", 0) + words.get("error", 0) + words.get("errors", 0)
    ran = last_number(UNITTEST_RAN, output)
    broken = sum(int(n) for line in UNITTEST_FAILED.findall(output)[-1:] for n in re.findall(r"=(\d+)", line))
    return max(0, ran - broken), broken


def count_entry(case):
    """(passed, failed) of one <testcase> of ctest."""
    passed, failed = counts_inside(case.findtext("system-out") or "")
    if case.get("status") == "run":
        return (passed, failed) if passed + failed > 0 else (1, 0)
    return passed, max(1, failed)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--failed-stages", type=int, default=0)
    parser.add_argument("results", nargs="*")
    arguments = parser.parse_args()
    total_passed, total_failed = 0, arguments.failed_stages
    for result in arguments.results:
        preset, path = result.split("=", 1)
        for case in xml.parse(path).getroot().iter("testcase"):
            passed, failed = count_entry(case)
            total_passed += passed
            total_failed += failed
            if failed:
                print(f"failed: {preset}: {case.get('name')}")
    print(f"{total_passed} passed, {total_failed} failed")
    return 1 if total_failed or not total_passed else 0


if __name__ == "__main__":
    sys.exit(main())
