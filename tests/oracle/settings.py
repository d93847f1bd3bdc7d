"""Where the oracle finds its programs, and the parts of the integration tests that it builds on."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))

LIBRARIES = ("system", "own")


def worker(library: str) -> Path:
    """A program of this folder's CMakeLists.txt: Debian's SQLite or ours."""
    folder = Path(os.environ.get("LM_ORACLE_BINARIES", Path(os.environ["LM_BINARY"]).resolve().parent / "oracle"))
    return folder / f"oracle_worker_{library}"
