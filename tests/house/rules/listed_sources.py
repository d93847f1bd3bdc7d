"""Every source file is built: some CMakeLists.txt in its folder or above names it."""
import pathlib
import re


_FROM_ROOT = "${CMAKE_SOURCE_DIR}/"


def built_files(tree):
    """Every .cpp that a CMakeLists.txt names, as a path from the root."""
    built = set()
    for path in tree.files("CMakeLists.txt"):
        folder = pathlib.PurePosixPath(path).parent
        for name in re.findall(r"[\w./${}-]+\.cpp\b", re.sub(r"#.*", "", tree.text(path))):
            name = name.removeprefix("${CMAKE_CURRENT_SOURCE_DIR}/")
            built.add(name.removeprefix(_FROM_ROOT) if name.startswith(_FROM_ROOT) else str(folder / name))
    return built


def check(tree):
    built = built_files(tree)
    sources = [f for f in tree.files(".cpp") if f.startswith(("src/", "tests/"))]
    return [
        f"{path}:1: no CMakeLists.txt lists it, so nothing builds it; list it or remove it"
        for path in sources
        if path not in built
    ]
