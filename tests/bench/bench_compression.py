#!/usr/bin/env python3
"""What would a stronger LZ4 mode save in merged objects and snapshots, and what does it cost? Databases of several kinds
of contents; each page is compressed alone, as in an LTX file, in every mode. `saved` is against the fast mode, which the
daemon uses. The last columns set the price of the bytes saved, in a month at Amazon's S3 Standard, against the processor
time spent for them once, at the price of a vCPU ($0.04 an hour)."""

import json
import random
import sqlite3
import subprocess
import uuid
from pathlib import Path

from subjects import load_generator, parser, print_table, progress, workspace

PER_GB_MONTH = 0.023
CPU_HOUR = 0.04
WORDS = ("the of and to in is that for it as was with be by on not he his but at are this have from or had an they which one you "
         "were all her she there would their we him been has when who will no more if out so up said what its about than into them "
         "can only other time new some could these two may first then do any like my now over such our man me even most made after "
         "invoice order customer payment delivery address account contract offer project meeting report account balance").split()


def text(rng: random.Random, words: int) -> str:
    weights = [1 / (i + 1) for i in range(len(WORDS))]
    return " ".join(rng.choices(WORDS, weights, k=words))


def an_id(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128)))


def rows(rng: random.Random, db: sqlite3.Connection) -> None:
    """Users and their events: names, mails, UUIDs, JSON, two indexes."""
    db.execute("CREATE TABLE users(id TEXT PRIMARY KEY, name TEXT, mail TEXT, made INTEGER)")
    db.execute("CREATE TABLE events(id INTEGER PRIMARY KEY, user TEXT, at INTEGER, kind TEXT, data TEXT)")
    users = [an_id(rng) for _ in range(4000)]
    for user in users:
        name = f"{rng.choice(WORDS).title()} {rng.choice(WORDS).title()}{rng.randrange(1000)}"
        db.execute("INSERT INTO users VALUES(?,?,?,?)", (user, name, name.replace(" ", ".").lower() + "@example.org", rng.randrange(1 << 40)))
    for i in range(60000):
        data = {"ip": ".".join(str(rng.randrange(256)) for _ in range(4)), "path": "/" + "/".join(rng.sample(WORDS, 3)),
                "took_ms": rng.randrange(2000), "request": an_id(rng), "status": rng.choice([200, 200, 200, 302, 404])}
        db.execute("INSERT INTO events VALUES(?,?,?,?,?)", (i, rng.choice(users), 1_700_000_000_000 + i * 731, rng.choice(WORDS), json.dumps(data)))
    db.execute("CREATE INDEX events_user ON events(user, at)")


def documents(rng: random.Random, db: sqlite3.Connection) -> None:
    """Texts of some KB, as mails, notes and articles are."""
    db.execute("CREATE TABLE documents(id INTEGER PRIMARY KEY, title TEXT, body TEXT)")
    for i in range(5000):
        db.execute("INSERT INTO documents VALUES(?,?,?)", (i, text(rng, 6), text(rng, rng.randrange(100, 1500))))


def index(rng: random.Random, db: sqlite3.Connection) -> None:
    """Nearly nothing but index pages: random keys, as UUIDs are."""
    db.execute("CREATE TABLE links(a TEXT, b TEXT, PRIMARY KEY(a, b)) WITHOUT ROWID")
    nodes = [an_id(rng) for _ in range(20000)]
    db.executemany("INSERT OR IGNORE INTO links VALUES(?,?)", ((rng.choice(nodes), rng.choice(nodes)) for _ in range(150000)))
    db.execute("CREATE INDEX links_b ON links(b)")


def numbers(rng: random.Random, db: sqlite3.Connection) -> None:
    """Measurements: a time, a sensor, two numbers."""
    db.execute("CREATE TABLE samples(at INTEGER, sensor INTEGER, value REAL, flags INTEGER, PRIMARY KEY(sensor, at)) WITHOUT ROWID")
    db.executemany("INSERT INTO samples VALUES(?,?,?,?)",
                   ((1_700_000_000 + i // 50, i % 50, rng.gauss(20, 5), rng.choice([0, 0, 0, 1])) for i in range(400000)))


def blobs(rng: random.Random, db: sqlite3.Connection) -> None:
    """Pictures and archives, which nothing makes smaller."""
    db.execute("CREATE TABLE files(id INTEGER PRIMARY KEY, name TEXT, content BLOB)")
    for i in range(700):
        db.execute("INSERT INTO files VALUES(?,?,?)", (i, text(rng, 2), rng.randbytes(rng.randrange(2000, 60000))))


CONTENTS = {"rows": rows, "documents": documents, "index": index, "numbers": numbers, "blobs": blobs}


def database(folder: Path, name: str) -> Path:
    path = folder / f"{name}.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=OFF")
    CONTENTS[name](random.Random(name), connection)
    connection.commit()
    connection.close()
    return path


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--pages", type=int, default=4000, help="of each database, evenly from all of it")
    options.add_argument("--contents", default=",".join(CONTENTS))
    arguments = options.parse_args()
    table = []
    with workspace(arguments.folder) as folder:
        for name in arguments.contents.split(","):
            progress(name)
            path = database(folder, name)
            done = subprocess.run([load_generator("compression"), path, str(arguments.pages)], check=True, capture_output=True, text=True)
            modes = json.loads(done.stdout)["modes"]
            fast = modes[0]
            for mode in modes:
                saved = 1 - mode["ratio"] / fast["ratio"]
                more_cpu = mode["cpu_s_per_gb"] - fast["cpu_s_per_gb"]
                table.append([f"{name}: {'LZ4 fast' if mode['level'] == 0 else 'LZ4HC ' + str(mode['level'])}", mode["ratio"] * 100, saved * 100,
                              mode["cpu_s_per_gb"], mode["cpu_s_per_gb"] / fast["cpu_s_per_gb"], mode["decompress_s_per_gb"],
                              (fast["ratio"] - mode["ratio"]) * 1000 * PER_GB_MONTH, 1000 * more_cpu / 3600 * CPU_HOUR])
    print_table("Pages compressed one by one; $ for 1 TB of pages",
                ["contents", "% of raw", "% saved", "CPU s/GB", "x fast", "decompress s/GB", "$ saved a month", "$ CPU, once"], table)


if __name__ == "__main__":
    main()
