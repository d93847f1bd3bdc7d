#!/usr/bin/env python3
"""How long after COMMIT returned is the commit in the store? Quiet databases, one commit each now and then.

Several databases take turns, each at least 1.2 s after its last commit, so that neither side's interval of one second
delays it for being busy. In a file store the object's appearance is seen by inotify, in S3 by a proxy that notes when the
server answered the PUT (its own delay, well under a millisecond, is charged to all alike)."""

import ctypes
import os
import random
import sqlite3
import struct
import threading
import time
from pathlib import Path

from subjects import parser, percentile, print_table, progress, ratio, running, store, workspace

from harness.load import client_id
from harness.store import FileBucket

IN_MOVED_TO, IN_CREATE = 0x80, 0x100
SUBJECTS = ["manager", "litestream", "litestream-fast"]


class FileObserver:
    """Notes when objects appear at level 0 of each replica."""

    def __init__(self, bucket: FileBucket, clients: list[str]):
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._libc.inotify_init1(os.O_CLOEXEC)
        self._watches = {}
        for name in clients:
            folder = bucket.root / "databases" / name / "ltx" / "0"
            watch = self._libc.inotify_add_watch(self._descriptor, str(folder).encode(), IN_MOVED_TO | IN_CREATE)
            assert watch >= 0, f"{folder}: {os.strerror(ctypes.get_errno())}"
            self._watches[watch] = name
        self._seen: dict[str, list[float]] = {name: [] for name in clients}
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            data, now, at = os.read(self._descriptor, 1 << 16), time.monotonic(), 0
            while at < len(data):
                watch, _, _, length = struct.unpack_from("iIII", data, at)
                name = data[at + 16:at + 16 + length].rstrip(b"\0")
                at += 16 + length
                if name.endswith(b".ltx"):
                    self._seen[self._watches[watch]].append(now)

    def stored_after(self, name: str, committed: float) -> float | None:
        return next((t for t in list(self._seen[name]) if t > committed), None)


class S3Observer:
    def __init__(self, recorder, clients: list[str]):
        self._recorder = recorder

    def stored_after(self, name: str, committed: float) -> float | None:
        part = f"/databases/{name}/0000/"
        return next((r.answered for r in list(self._recorder.requests)
                     if r.method == "PUT" and r.status == 200 and part in r.target and r.answered > committed), None)


def measure(observer, databases: dict[str, Path], commits: int) -> list[float | None]:
    """Milliseconds from COMMIT's return to the object, for each commit."""
    dice = random.Random(1)
    connections = {n: sqlite3.connect(p, timeout=5, isolation_level=None) for n, p in databases.items()}
    for connection in connections.values():
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("SELECT count(*) FROM items").fetchone()
    due = {name: time.monotonic() + dice.uniform(2, 4) for name in databases}
    waiting: dict[str, float] = {}
    found = []
    for _ in range(commits):
        name = min(due, key=due.__getitem__)
        time.sleep(max(0, due[name] - time.monotonic()))
        if name in waiting:
            found.append(collect(observer, name, waiting.pop(name)))
        connections[name].execute("INSERT INTO items(body) VALUES('x')")
        waiting[name] = time.monotonic()
        due[name] = waiting[name] + dice.uniform(2.5, 4)
    for name, committed in waiting.items():
        found.append(collect(observer, name, committed))
    for connection in connections.values():
        connection.close()
    return found


def collect(observer, name: str, committed: float) -> float | None:
    """None: not stored within 20 s, which the table counts."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        stored = observer.stored_after(name, committed)
        if stored is not None:
            return (stored - committed) * 1000
        time.sleep(0.01)
    return None


def run(name: str, kind: str, arguments) -> list[float | None]:
    progress(f"{name}, {kind} store")
    with workspace(arguments.folder) as folder, store(kind, folder) as (bucket, recorder):
        clients = [client_id(n) for n in range(arguments.databases)]
        (folder / "clients").mkdir()
        databases = {c: folder / "clients" / f"{c}.db" for c in clients}
        for path in databases.values():
            connection = sqlite3.connect(path)
            connection.executescript("PRAGMA journal_mode=WAL; CREATE TABLE items(id INTEGER PRIMARY KEY, body)")
            connection.close()
        with running(name, folder / "clients", bucket, folder) as subject:
            subject.wait_first_backups(clients)
            observer = FileObserver(bucket, clients) if kind == "file" else S3Observer(recorder, clients)
            return measure(observer, databases, arguments.commits)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--commits", type=int, default=120)
    options.add_argument("--databases", type=int, default=20)
    options.add_argument("--stores", type=lambda text: text.split(","), default=["file", "s3"])
    arguments = options.parse_args()
    for kind in arguments.stores:
        rows, ours = [], {}
        for name in arguments.subjects or SUBJECTS:
            measured = run(name, kind, arguments)
            values = [value for value in measured if value is not None]
            p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
            ours = ours or {"p50": p50, "p99": p99}
            rows.append([name, len(measured), len(measured) - len(values), p50, p99, max(values), ratio(p50, ours["p50"]),
                         ratio(p99, ours["p99"])])
        print_table(f"Commit to object stored, quiet databases, {kind} store (ms)",
                    ["subject", "commits", "not within 20 s", "p50", "p99", "max", "p50, times ours", "p99, times ours"], rows)


if __name__ == "__main__":
    main()
