#!/usr/bin/env python3
"""What does the bucket cost? One fleet, one after the other idle, with a commit a minute in each database, and with one a
second in every fifth; requests as the S3 server sees them, ours beside Litestream's.

How a day is told from some minutes: uploads of new transactions and listings are what both programs do all the time, so
their number in the span is multiplied up to a day. Merges, snapshots and deletions have rhythms of minutes to a day, so
they are taken from the model of histories (tests/history: compaction and retention of ours, decision by decision, and
Litestream's documented schedule), as the average of a simulated month. `seen` is what was measured, multiplied up with
everything in it; `a day` is the two parts together. Prices are Amazon's for S3 Standard in us-east-1; `stored` is after
the simulated month, ours with the default policy (a month of it), Litestream's with its own (a day).

The processor's share of merging is measured by merging twelve objects with the code that the daemon uses."""

import json
import os
import re
import resource
import sqlite3
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subjects import Subject, load_generator, parser, print_table, progress, running, store, workspace

from harness.recorder import Recorder

SUBJECTS = ["manager", "litestream"]
PRICES = {"PUT": 0.005, "LIST": 0.005, "GET": 0.0004, "HEAD": 0.0004, "DELETE": 0.0}  # for 1,000
PER_GB_MONTH = 0.023
DAY = 86400.0
KEY = re.compile(r"/databases/([0-9a-f-]{36})/([0-9a-f]{4})/")


@dataclass
class Load:
    """So many databases are committed to each so many seconds, the rest not at all."""

    name: str
    share: float
    every: float


LOADS = [Load("all idle", 0, 0), Load("a commit a minute", 1, 60), Load("20 % at a commit a second", 0.2, 1)]


def kind_of(method: str, target: str) -> str:
    path, _, query = target.partition("?")
    if method == "GET":
        return "LIST" if "list-type=2" in query or "prefix=" in query else "GET"
    if method == "POST":
        return "DELETE" if query.startswith("delete") else "PUT"
    return method


def count(requests: list[Any]) -> Counter[str]:
    """By kind; uploads at level 0 are "PUT 0"."""
    counts: Counter[str] = Counter()
    for request in requests:
        kind = kind_of(request.method, request.target)
        key = KEY.search(request.target)
        counts["PUT 0" if kind == "PUT" and key and key[2] == "0000" else kind] += 1
    return counts


def price_of(kinds: dict[str, float]) -> float:
    return sum(PRICES[kind.split()[0]] * number / 1000 for kind, number in kinds.items())


class Writers:
    """Commits to databases at a steady rate, spread evenly over time."""

    def __init__(self, paths: list[Path]):
        self.connections = [sqlite3.connect(path, isolation_level=None) for path in paths]
        for connection in self.connections:
            connection.execute("PRAGMA synchronous=NORMAL")

    def run(self, share: float, every: float, seconds: float) -> int:
        chosen = self.connections[:round(share * len(self.connections))]
        commits, began = 0, time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            due = int(passed / every * len(chosen)) if chosen else 0
            while commits < due:
                chosen[commits % len(chosen)].execute("INSERT INTO items(body) VALUES (randomblob(500))")
                commits += 1
            time.sleep(0.01)
        return commits

    def close(self) -> None:
        for connection in self.connections:
            connection.close()


def measure(subject: Subject, recorder: Recorder, writers: Writers, load: Load, seconds: float) -> tuple[Counter[str], int]:
    """What is asked of the server in the span, and the commits of it. A second more, for what is under way."""
    first = len(recorder.requests)
    commits = writers.run(load.share, load.every, seconds)
    time.sleep(min(1.0, seconds))
    return count(recorder.requests[first:]), commits


def run(name: str, arguments: Any) -> dict[str, tuple[Counter[str], int]]:
    with workspace(arguments.folder) as folder, store("s3", folder) as (bucket, recorder):
        clients = folder / "clients"
        clients.mkdir()
        subprocess.run([load_generator("lives_system"), clients, "create", str(arguments.databases)], check=True)
        paths = sorted(clients.glob("*.db"))
        assert recorder is not None
        seen = {}
        with running(name, clients, bucket, folder) as subject:
            progress(f"{name}: first backups of {len(paths)} databases")
            subject.wait_first_backups([path.stem for path in paths], 900)
            writers = Writers(paths)
            time.sleep(arguments.settle)
            for load in LOADS:
                progress(f"{name}: {load.name}, {arguments.seconds:g} s")
                seen[load.name] = measure(subject, recorder, writers, load, arguments.seconds)
            writers.close()
        return seen


def model(every: float, days: int) -> dict[str, Any]:
    """A month of one database of 20 MB that is committed to at that rate, by the model of histories."""
    table = os.environ.get("LM_HISTORY_TABLE") or Path(os.environ["LM_BINARY"]).parent / "tests/history/history_table"
    done = subprocess.run([table, "--steady", str(every), "5000", str(days)], check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def a_day(name: str, load: Load, seen: Counter[str], commits: int, arguments: Any, modelled: Any) -> dict[str, float]:
    """By kind, of all databases: from the span what goes on all the time, the rest from the model."""
    scale = DAY / arguments.seconds
    day = {"PUT 0": seen["PUT 0"] * scale, "LIST": seen["LIST"] * scale, "PUT": 0.0, "GET": 0.0, "HEAD": 0.0, "DELETE": 0.0}
    if load.share == 0:
        return {**day, **{kind: seen[kind] * scale for kind in ("PUT", "GET", "HEAD", "DELETE")}}
    written = modelled["ours" if name == "manager" else "litestream"]
    databases = load.share * arguments.databases
    # The model has each commit in an object of its own; a program that puts two into one has as much less to merge.
    stored = min(1.0, seen["PUT 0"] / max(commits, 1))
    day["PUT"] = (written["puts"] - written["commits"]) * databases * stored
    for kind, key in (("GET", "gets"), ("HEAD", "heads"), ("DELETE", "deletes")):
        day[kind] = written[key] * databases * stored
    return day


def merging(arguments: Any) -> None:
    rows = []
    for pages, shared in [(5, 60), (100, 20), (2000, 0)]:
        done = subprocess.run([load_generator("merge"), str(pages), str(shared), str(arguments.merge_seconds)], check=True,
                              capture_output=True, text=True)
        result = json.loads(done.stdout)
        rows.append([f"12 x {pages} pages, {shared} % shared", result["input_bytes"] / 1e6, result["cpu_seconds_per_gb"],
                     result["cpu_seconds_per_gb_of_pages"]])
    print_table("Merging: processor seconds", ["objects", "inputs (MB)", "for a GB of inputs", "for a GB of pages"], rows)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--databases", type=int, default=1000)
    options.add_argument("--seconds", type=float, default=120, help="of each load")
    options.add_argument("--settle", type=float, default=20)
    options.add_argument("--days", type=int, default=30, help="of the model")
    options.add_argument("--merge-seconds", type=float, default=3)
    arguments = options.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    modelled = {load.every: model(load.every, arguments.days) for load in LOADS if load.every > 0}
    rows, stored = [], []
    for name in arguments.subjects or SUBJECTS:
        for load, (seen, commits) in zip(LOADS, run(name, arguments).values()):
            scale = DAY / arguments.seconds
            day = a_day(name, load, seen, commits, arguments, modelled.get(load.every))
            active = (load.share or 1) * arguments.databases
            rows.append([f"{load.name}: {name}", commits, sum(seen.values()), sum(seen.values()) * scale / active,
                         sum(day.values()) / active, sum(day.values()) * 1000 / arguments.databases,
                         price_of(day) * 1000 / arguments.databases * 30])
    print_table(f"{arguments.databases} databases, {arguments.seconds:g} s of each load; the last two columns for 1,000 databases",
                ["load", "commits", "requests", "seen (/day and active)", "a day (/active)", "a day (1,000)", "$ a month (1,000)"],
                rows)
    for every, both in modelled.items():
        for name, key in (("manager", "ours"), ("litestream", "litestream")):
            bytes_stored = both[key]["stored_bytes"]
            stored.append([f"a commit each {every:g} s: {name}", both["image_bytes"] / 1e6, both[key]["objects"],
                           bytes_stored / 1e6, bytes_stored * PER_GB_MONTH / 2**30, both[key]["uploaded_bytes"] / 1e6])
    print_table(f"One database after {arguments.days} simulated days",
                ["load", "image (MB)", "objects", "stored (MB)", "$ a month", "uploaded (MB/day)"], stored)
    merging(arguments)


if __name__ == "__main__":
    main()
