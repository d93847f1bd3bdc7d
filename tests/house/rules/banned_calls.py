"""Calls that we do not make, each with what to use instead."""
import re

from rules.cpp_text import without_comments_and_strings
from tree import is_test_code

ANYWHERE = [
    (r"(?<![\w.>])(?:std::|::)?(?:system|popen)\s*\(", "no shells; posix_spawn where a process is needed"),
    (r"\bv?sprintf\s*\(", "fmt::format"),
    (r"\b(?:strcpy|strcat|strtok|gets)\s*\(", "std::string"),
    (r"(?<![\w.>])(?:std::)?s?rand\s*\(", "base/random.h"),
    (r"\b(?:localtime|gmtime|strerror)\s*\(", "the _r form: this one is not thread safe"),
    (r"\bdelete\s+[\w*(]|\bdelete\s*\[\]", "a smart pointer"),
    (r"(?<![\w.])assert\s*\(", "CHECK (base/check.h), which stays on"),
    (r"\busing\s+namespace\s+std\s*;", "write std::"),
    (r"\bGTEST_SKIP\b|\bDISABLED_", "a test that runs, or none"),
]
# Benchmarks pace their writers by the clock; everything else waits for something.
OUTSIDE_BENCHMARKS = [
    (r"\b(?:sleep_for|sleep_until|usleep|nanosleep)\s*\(|(?<![\w.>])(?:::)?sleep\s*\(",
     "wait for a condition with a deadline"),
]
# The daemon talks through its log; tests may print, and so may the commands and what must report without a log.
IN_PRODUCT = [
    (r"\bstd::(?:cout|cerr|clog)\b|#\s*include\s*<iostream>", "base/log.h, or std::fputs in cli"),
    (r"\b(?:std::)?(?:f?printf|puts|fputs)\s*\(", "base/log.h"),
    (r"#\s*include\s*<regex>", "a small parser: <regex> is slow to run and to compile"),
]
TALKERS = ("src/cli/", "src/base/check.cpp", "src/base/log.cpp")
NEW = re.compile(r"\bnew\s+[A-Za-z_:]")
_PYTHON_SKIPS = r"\bpytest\.(?:skip|xfail|importorskip)\b|\bmark\.(?:skip|skipif|xfail)\b|\bunittest\.skip"
_LEFT_OPEN = r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b"
_NOLINT = re.compile(r"\bNOLINT(?:NEXTLINE|BEGIN)?\b(?P<reason>\([\w\-., ]+\):? *\w)?")


def _line_of(text, position):
    return text.count("\n", 0, position) + 1


def _rules_for(path):
    rules = list(ANYWHERE)
    if not path.startswith("tests/bench/"):
        rules += OUTSIDE_BENCHMARKS
    if not is_test_code(path) and not path.startswith(TALKERS):
        rules += IN_PRODUCT
    return rules


def _check_cpp(path, text):
    code = without_comments_and_strings(text)
    for pattern, instead in _rules_for(path):
        for match in re.finditer(pattern, code):
            yield _line_of(code, match.start()), f"{match.group().strip()}: {instead}"
    for match in NEW.finditer(code):
        # unique_ptr<T>(new T) is how a class with a private constructor is made.
        if "unique_ptr<" not in code[max(0, match.start() - 120) : match.start()]:
            yield _line_of(code, match.start()), "naked new: std::make_unique"
    for match in _NOLINT.finditer(text):
        if not match.group("reason"):
            yield _line_of(text, match.start()), "NOLINT names its check and gives a reason: NOLINT(check): why"


def check(tree):
    complaints = []
    for path in tree.cpp_files():
        complaints += [f"{path}:{line}: {message}" for line, message in _check_cpp(path, tree.text(path))]
    for path in tree.files(".py"):
        for match in re.finditer(_PYTHON_SKIPS, tree.text(path)):
            if not path.startswith("tests/house/"):
                complaints.append(f"{path}:{_line_of(tree.text(path), match.start())}: no test is skipped")
    for path in tree.files(".h", ".cpp", ".py", ".js", ".css", ".html", ".sh", ".md", ".cmake", ".txt"):
        if path.startswith("tests/data/"):
            continue
        for number, line in enumerate(tree.lines(path), 1):
            if re.search(_LEFT_OPEN, line):
                complaints.append(f"{path}:{number}: finish it, or write an issue")
    return complaints
