#!/usr/bin/env python3
"""What do idle databases cost? Memory, processor time, wake-ups, descriptors, threads and requests, after all first
backups are made and some seconds have passed, over a span in which no database changes."""

import subprocess
import time

from subjects import load_generator, parser, print_table, progress, running, store, workspace

from harness.process import context_switches, cpu_seconds, open_paths, rss_bytes, thread_count

SUBJECTS = ["manager", "litestream"]


def run(name: str, arguments) -> list:
    progress(f"{name}, {arguments.databases} databases")
    with workspace(arguments.folder) as folder, store(arguments.store, folder) as (bucket, recorder):
        clients = folder / "clients"
        clients.mkdir()
        subprocess.run([load_generator("lives_system"), clients, "create", str(arguments.databases)], check=True)
        ids = sorted(path.stem for path in clients.glob("*.db"))
        began = time.monotonic()
        with running(name, clients, bucket, folder) as subject:
            subject.wait_first_backups(ids, 900)
            first_backups = time.monotonic() - began
            assert subject.pid is not None
            time.sleep(arguments.settle)
            requests, cpu, switches = len(recorder.requests) if recorder else 0, cpu_seconds(subject.pid), \
                context_switches(subject.pid)
            time.sleep(arguments.seconds)
            spent = cpu_seconds(subject.pid) - cpu
            made = len(recorder.requests) - requests if recorder else None
            return [name, first_backups, rss_bytes(subject.pid) / 1e6, spent / arguments.seconds * 100,
                    (context_switches(subject.pid) - switches) / arguments.seconds, len(open_paths(subject.pid)),
                    thread_count(subject.pid), made,
                    None if made is None else made * 86400 / arguments.seconds / arguments.databases]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--databases", type=int, default=1000)
    options.add_argument("--seconds", type=float, default=30)
    options.add_argument("--settle", type=float, default=20, help="seconds between the last first backup and the measurement")
    options.add_argument("--store", choices=["s3", "file"], default="s3")
    arguments = options.parse_args()
    rows = [run(name, arguments) for name in arguments.subjects or SUBJECTS]
    if len(rows) > 1:
        rows.append(["times ours", *(b / a if a else None for a, b in zip(rows[0][1:], rows[1][1:]) if a is not None)])
        rows[-1] += [None] * (9 - len(rows[-1]))
    print_table(f"{arguments.databases} idle databases over {arguments.seconds:g} s, {arguments.store} store",
                ["subject", "start to all stored (s)", "RSS (MB)", "CPU (% of a core)", "wake-ups/s", "descriptors", "threads",
                 "requests", "requests/day/database"], rows)


if __name__ == "__main__":
    main()
