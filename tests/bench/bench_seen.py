#!/usr/bin/env python3
"""How soon after a commit is it known that a database is dirty? Our watcher alone, beside one process that commits to many
databases at a steady rate. Litestream has no such moment: it looks at each database once a second."""

import json
import subprocess

from subjects import load_generator, parser, print_table, progress, workspace


def run(rate: int, synchronous: str, arguments) -> list:
    progress(f"{rate}/s, {synchronous}")
    with workspace(arguments.folder) as folder:
        databases = folder / "clients"
        databases.mkdir()
        done = subprocess.run([load_generator("seen"), databases, str(arguments.databases), str(rate), str(arguments.seconds),
                               synchronous], check=True, capture_output=True, text=True)
        report = json.loads(done.stdout)
        return [synchronous, rate, report["commits"], report["seen"], report["p50_us"], report["p99_us"], report["max_us"]]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--databases", type=int, default=1000)
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--rates", type=lambda text: [int(r) for r in text.split(",")], default=[200, 1000])
    arguments = options.parse_args()
    rows = [run(rate, synchronous, arguments) for rate in arguments.rates for synchronous in ("FULL", "NORMAL")]
    print_table(f"Commit to dirty mark, {arguments.databases} databases, {arguments.seconds:g} s",
                ["sync", "asked/s", "commits", "seen", "p50 us", "p99 us", "max us"], rows)


if __name__ == "__main__":
    main()
