"""Includes between modules follow the allowed direction, and CMake links what is included."""
import re

from tree import MODULES, is_test_code, module_of

_BELOW_STORAGE = {"base", "os", "metrics", "sqlite", "wal", "ltx", "http"}
ALLOWED = {
    "base": set(),
    "os": {"base"},
    "metrics": {"base"},
    "wal": {"base"},
    "ltx": {"base"},
    "sqlite": {"base", "os", "metrics"},
    "http": {"base", "os", "metrics"},
    "storage": _BELOW_STORAGE,
    "history": {"base"},
    "engine": _BELOW_STORAGE | {"storage", "history"},
    "fleet": _BELOW_STORAGE | {"storage", "history", "engine"},
    "web": {"base", "os", "metrics", "http"},
    "cli": set(MODULES) - {"cli"},
}
# Single headers that a module may see of another one: plain values.
EXCEPTIONS = {"web": {"engine/status.h"}, "history": {"storage/keys.h"}}

_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
_LM_MODULE = re.compile(r"lm_module\(\s*(\w+)(.*?)\)", re.S)


def includes(tree, path):
    for number, line in enumerate(tree.lines(path), 1):
        match = _INCLUDE.match(line)
        if match:
            yield number, match.group(1)


def linked_modules(tree, module):
    """{'PUBLIC': {...}, 'PRIVATE': {...}, 'TEST_LIBS': {...}} of the module's lm_module() call; None without one.

    What its other targets link counts as PRIVATE.
    """
    path = f"src/{module}/CMakeLists.txt"
    if not tree.has(path):
        return None
    links = {"PUBLIC": set(), "PRIVATE": set(), "TEST_LIBS": set()}
    text = re.sub(r"#.*", "", tree.text(path))
    for match in _LM_MODULE.finditer(text):
        if match.group(1) != module:
            continue
        section = None
        for word in match.group(2).split():
            if word in ("SOURCES", "PUBLIC", "PRIVATE", "TESTS", "TEST_LIBS"):
                section = word
            elif section in links and word.startswith("lm_"):
                links[section].add(word[3:])
    for words in re.findall(r"target_link_libraries\(([^)]*)\)", text):
        links["PRIVATE"] |= {w[3:] for w in words.split() if w.startswith("lm_")} - {module, "settings"}
    return links


def _reachable(links, start):
    """`start` and what those modules make visible to whoever links them."""
    seen, queue = set(), list(start)
    while queue:
        module = queue.pop()
        if module not in seen:
            seen.add(module)
            queue += (links.get(module) or {}).get("PUBLIC", ())
    return seen


def _check_edge(path, number, module, target, included):
    if target not in ALLOWED[module] and included not in EXCEPTIONS.get(module, ()):
        allowed = ", ".join(sorted(ALLOWED[module] | EXCEPTIONS.get(module, set()))) or "nothing"
        return f"{path}:{number}: {module} must not include {included}; it may see: {allowed}"
    return None


def _check_link(path, number, module, target, links):
    own = links.get(module)
    if own is None:
        return None
    if is_test_code(path):
        sections = ("PUBLIC", "PRIVATE", "TEST_LIBS")
    elif path.endswith(".h"):
        sections = ("PUBLIC", "PRIVATE") if "/internal/" in path else ("PUBLIC",)
    else:
        sections = ("PUBLIC", "PRIVATE")
    if target in _reachable(links, set().union(*(own[s] for s in sections))):
        return None
    # A header that only .cpp files of its own module include needs no PUBLIC link; be content with a PRIVATE one.
    if path.endswith(".h") and target in _reachable(links, own["PRIVATE"]):
        return None
    return f"{path}:{number}: includes {target}, but src/{module}/CMakeLists.txt does not link lm_{target}"


def check(tree):
    complaints = []
    links = {m: linked_modules(tree, m) for m in MODULES}
    for path in tree.cpp_files():
        module = module_of(path)
        if module is None:
            continue
        if module not in ALLOWED:
            complaints.append(f"{path}:1: src/{module} is no known module; add it to the edge list")
            continue
        for number, included in includes(tree, path):
            target = included.split("/")[0]
            if "/" not in included:
                complaints.append(f'{path}:{number}: write the module too: "{module}/{included}"')
            elif target in ALLOWED and target != module:
                found = _check_edge(path, number, module, target, included)
                found = found or _check_link(path, number, module, target, links)
                complaints += [found] if found else []
    for module, own in links.items():
        for target in sorted(set().union(*own.values()) if own else ()):
            excepted = any(e.startswith(target + "/") for e in EXCEPTIONS.get(module, ()))
            if target in ALLOWED and target not in ALLOWED[module] and not excepted:
                complaints.append(f"src/{module}/CMakeLists.txt:1: {module} must not link lm_{target}")
    return complaints
