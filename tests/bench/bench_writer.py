#!/usr/bin/env python3
"""What does an application notice? Commit rate and latency of one writer with nobody beside it, with us, with Litestream.

Subjects take turns in every round; the table shows medians over the rounds. The writer has no patience: `busy` counts
SQLITE_BUSY. `diffs` are gaps in our capture that a page diff had to heal."""

import json
import statistics
import subprocess
import time

from subjects import load_generator, parser, print_table, progress, ratio, running, store, workspace

from harness.load import client_id
from harness.process import cpu_seconds

SUBJECTS = ["nobody", "manager", "litestream"]


def run(name: str, library: str, synchronous: str, rate: int, arguments) -> dict:
    progress(f"{name}, SQLite {library}, {synchronous}, {rate or 'storm'}")
    with workspace(arguments.folder) as folder, store("file", folder) as (bucket, _):
        clients = folder / "clients"
        clients.mkdir()
        database = clients / f"{client_id(1)}.db"
        writer = [load_generator(f"writer_{library}"), database]
        subprocess.run([*writer, "0.1", "100", synchronous, str(arguments.row_bytes)], check=True, stdout=subprocess.DEVNULL)
        with running(name, clients, bucket, folder) as subject:
            subject.wait_first_backups([client_id(1)])
            time.sleep(1.5)
            cpu = cpu_seconds(subject.pid) if subject.pid else 0.0
            command = [*writer, str(arguments.seconds), str(rate), synchronous, str(arguments.row_bytes)]
            processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(arguments.processes)]
            report = combined([json.loads(process.communicate()[0]) for process in processes])
            report["cpu"] = (cpu_seconds(subject.pid) - cpu) / arguments.seconds * 100 if subject.pid else None
            report["diffs"] = None
            if subject.manager:
                subject.manager.wait_stored([client_id(1)], 120)
                report["diffs"] = subject.manager.counters()["diffs"]
            return report


def combined(reports: list[dict]) -> dict:
    """Of writers that ran side by side: what they did together, and the worst that one of them met."""
    report = reports[0] | {field: max(r[field] for r in reports) for field in ("p50_us", "p99_us", "max_us", "wal_peak_bytes")}
    return report | {field: sum(r[field] for r in reports) for field in ("commits_per_s", "busy")}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=3)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--row-bytes", type=int, default=3500)
    options.add_argument("--processes", type=int, default=1, help="that write to the database; busy with each other, too")
    options.add_argument("--libraries", type=lambda text: text.split(","), default=["system", "own"])
    options.add_argument("--rates", type=lambda text: [int(r) for r in text.split(",")], default=[0, 1000],
                         help="commits a second, 0 is a storm")
    arguments = options.parse_args()
    subjects = arguments.subjects or SUBJECTS
    rows = []
    for library in arguments.libraries:
        for synchronous in ("FULL", "NORMAL"):
            for rate in arguments.rates:
                reports: dict[str, list[dict]] = {name: [] for name in subjects}
                for _ in range(arguments.rounds):
                    for name in subjects:
                        reports[name].append(run(name, library, synchronous, rate, arguments))
                rows += summarise(reports, synchronous, rate)
    print_table(f"{arguments.processes} writers, {arguments.row_bytes}-byte rows, {arguments.seconds:g} s, median of {arguments.rounds}, file store",
                ["subject", "SQLite", "sync", "load", "commits/s", "of nobody", "p50 us", "p99 us", "of nobody", "max ms", "busy",
                 "WAL peak MB", "CPU %", "diffs"], rows)


def summarise(reports: dict[str, list[dict]], synchronous: str, rate: int) -> list[list]:
    def median(name: str, field: str) -> float:
        return statistics.median(r[field] for r in reports[name])

    alone = "nobody" if "nobody" in reports else None
    rows = []
    for name, runs in reports.items():
        rows.append([name, runs[0]["sqlite"], synchronous, f"{rate}/s" if rate else "storm", median(name, "commits_per_s"),
                     ratio(median(name, "commits_per_s"), median(alone, "commits_per_s")) if alone else None,
                     median(name, "p50_us"), median(name, "p99_us"),
                     ratio(median(name, "p99_us"), median(alone, "p99_us")) if alone else None,
                     median(name, "max_us") / 1000, sum(r["busy"] for r in runs), max(r["wal_peak_bytes"] for r in runs) / 1e6,
                     None if runs[0]["cpu"] is None else median(name, "cpu"),
                     None if runs[0]["diffs"] is None else sum(r["diffs"] for r in runs)])
    return rows


if __name__ == "__main__":
    main()
