#!/usr/bin/env python3
"""How long until a large database that never rests has its first image? Several processes open it, commit and close it as
fast as they can (busy timeout 5 s, so that none gives up), and go on until the image is stored.

Alone, and beside the subject: the writers' rate and slowest transaction, the largest log. `gaps` are lost proofs of our
capture, `read MB` what was read of the file until the image was there."""

import sqlite3
import statistics
import time
from pathlib import Path

from subjects import parser, print_table, progress, running, store, workspace

from harness.load import Application, client_id, stop_all
from harness.process import cpu_seconds
from harness.wait import wait_until

SUBJECTS = ["nobody", "manager", "litestream"]
LOADS = {
    "oneshot": {"session": "oneshot"},
    "lives": {"session": "oneshot", "rate": 60.0},
    "held": {"session": "held", "autocheckpoint": 100},
    "restart": {"session": "held", "after": "restart"},
}


def make_database(path: Path, megabytes: int) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=10000;"
                             "CREATE TABLE ballast(id INTEGER PRIMARY KEY, body)")
    connection.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
                       " INSERT INTO ballast(body) SELECT randomblob(3900) FROM n", (megabytes * 256,))
    connection.close()


def run(name: str, load: str, arguments) -> dict:
    progress(f"{name}, {load}")
    with workspace(arguments.folder) as folder, store("file", folder) as (bucket, _):
        clients = folder / "clients"
        clients.mkdir()
        database = clients / f"{client_id(1)}.db"
        make_database(database, arguments.megabytes)
        writers = [Application(clients, 1, load, **{"rate": 1e6, "synchronous": arguments.synchronous, "seed": n} | LOADS[load]) for n in range(arguments.writers)]
        writers[0].write(1)
        for writer in writers:
            writer.start()
        started = time.monotonic()
        found = {"stored": None, "gaps": None, "read": None, "cpu": None}
        try:
            if name == "nobody":
                time.sleep(arguments.alone)
            else:
                time.sleep(1)
                started = time.monotonic()
                with running(name, clients, bucket, folder) as subject:
                    try:
                        wait_until(lambda: any(key.endswith(".ltx") for key in bucket.keys()), arguments.patience,
                                   "the first image", 0.02)
                        found["stored"] = time.monotonic() - started
                    except AssertionError:
                        progress("no image in time")
                    found["cpu"] = cpu_seconds(subject.pid)
                    if subject.manager:
                        counters = subject.manager.counters()
                        found |= {"gaps": counters["gaps"], "read": counters["diffBytesRead"] / 1e6}
                    reports = stop_all(writers)
        finally:
            elapsed = time.monotonic() - started + (0 if name == "nobody" else 1)
            reports = stop_all(writers) or reports
        found["rate"] = sum(r["transactions"] for r in reports) / elapsed
        found["slowest"] = max(r["slowest_ms"] for r in reports)
        found["busy"] = sum(r["busy"] for r in reports)
        found["wal"] = max(r["wal_peak_bytes"] for r in reports) / 1e6
        return found


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--megabytes", type=int, default=300)
    options.add_argument("--writers", type=int, default=4)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--patience", type=float, default=60, help="seconds after which no image counts as none")
    options.add_argument("--alone", type=float, default=5, help="seconds that the writers run with nobody beside them")
    options.add_argument("--synchronous", default="NORMAL")
    options.add_argument("--loads", type=lambda text: text.split(","), default=list(LOADS))
    arguments = options.parse_args()
    rows = []
    for load in arguments.loads:
        for name in arguments.subjects or SUBJECTS:
            runs = [run(name, load, arguments) for _ in range(arguments.rounds)]
            times = [r["stored"] for r in runs if r["stored"] is not None]
            rows.append([name, load, len(runs) - len(times) if name != "nobody" else None,
                         statistics.median(times) if times else None, max(times) if times else None]
                        + [None if runs[0][f] is None else statistics.median(r[f] for r in runs)
                           for f in ("rate", "slowest", "wal", "gaps", "read", "cpu")]
                        + [sum(r["busy"] for r in runs)])
    print_table(f"First image of {arguments.megabytes} MB under {arguments.writers} writers, file store, "
                f"synchronous={arguments.synchronous}, {arguments.rounds} rounds",
                ["subject", "load", f"none in {arguments.patience:g} s", "median s", "max s", "transactions/s", "slowest ms",
                 "WAL peak MB", "gaps", "read MB", "CPU s", "busy"], rows)


if __name__ == "__main__":
    main()
