"""Every module explains itself on one page, and links between documents lead somewhere."""
import pathlib
import re

from tree import module_of

README_LINES_MAX = 40
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


def check(tree):
    complaints = []
    for module in sorted({module_of(f) for f in tree.files(".cpp", ".h")} - {None}):
        readme = f"src/{module}/README.md"
        if not tree.has(readme):
            complaints.append(f"{readme}:1: missing: why the module exists, what belongs here, where to start reading")
        elif not 3 <= len(tree.lines(readme)) <= README_LINES_MAX:
            complaints.append(f"{readme}:1: {len(tree.lines(readme))} lines; 3 to {README_LINES_MAX}")
    for path in tree.files(".md"):
        for number, line in enumerate(tree.lines(path), 1):
            for target in _LINK.findall(line):
                if "://" in target or target.startswith("mailto:"):
                    continue
                if not (tree.root / pathlib.PurePosixPath(path).parent / target).exists():
                    complaints.append(f"{path}:{number}: the link to {target} leads nowhere")
    return complaints
