#!/usr/bin/env python3
"""How long until the first row of a query of a backup? `manager` asks the backup itself (`query`); `litestream` restores it and asks
the file with sqlite3. A database of some size with some increments, on a real S3 server: from the server itself, and through a
proxy that adds a delay to each request. What the store sent is counted there.

    row     one row by its key              index   one row by an index
    part    the newest 1,000 rows           scan    a sum over every row: what a query is not for"""

import dataclasses
import os
import sqlite3
import statistics
import subprocess
import time
import uuid
from pathlib import Path

from bench_restore import DelayProxy, back_up
from subjects import parser, print_table, progress, ratio, workspace

from harness.load import client_id
from harness.recorder import Recorder
from harness.s3 import S3Account
from harness.settings import clean_environment, litestream_binary, manager_binary
from harness.store import S3Bucket

SUBJECTS = ["litestream", "manager"]
QUESTIONS = {
    "row": "SELECT id, length(body) FROM t WHERE id = {middle}",
    "index": "SELECT id FROM t WHERE substr(body, 1, 16) = '{needle}'",
    "part": "SELECT id, length(body) FROM t ORDER BY id DESC LIMIT 1000",
    "scan": "SELECT count(*), sum(length(body)) FROM t",
}


def ask_backup(bucket: S3Bucket, name: str, sql: str) -> tuple[float, list[str]]:
    """Seconds until the first row is written, and all rows."""
    command = [str(manager_binary()), "query", name, sql, "-csv", *bucket.manager_arguments()]
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=clean_environment() | bucket.environment(), text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()  # column names
        first = process.stdout.readline()
        elapsed = time.monotonic() - started
        rows = [first, *process.stdout]
    assert process.returncode == 0
    return elapsed, [row.strip() for row in rows]


def restore_and_ask(bucket: S3Bucket, name: str, sql: str, output: Path) -> tuple[float, list[str]]:
    started = time.monotonic()
    subprocess.run([str(litestream_binary()), "restore", "-o", str(output), bucket.replica_url(name)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_environment() | bucket.environment())
    connection = sqlite3.connect(f"file:{output}?immutable=1", uri=True)
    cursor = connection.execute(sql)
    first = cursor.fetchone()
    elapsed = time.monotonic() - started
    rows = [first, *cursor]
    connection.close()
    output.unlink()
    return elapsed, [",".join(map(str, row)) for row in rows]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--megabytes", type=int, default=1000)
    options.add_argument("--increments", type=int, default=100)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--delays", type=lambda text: [float(part) for part in text.split(",")], default=[0, 20],
                         help="milliseconds added to each request")
    options.add_argument("--questions", type=lambda text: text.split(","), default=list(QUESTIONS))
    arguments = options.parse_args()
    account = S3Account(os.environ["LM_S3_ENDPOINT"], os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    rows = []
    with workspace(arguments.folder) as folder:
        bucket = S3Bucket(account, f"bench-{uuid.uuid4().hex[:12]}", account.endpoint)
        bucket.create()
        (folder / "clients").mkdir()
        database = folder / "clients" / f"{client_id(1)}.db"
        objects = back_up(database, bucket, folder, arguments.megabytes, arguments.increments,
                          "CREATE INDEX by_head ON t(substr(body, 1, 16))")
        stored = sum(item.size for item in bucket.ltx_objects(database.stem))
        with sqlite3.connect(database) as connection:
            middle = arguments.megabytes * 128
            needle = connection.execute("SELECT substr(body, 1, 16) FROM t WHERE id = ?", (middle + 1,)).fetchone()[0]
        connection.close()
        recorder = Recorder(account.endpoint)
        for delay in arguments.delays:
            proxy = DelayProxy(recorder.endpoint, delay / 1000) if delay else None
            seen = S3Bucket(dataclasses.replace(account, endpoint=proxy.endpoint if proxy else recorder.endpoint), bucket.name)
            for question in arguments.questions:
                sql = QUESTIONS[question].format(middle=middle, needle=needle)
                medians: dict[str, float] = {}
                for subject in arguments.subjects or SUBJECTS:
                    times, answers = [], []
                    before = len(recorder.requests)
                    for number in range(arguments.rounds):
                        progress(f"{subject}, {question}, {delay:g} ms, round {number + 1}")
                        elapsed, answer = (ask_backup(seen, database.stem, sql) if subject == "manager" else
                                           restore_and_ask(seen, database.stem, sql, folder / "restored.db"))
                        times.append(elapsed)
                        answers.append(answer)
                    requests = recorder.requests[before:]
                    with sqlite3.connect(database) as connection:
                        expected = [",".join(map(str, row)) for row in connection.execute(sql)]
                    connection.close()
                    assert all(answer == expected for answer in answers), f"{subject} answered something else"
                    medians[subject] = statistics.median(times)
                    rows.append([f"{question}, {subject}", f"{delay:g} ms", medians[subject], len(requests) // arguments.rounds,
                                 sum(request.received_bytes for request in requests) / arguments.rounds / 1e6,
                                 ratio(medians.get("litestream", 0), medians[subject])])
            if proxy:
                proxy.close()
        recorder.close()
    print_table(f"First row of {arguments.megabytes} MB in {objects} objects of {stored / 1e6:.0f} MB, {arguments.rounds} rounds",
                ["question, subject", "delay", "median s", "requests", "MB", "times Litestream's speed"], rows)


if __name__ == "__main__":
    main()
