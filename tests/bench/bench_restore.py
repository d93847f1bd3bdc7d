#!/usr/bin/env python3
"""How long does a restore take, and how much memory? A database of some size with some hundred increments, backed up by our
daemon to a real S3 server, is restored from the same objects by us and by Litestream in turn: from the server itself, and
through a proxy that adds a delay to each request.

`manager` runs its default check (quick_check), `manager-unchecked` none, as Litestream does by default."""

import asyncio
import dataclasses
import filecmp
import os
import sqlite3
import statistics
import subprocess
import threading
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

from subjects import parser, print_table, progress, ratio, workspace

from harness.load import client_id
from harness.manager import Manager
from harness.s3 import S3Account
from harness.settings import clean_environment, litestream_binary, manager_binary
from harness.store import S3Bucket

SUBJECTS = ["litestream", "manager", "manager-unchecked"]


class DelayProxy:
    """Passes connections through; what the client sends waits for `seconds` first, so each request costs that much."""

    def __init__(self, endpoint: str, seconds: float):
        address = urlsplit(endpoint)
        self._server, self._seconds = (address.hostname, address.port), seconds
        self._loop = asyncio.new_event_loop()
        started = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._accept, "127.0.0.1", 0), self._loop)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.endpoint = f"http://127.0.0.1:{started.result(10).sockets[0].getsockname()[1]}"

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(*self._server)

        async def forward(source: asyncio.StreamReader, target: asyncio.StreamWriter, delay: float) -> None:
            try:
                while data := await source.read(1 << 18):
                    if delay:
                        await asyncio.sleep(delay)
                    target.write(data)
                    await target.drain()
            except (ConnectionError, asyncio.CancelledError):
                pass
            finally:
                target.close()

        await asyncio.gather(forward(reader, server_writer, self._seconds), forward(server_reader, writer, 0))

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


def back_up(database: Path, bucket: S3Bucket, folder: Path, megabytes: int, increments: int, more_sql: str = "") -> int:
    """An image, then commits of some pages each until so many objects are stored. The number of objects."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; CREATE TABLE t(id INTEGER PRIMARY KEY, body)")
    rows = megabytes * 256
    connection.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
                       " INSERT INTO t(body) SELECT hex(randomblob(1000)) || zeroblob(1000) || randomblob(900) FROM n", (rows,))
    connection.executescript(more_sql)
    name = database.stem
    manager = Manager([database.parent], bucket, folder / "state", folder / "manager.log",
                      arguments=("-sync-interval", "1ms")).start(120)
    try:
        manager.wait_stored([name], 600)
        n = 0
        while n % 100 or len(bucket.ltx_objects(name)) <= increments:
            n += 1
            connection.execute("BEGIN")
            for k in range(5):
                connection.execute("UPDATE t SET body = hex(randomblob(1000)) || zeroblob(1000) || randomblob(900) WHERE id = ?",
                                   ((n * 7919 + k * 104729) % rows + 1,))
            connection.execute("COMMIT")
            time.sleep(0.02)  # so that each becomes an object of its own
        progress(f"{n} commits")
        manager.stop(120)
    finally:
        connection.close()
    return len(bucket.ltx_objects(name))


def restore(subject: str, bucket: S3Bucket, name: str, output: Path) -> tuple[float, float, float]:
    """Seconds, the largest resident memory in MB, and seconds of processor."""
    if subject == "litestream":
        command = [str(litestream_binary()), "restore", "-o", str(output), bucket.replica_url(name)]
    else:
        check = ["-integrity-check", "none"] if subject.endswith("unchecked") else []
        command = [str(manager_binary()), "restore", name, "-o", str(output), *bucket.manager_arguments(), *check]
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          env=clean_environment() | bucket.environment()) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    elapsed = time.monotonic() - started
    assert process.returncode == 0, f"{subject} ended with {process.returncode}"
    return elapsed, usage.ru_maxrss / 1000, usage.ru_utime + usage.ru_stime


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--megabytes", type=int, default=1000)
    options.add_argument("--increments", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--delays", type=lambda text: [float(part) for part in text.split(",")], default=[0, 20],
                         help="milliseconds added to each request")
    arguments = options.parse_args()
    account = S3Account(os.environ["LM_S3_ENDPOINT"], os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    rows = []
    with workspace(arguments.folder) as folder:
        bucket = S3Bucket(account, f"bench-{uuid.uuid4().hex[:12]}", account.endpoint)
        bucket.create()
        (folder / "clients").mkdir()
        database = folder / "clients" / f"{client_id(1)}.db"
        objects = back_up(database, bucket, folder, arguments.megabytes, arguments.increments)
        for delay in arguments.delays:
            proxy = DelayProxy(account.endpoint, delay / 1000) if delay else None
            seen = S3Bucket(dataclasses.replace(account, endpoint=proxy.endpoint) if proxy else account, bucket.name)
            runs: dict[str, list[tuple[float, float, float]]] = {}
            for number in range(arguments.rounds):
                for subject in arguments.subjects or SUBJECTS:
                    progress(f"{subject}, {delay:g} ms, round {number + 1}")
                    output = folder / f"{subject}.db"
                    runs.setdefault(subject, []).append(restore(subject, seen, database.stem, output))
                    assert filecmp.cmp(database, output, shallow=False), f"{subject} restored something else"
                    output.unlink()
            if proxy:
                proxy.close()
            medians = {subject: statistics.median(run[0] for run in times) for subject, times in runs.items()}
            rows += [[subject, f"{delay:g} ms", medians[subject], min(run[0] for run in times),
                      statistics.median(run[2] for run in times), max(run[1] for run in times),
                      ratio(medians.get("litestream", 0), medians[subject])]
                     for subject, times in runs.items()]
    print_table(f"Restore of {arguments.megabytes} MB from {objects} objects, {arguments.rounds} rounds",
                ["subject", "delay", "median s", "best s", "CPU s", "RSS MB", "times Litestream's speed"], rows)


if __name__ == "__main__":
    main()
