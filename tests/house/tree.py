"""The project's own files, as git sees them: tracked ones and new ones that are not ignored."""
import os
import pathlib
import re
import subprocess

MODULES = ["base", "os", "metrics", "sqlite", "wal", "ltx", "http", "storage", "history", "engine", "fleet", "web",
           "cli"]
CPP_SUFFIXES = (".h", ".cpp")


class Tree:
    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self._files = self._listed_by_git() if (self.root / ".git").exists() else self._walked()

    def files(self, *suffixes):
        """Paths relative to the root, with '/', sorted; with one of the suffixes if any are given."""
        return [f for f in self._files if not suffixes or f.endswith(suffixes)]

    def cpp_files(self):
        return [f for f in self.files(*CPP_SUFFIXES) if f.startswith(("src/", "tests/"))]

    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8")

    def lines(self, path):
        return self.text(path).splitlines()

    def has(self, path):
        return (self.root / path).is_file()

    def _listed_by_git(self):
        command = ["git", "-C", str(self.root), "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others"]
        out = subprocess.run([*command, "--exclude-standard"], check=True, capture_output=True, text=True).stdout
        return sorted({f for f in out.split("\0") if f and (self.root / f).is_file()})

    def _walked(self):
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders if f not in ("build", "third_party", "data", ".venv", "__pycache__")]
            found += [(pathlib.Path(folder) / n).relative_to(self.root).as_posix() for n in names]
        return sorted(found)


def module_of(path):
    """'storage' for 'src/storage/s3/sigv4.cpp'; None outside of src."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "src" else None


def is_test_code(path):
    name = path.rsplit("/", 1)[-1]
    return path.startswith("tests/") or re.search(r"(?:^|_)(?:test|testing|bench|fake)(?:_|\.)", name) is not None
