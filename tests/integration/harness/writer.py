"""One application that writes to one database; run as a process of its own by the system's interpreter.

    /usr/bin/python3 writer.py '{"database": "...", ...}'

The specification's fields and their defaults are in DEFAULTS. It writes until SIGTERM or until `transactions` are done
and then prints a JSON report. Every transaction adds a row to `log` that is chained by hash to the one before, so that
any state of the database shows whether it is one that was committed. Nothing here knows that a backup exists."""

import hashlib
import json
import os
import random
import signal
import sqlite3
import struct
import sys
import time

DEFAULTS = {
    "database": "",
    "page_size": 4096,
    "journal_mode": "wal",  # set when the database is created; "" leaves SQLite's default
    "auto_vacuum": 0,  # 0 none, 1 full, 2 incremental
    "synchronous": "FULL",
    "session": "held",  # "held": one connection; "oneshot": open, write, close for each transaction
    "work": "rows",
    "after": "",  # work after each commit: "truncate", "restart", "vacuum"
    "autocheckpoint": 1000,
    "cache_size": 0,  # pages; 0 leaves SQLite's default
    "busy_timeout_ms": 5000,
    "rate": 20.0,  # transactions a second
    "transactions": 0,  # 0: until SIGTERM
    "row_bytes": 300,
    "limit_mb": 0,  # "grow" stops growing at this size
    "seed": 1,
    "progress": "",  # file that always holds the number of the last transaction whose COMMIT returned
}

stopping = False


class Writer:
    def __init__(self, spec):
        self.spec = DEFAULTS | spec
        self.random = random.Random(self.spec["seed"])
        self.report = {"transactions": 0, "busy": 0, "busy_at": [], "errors": [], "slowest_ms": 0.0, "wal_peak_bytes": 0}

        path = self.spec["progress"]
        self.progress = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644) if path else None

    def connect(self):
        spec = self.spec
        connection = sqlite3.connect(spec["database"], timeout=spec["busy_timeout_ms"] / 1000, isolation_level=None)
        run = connection.execute
        if os.path.getsize(spec["database"]) == 0:
            run(f"PRAGMA page_size={spec['page_size']}")
            run(f"PRAGMA auto_vacuum={spec['auto_vacuum']}")
            if spec["journal_mode"]:
                run(f"PRAGMA journal_mode={spec['journal_mode']}")
        run(f"PRAGMA synchronous={spec['synchronous']}")
        run(f"PRAGMA wal_autocheckpoint={spec['autocheckpoint']}")
        if spec["cache_size"]:
            run(f"PRAGMA cache_size={spec['cache_size']}")
        run("CREATE TABLE IF NOT EXISTS log(n INTEGER PRIMARY KEY, digest BLOB, hash BLOB)")
        run("CREATE TABLE IF NOT EXISTS items(id INTEGER PRIMARY KEY, body)")
        return connection

    def transaction(self, connection):
        """One transaction of the log and this writer's kind of work. Raises sqlite3.OperationalError when busy."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            last = connection.execute("SELECT n, hash FROM log ORDER BY n DESC LIMIT 1").fetchone() or (0, b"")
            number = last[0] + 1
            body = self.random.randbytes(self.spec["row_bytes"])
            digest = hashlib.sha256(body).digest()
            connection.execute("INSERT INTO log VALUES(?, ?, ?)",
                               (number, digest, hashlib.sha256(last[1] + struct.pack(">q", number) + digest).digest()))
            WORK[self.spec["work"]](self, connection, number, body)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return number

    def once(self, connection):
        started = time.monotonic()
        phase = "open"
        own = connection is None
        try:
            if own:
                connection = self.connect()
            phase = "commit"
            number = self.transaction(connection)
            self.report["transactions"] += 1
            if self.progress is not None:
                os.pwrite(self.progress, b"%20d" % number, 0)
            phase = "after"
            if self.spec["after"]:
                AFTER[self.spec["after"]](connection, number)
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            self.report["busy"] += 1
            self.report["busy_at"].append(f"{phase}: {problem}")
        finally:
            if own and connection is not None:
                connection.close()
        self.report["slowest_ms"] = max(self.report["slowest_ms"], (time.monotonic() - started) * 1000)

    def note_wal(self):
        try:
            size = os.path.getsize(self.spec["database"] + "-wal")
        except FileNotFoundError:
            size = 0
        self.report["wal_peak_bytes"] = max(self.report["wal_peak_bytes"], size)

    def run(self):
        spec = self.spec
        connection = None
        if spec["session"] == "held":
            open(spec["database"], "ab").close()
            connection = self.connect()
        else:
            open(spec["database"], "ab").close()
        due = time.monotonic()
        while not stopping and (not spec["transactions"] or self.report["transactions"] < spec["transactions"]):
            self.once(connection)
            self.note_wal()
            due = max(due + 1 / spec["rate"], time.monotonic() - 1)
            while not stopping and (pause := due - time.monotonic()) > 0:
                time.sleep(min(pause, 0.1))
        if connection is not None:
            connection.close()


def rows(writer, connection, number, body):
    connection.execute("INSERT INTO items(body) VALUES(?)", (body.hex(),))


def mixed(writer, connection, number, body):
    for _ in range(3):
        connection.execute("INSERT INTO items(body) VALUES(?)", (body.hex(),))
    connection.execute("UPDATE items SET body = body || 'x' WHERE id % 7 = ?", (number % 7,))
    connection.execute("DELETE FROM items WHERE id % 5 = ? AND id < ?", (number % 5, number))


def blobs(writer, connection, number, body):
    connection.execute("INSERT INTO items(body) VALUES(?)", (writer.random.randbytes(writer.random.randrange(200_000)),))
    connection.execute("DELETE FROM items WHERE id = ?", (writer.random.randrange(1, number + 1),))


def without_rowid(writer, connection, number, body):
    connection.execute("CREATE TABLE IF NOT EXISTS pairs(k BLOB PRIMARY KEY, v TEXT) WITHOUT ROWID")
    connection.execute("INSERT OR REPLACE INTO pairs VALUES(?, ?)", (body[:2], body.hex()))


def spill(writer, connection, number, body):
    """More dirty pages than the cache holds: they reach the log before the commit."""
    connection.executemany("INSERT INTO items(body) VALUES(?)", ((body + bytes([i % 256]) * 1000,) for i in range(800)))
    connection.execute("DELETE FROM items WHERE id <= (SELECT max(id) FROM items) - 4000")


def savepoints(writer, connection, number, body):
    connection.execute("SAVEPOINT a")
    connection.execute("INSERT INTO items(body) VALUES(?)", (body.hex(),))
    connection.execute("SAVEPOINT b")
    connection.executemany("INSERT INTO items(body) VALUES(?)", ((bytes(3000),) for _ in range(20)))
    connection.execute("ROLLBACK TO b")
    connection.execute("INSERT INTO items(body) VALUES('kept')")
    connection.execute("RELEASE a")


def rollbacks(writer, connection, number, body):
    """A whole transaction is rolled back, with pages already spilled into the log, before the real one begins again."""
    connection.executemany("INSERT INTO items(body) VALUES(?)", ((bytes(3000),) for _ in range(200)))
    connection.execute("ROLLBACK")
    connection.execute("BEGIN IMMEDIATE")
    previous = connection.execute("SELECT hash FROM log WHERE n = ?", (number - 1,)).fetchone() or (b"",)
    digest = hashlib.sha256(body).digest()
    connection.execute("INSERT INTO log VALUES(?, ?, ?)",
                       (number, digest, hashlib.sha256(previous[0] + struct.pack(">q", number) + digest).digest()))
    connection.execute("INSERT INTO items(body) VALUES(?)", (body.hex(),))


def schema(writer, connection, number, body):
    step, name = number % 4, f"t{number // 4}"
    if step == 0:
        connection.execute(f"CREATE TABLE {name}(a, b DEFAULT 'b')")
        connection.execute(f"CREATE INDEX {name}_a ON {name}(a)")
    elif number > 4:
        statement = (f"INSERT INTO {name}(a) VALUES('{body[:20].hex()}')", f"ALTER TABLE {name} ADD COLUMN c{step} DEFAULT 1",
                     f'DROP TABLE IF EXISTS "t{number // 4 - 3}"')[step - 1]
        connection.execute(statement)


def shrink(writer, connection, number, body):
    """Grows for a while, then frees everything: with auto_vacuum the file becomes shorter."""
    connection.executemany("INSERT INTO items(body) VALUES(?)", ((body * 3,) for _ in range(30)))
    if number % 10 == 0:
        connection.execute("DELETE FROM items")
    connection.execute("PRAGMA incremental_vacuum(20)").fetchall()


def grow(writer, connection, number, body):
    if os.path.getsize(writer.spec["database"]) < writer.spec["limit_mb"] << 20:
        connection.executemany("INSERT INTO items(body) VALUES(?)", ((writer.random.randbytes(1 << 18),) for _ in range(8)))
    else:
        connection.execute("UPDATE items SET body = ? WHERE id = ?", (body, number))


def full_text(writer, connection, number, body):
    connection.execute("CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(text)")
    connection.execute("INSERT INTO words VALUES(?)", (" ".join(body[i:i + 2].hex() for i in range(0, 60, 2)),))


def vacuum(connection, number):
    if number % 10 == 0:
        connection.execute("VACUUM")


def checkpoint(mode):
    def run(connection, _):
        connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()

    return run


WORK = {f.__name__: f for f in (rows, mixed, blobs, without_rowid, spill, savepoints, rollbacks, schema, shrink, grow,
                                full_text)}
AFTER = {"vacuum": vacuum, "truncate": checkpoint("TRUNCATE"), "restart": checkpoint("RESTART"),
         "passive": checkpoint("PASSIVE")}


def request_stop(*_):
    global stopping
    stopping = True


def main():
    signal.signal(signal.SIGTERM, request_stop)
    writer = Writer(json.loads(sys.argv[1]))
    try:
        writer.run()
    except sqlite3.Error as problem:
        writer.report["errors"].append(f"{type(problem).__name__}: {problem}")
    print(json.dumps(writer.report))
    return 1 if writer.report["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
