"""Every known hazard of copying a log has its row in docs/hazards.md, with a test that exists, the reason why it cannot
occur, or an honest entry under what is open."""
import re

DOCUMENT = "docs/hazards.md"
EXPECTED = [f"W{n}" for n in range(1, 90)] + ["W95"] + [f"C{n}" for n in range(1, 33)]
REASON_LETTERS_MIN = 30

_ROW = re.compile(r"^\| ([WC]\d+) \|(.*)\|$")
_OPEN_ENTRY = re.compile(r"^- \*\*([WC]\d+)\*\*: (.*)$")
_CPP_TEST = re.compile(r"\b(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)")
_PYTHON_TEST = re.compile(r"^\s*def (test_\w+)\(", re.M)
_NAME = re.compile(r"`([^`]+)`")


def known_tests(tree):
    """`Suite.Name` of GoogleTest, and `integration/test_kill.py::test_name` for Python, from the folder tests."""
    names = set()
    for path in tree.files(".cpp"):
        if path.startswith(("src/", "tests/")):
            names |= {f"{suite}.{name}" for suite, name in _CPP_TEST.findall(tree.text(path))}
    for path in tree.files(".py"):
        if path.startswith("tests/") and path.rsplit("/", 1)[-1].startswith("test_"):
            names |= {f"{path.removeprefix('tests/')}::{name}" for name in _PYTHON_TEST.findall(tree.text(path))}
    return names


def complaints_of_row(cells, tests):
    if len(cells) != 3 or not all(cells):
        return ["a row has a number, the hazard, what we do, and the proof"]
    proof = cells[2]
    parts = [part.strip() for part in proof.split(";")]
    found = [f"there is no test {name}" for name in _NAME.findall(proof) if name not in tests]
    for part in parts:
        if part == "open" or _NAME.search(part):
            continue
        if not part.startswith("by construction: "):
            found.append("its proof is a test's name, `by construction: why`, or `open`")
        elif len(part) < len("by construction: ") + REASON_LETTERS_MIN:
            found.append("say why it cannot occur")
    return found


def check(tree):
    if not tree.has(DOCUMENT):
        return [f"{DOCUMENT}:1: missing: every known hazard and the test that shows that it is handled"]
    tests = known_tests(tree)
    complaints, rows, said_open, listed_open = [], {}, {}, {}
    for number, line in enumerate(tree.lines(DOCUMENT), 1):
        where = f"{DOCUMENT}:{number}"
        if row := _ROW.match(line):
            hazard, cells = row[1], [cell.strip() for cell in row[2].split("|")]
            if hazard in rows:
                complaints.append(f"{where}: {hazard} has a row already")
            rows[hazard] = number
            complaints += [f"{where}: {hazard}: {why}" for why in complaints_of_row(cells, tests)]
            if re.search(r"(?:^|;)\s*open$", cells[-1]):
                said_open[hazard] = number
        elif entry := _OPEN_ENTRY.match(line):
            listed_open[entry[1]] = number
            if len(entry[2]) < REASON_LETTERS_MIN:
                complaints.append(f"{where}: {entry[1]}: say what is missing")
    complaints += [f"{DOCUMENT}:1: {hazard} is missing" for hazard in EXPECTED if hazard not in rows]
    complaints += [f"{DOCUMENT}:{rows[h]}: {h} is no known hazard" for h in rows if h not in EXPECTED]
    complaints += [f"{DOCUMENT}:{n}: {h} is open, but not listed as such at the end" for h, n in said_open.items()
                   if h not in listed_open]
    complaints += [f"{DOCUMENT}:{n}: {h} is listed as open, but its row says otherwise" for h, n in listed_open.items()
                   if h not in said_open]
    return complaints
