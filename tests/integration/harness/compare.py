"""Is a restored database the same as the one it was made from? Page by page, row by row, and by SQLite's own check.

The source is never opened: its files are copied while its writers rest, and the copy is checkpointed. The copy's pages
are then exactly the database's pages, so nothing at all may differ from what a restore gives."""

import hashlib
import shutil
import sqlite3
import struct
from pathlib import Path

CHUNK = 1 << 20


def consistent_copy(database: Path, copy: Path) -> Path:
    """Copies a database whose writers rest, with its log or journal, and moves the log into the copy."""
    for suffix in ("", "-wal", "-journal"):
        source = Path(str(database) + suffix)
        if source.exists():
            shutil.copyfile(source, str(copy) + suffix)
    connection = sqlite3.connect(copy)
    try:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert busy == 0, f"copy of {database} could not be checkpointed"
    finally:
        connection.close()
    return copy


def page_size(database: Path) -> int:
    with database.open("rb") as file:
        stored = struct.unpack(">H", file.read(18)[16:18])[0]
    return 65536 if stored == 1 else stored


def differing_pages(left: Path, right: Path) -> list[int]:
    """Numbers of the pages that differ, from 1; pages that only one file has count as well."""
    size = page_size(left)
    found: list[int] = []
    with left.open("rb") as a, right.open("rb") as b:
        first = 1
        while True:
            x, y = a.read(CHUNK), b.read(CHUNK)
            if not x and not y:
                return found
            if x != y:
                pages = range((max(len(x), len(y)) + size - 1) // size)
                found += [first + i for i in pages if x[i * size:(i + 1) * size] != y[i * size:(i + 1) * size]]
            first += CHUNK // size


def read_only(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{database}?mode=ro&immutable=1", uri=True)


def check_integrity(database: Path) -> None:
    connection = read_only(database)
    try:
        problems = [row[0] for row in connection.execute("PRAGMA integrity_check")]
    except sqlite3.DatabaseError as problem:
        problems = [str(problem)]
    finally:
        connection.close()
    assert problems == ["ok"], f"{database}: {problems[:5]}"


def check_same_rows(left: Path, right: Path) -> None:
    """Same schema, same settings kept in the file, same rows in the same order."""
    a, b = read_only(left), read_only(right)
    try:
        for setting in ("page_size", "auto_vacuum", "encoding", "user_version", "application_id", "page_count"):
            values = [c.execute(f"PRAGMA {setting}").fetchone() for c in (a, b)]
            assert values[0] == values[1], f"PRAGMA {setting}: {values}"
        schema = [c.execute("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema ORDER BY rowid").fetchall()
                  for c in (a, b)]
        assert schema[0] == schema[1]
        for kind, name, _, root, _ in schema[0]:
            if kind == "table" and root:
                check_same_table(a, b, name)
    finally:
        a.close()
        b.close()


def check_same_table(a: sqlite3.Connection, b: sqlite3.Connection, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    count = 0
    for x, y in zip(a.execute(f"SELECT * FROM {quoted}"), b.execute(f"SELECT * FROM {quoted}")):
        assert x == y, f"row {count + 1} of {name} differs"
        count += 1
    totals = [c.execute(f"SELECT count(*) FROM {quoted}").fetchone()[0] for c in (a, b)]
    assert totals == [count, count], f"{name} has {totals} rows"


def check_same_database(source_copy: Path, restored: Path) -> None:
    assert source_copy.stat().st_size == restored.stat().st_size, (
        f"{restored}: {restored.stat().st_size} bytes instead of {source_copy.stat().st_size}")
    pages = differing_pages(source_copy, restored)
    assert not pages, f"{restored}: {len(pages)} pages differ from {source_copy}, first {pages[:10]}"
    check_integrity(restored)
    check_same_rows(source_copy, restored)


def chain(database: Path) -> list[tuple[int, bytes]]:
    """(number, hash) of every transaction that the writers committed, after checking that each follows from the one
    before: a restored state that passes is one the application really had."""
    connection = read_only(database)
    try:
        rows = connection.execute("SELECT n, digest, hash FROM log ORDER BY n").fetchall()
    finally:
        connection.close()
    found, previous = [], b""
    for expected, (number, digest, value) in enumerate(rows, start=1):
        assert number == expected, f"{database}: transaction {expected} is missing"
        assert value == hashlib.sha256(previous + struct.pack(">q", number) + digest).digest(), f"{database}: {number}"
        found.append((number, value))
        previous = value
    return found


def check_prefix(earlier: list[tuple[int, bytes]], later: list[tuple[int, bytes]]) -> None:
    assert earlier == later[:len(earlier)], "the earlier state is not a prefix of the later one"
