"""Databases of many kinds and the processes that write to them."""

import json
import signal
import subprocess
import uuid
from pathlib import Path
from typing import Any

from harness.settings import WRITER_PYTHON, WRITER_SCRIPT, clean_environment

PAGE_SIZES = (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)


def client_id(number: int) -> str:
    """A GUID that shows its number, so that a failure can be read."""
    return str(uuid.UUID(int=(0x5EED << 112) | (4 << 76) | (8 << 60) | number))


class Application:
    """A database's path and the process that writes to it."""

    def __init__(self, folder: Path, number: int, name: str = "rows", **spec: Any):
        self.client_id, self.name = client_id(number), name
        self.database = folder / f"{self.client_id}.db"
        self.spec = {"database": str(self.database), "seed": number} | spec
        self.process: subprocess.Popen[str] | None = None
        self.reports: list[dict[str, Any]] = []

    def start(self, **changes: Any) -> "Application":
        assert self.process is None
        command = [WRITER_PYTHON, "-I", "-S", str(WRITER_SCRIPT), json.dumps(self.spec | changes)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env=clean_environment())
        return self

    def ask_to_stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)

    def stop(self) -> dict[str, Any]:
        self.ask_to_stop()
        return self.finish()

    def finish(self, timeout: float = 60) -> dict[str, Any]:
        """Waits for the writer's end and returns its report. A writer that failed fails the test."""
        assert self.process is not None
        output, problems = self.process.communicate(timeout=timeout)
        code, self.process = self.process.returncode, None
        assert code == 0, f"writer {self.name} of {self.client_id} ended with {code}: {output}{problems}"
        self.reports.append(json.loads(output))
        return self.reports[-1]

    def write(self, transactions: int, **changes: Any) -> dict[str, Any]:
        """Writes that many transactions as fast as it can and ends."""
        return self.start(transactions=transactions, rate=1e6, **changes).finish()

    def committed(self) -> int:
        """Number of the last transaction whose COMMIT has returned. Needs the specification's `progress`."""
        try:
            return int(Path(self.spec["progress"]).read_bytes())
        except FileNotFoundError:
            return 0

    def crash(self) -> None:
        """SIGKILL: log and index stay behind as they are."""
        assert self.process is not None
        self.process.kill()
        self.process.communicate()
        self.process = None


def stop_all(applications: list[Application]) -> list[dict[str, Any]]:
    running = [a for a in applications if a.process is not None]
    for application in running:
        application.ask_to_stop()
    return [a.finish() for a in running]


def kill_all(applications: list[Application]) -> None:
    for application in applications:
        if application.process is not None:
            application.crash()


def overflow_events(folder: Path, most: int) -> None:
    """More than `most` events of this folder, for a daemon that does not read them: one that repeats the one before is
    not queued, so two files take turns."""
    names = [folder / "noise-a", folder / "noise-b"]
    with names[0].open("wb", buffering=0) as one, names[1].open("wb", buffering=0) as other:
        for _ in range(most // 2 + 100):
            one.write(b"x")
            other.write(b"x")
    for name in names:
        name.unlink()


# Kinds by name. Everything that SQLite can do to a file and its log is here at least once.
KINDS: dict[str, dict[str, Any]] = {
    **{f"held-page-{size}": {"page_size": size, "work": "mixed"} for size in PAGE_SIZES},
    **{f"oneshot-page-{size}": {"page_size": size, "session": "oneshot", "rate": 8.0} for size in PAGE_SIZES},
    "auto-vacuum-full": {"auto_vacuum": 1, "work": "shrink"},
    "auto-vacuum-incremental": {"auto_vacuum": 2, "work": "shrink"},
    "oneshot-auto-vacuum-full": {"auto_vacuum": 1, "work": "shrink", "session": "oneshot", "rate": 8.0},
    "oneshot-auto-vacuum-incremental": {"auto_vacuum": 2, "work": "shrink", "session": "oneshot", "rate": 8.0},
    "journal-delete": {"journal_mode": "", "rate": 10.0},
    "journal-truncate": {"journal_mode": "truncate", "rate": 10.0},
    "journal-persist-oneshot": {"journal_mode": "persist", "session": "oneshot", "rate": 5.0},
    "without-rowid": {"work": "without_rowid"},
    "blobs": {"work": "blobs"},
    "spill": {"work": "spill", "cache_size": 10, "rate": 3.0},
    "savepoints": {"work": "savepoints"},
    "rollbacks": {"work": "rollbacks", "cache_size": 10},
    "vacuum": {"work": "mixed", "after": "vacuum"},
    "oneshot-vacuum": {"work": "mixed", "after": "vacuum", "session": "oneshot", "rate": 5.0},
    "checkpoint-truncate": {"after": "truncate"},
    "checkpoint-restart": {"after": "restart"},
    "checkpoint-passive": {"after": "passive", "autocheckpoint": 0},
    "autocheckpoint-off": {"autocheckpoint": 0},
    "autocheckpoint-10": {"autocheckpoint": 10, "work": "mixed"},
    "schema": {"work": "schema"},
    "full-text": {"work": "full_text"},
    "synchronous-off": {"synchronous": "OFF", "rate": 100.0},
    "synchronous-normal": {"synchronous": "NORMAL", "rate": 100.0},
    "synchronous-full": {"synchronous": "FULL", "rate": 50.0},
    "busy-timeout-0": {"busy_timeout_ms": 0, "rate": 50.0},
    "oneshot-fast": {"session": "oneshot", "synchronous": "NORMAL", "rate": 40.0},
    "slow": {"rate": 0.7},
    "oneshot-slow": {"rate": 0.5, "session": "oneshot"},
    "one-transaction": {"transactions": 1},
}


def fleet(folder: Path, kinds: list[str], first_number: int = 1) -> list[Application]:
    return [Application(folder, first_number + i, kind, **KINDS[kind]) for i, kind in enumerate(kinds)]
