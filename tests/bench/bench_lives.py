#!/usr/bin/env python3
"""Short lives: databases that are opened, written once and closed, at random over many files, beside 20 that are written
all the time. What do the applications notice, what does the capture cost, and how many lives did it miss?

A missed life is nothing lost: a page diff heals it. Our own counters tell how many; of Litestream nothing like it can be
seen from outside. Litestream runs only with as many databases as --litestream-databases says."""

import json
import subprocess
import time

from subjects import load_generator, parser, print_table, progress, running, store, workspace

from harness.process import cpu_seconds, rss_bytes

SUBJECTS = ["nobody", "manager", "litestream"]
LONG_LIVED = ["20", "200"]  # databases held open, and their commits a second together
COUNTERS = ["lives", "livesMissed", "gaps", "diffs", "missedEvents", "eventOverflows"]


def run(name: str, lives_per_s: int, synchronous: str, arguments) -> list:
    progress(f"{name}, {lives_per_s} lives/s, {synchronous}")
    with workspace(arguments.folder) as folder, store("file", folder) as (bucket, _):
        clients = folder / "clients"
        clients.mkdir()
        databases = arguments.litestream_databases if name == "litestream" else arguments.databases
        generator = [load_generator("lives_system"), clients]
        subprocess.run([*generator, "create", str(databases)], check=True)
        ids = [path.stem for path in clients.glob("*.db")]
        with running(name, clients, bucket, folder) as subject:
            subject.wait_first_backups(ids, 900)
            time.sleep(3)
            before = subject.manager.counters() if subject.manager else {}
            cpu = cpu_seconds(subject.pid) if subject.pid else 0.0
            done = subprocess.run([*generator, "run", str(databases), str(lives_per_s), str(arguments.seconds), synchronous,
                                   *LONG_LIVED], check=True, capture_output=True, text=True)
            report = json.loads(done.stdout)
            spent = (cpu_seconds(subject.pid) - cpu) / arguments.seconds * 100 if subject.pid else None
            caught_up, found = time.monotonic(), {}
            if subject.manager:
                subject.manager.wait_stored(ids, 180)
                found = {c: n - before[c] for c, n in subject.manager.counters().items()}
            caught_up = time.monotonic() - caught_up if subject.manager else None
            return [name, synchronous, databases, lives_per_s, report["lives_per_s"], report["life_p50_ms"],
                    report["life_p99_ms"], report["busy"], spent, rss_bytes(subject.pid) / 1e6 if subject.pid else None,
                    *(found.get(c) for c in COUNTERS),
                    100 * found["livesMissed"] / report["lives"] if found and report["lives"] else None, caught_up]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--databases", type=int, default=1000)
    options.add_argument("--litestream-databases", type=int, default=1000)
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--rates", type=lambda text: [int(r) for r in text.split(",")], default=[50, 200, 1000])
    options.add_argument("--synchronous", type=lambda text: text.split(","), default=["FULL", "NORMAL"])
    arguments = options.parse_args()
    rows = [run(name, rate, synchronous, arguments) for synchronous in arguments.synchronous for rate in arguments.rates
            for name in arguments.subjects or SUBJECTS]
    print_table(f"Short lives over {arguments.seconds:g} s, file store",
                ["subject", "sync", "databases", "asked/s", "lives/s", "life p50 ms", "p99 ms", "busy", "CPU %", "RSS MB",
                 "lives", "missed", "gaps", "diffs", "missed events", "overflows", "missed %", "caught up (s)"], rows)


if __name__ == "__main__":
    main()
