"""Nothing in the project knows the machine or the network it was written on."""
import re

# Written in pieces, so that this file does not find itself.
_FORBIDDEN = [
    (r"(?<![\w.$}/])/" + r"(?:work|root|home)/[\w.-]", "a path of one machine"),
    (r"(?<![\w.$}/])/" + r"tmp/[\w.-]", "a fixed path for temporary files; use the test's own folder or mktemp"),
    (r"\b(?:registry\.npm" + r"js|pypi\.py" + r"thon|files\.pythonhost" + r"ed|deb\.deb" + r"ian|static\.crat" + r"es)\.\w+",
     "the host of a package registry; packages go by name"),
]


def check(tree):
    complaints = []
    for path in tree.files():
        if path.startswith("tests/data/"):
            continue
        try:
            lines = tree.lines(path)
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, 1):
            complaints += [f"{path}:{number}: {why}" for pattern, why in _FORBIDDEN if re.search(pattern, line)]
    return complaints
