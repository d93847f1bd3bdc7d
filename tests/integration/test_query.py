"""Queries of backups that stay where they are: the same answers as from the restored file, for a small part of its bytes."""

import csv
import io
import json
import random
import signal
import sqlite3
import subprocess
import time

import pytest

from harness.load import client_id
from harness.manager import run_manager
from harness.replicate import Litestream
from harness.restore import litestream_restore, manager_restore
from harness.settings import clean_environment, manager_binary
from harness.wait import wait_until

PAGE_SIZES = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]
SCHEMA = """
CREATE TABLE plain(id INTEGER PRIMARY KEY, name TEXT, amount REAL, data BLOB);
CREATE INDEX plain_name ON plain(name);
CREATE TABLE keyed(kind TEXT, number INT, note TEXT, PRIMARY KEY(kind, number)) WITHOUT ROWID;
CREATE TABLE large(id INTEGER PRIMARY KEY, body BLOB);
CREATE VIEW sums AS SELECT name, sum(amount) AS total FROM plain GROUP BY name;
"""


def query(bucket, client, sql, *flags, timeout=60):
    return run_manager("query", client, sql, *bucket.manager_arguments(), *flags, bucket=bucket, timeout=timeout)


def answers(bucket, client, sql, *flags):
    """One result for each statement."""
    done = query(bucket, client, sql, "-json", *flags)
    assert done.returncode == 0, done
    decoder, text, found = json.JSONDecoder(), done.stdout, []
    while text:
        result, end = decoder.raw_decode(text)
        found.append(result)
        text = text[end:].lstrip()
    return found


def answer(bucket, client, sql, *flags):
    return answers(bucket, client, sql, *flags)[0]


def make_database(path, page_size, auto_vacuum, rows, seed):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(f"PRAGMA page_size={page_size}; PRAGMA auto_vacuum={auto_vacuum}; PRAGMA journal_mode=WAL;" + SCHEMA)
    change(connection, rows, seed)
    return connection


def change(connection, rows, seed):
    """Writes that scatter, overflow, free and move pages."""
    rng = random.Random(seed)
    connection.execute("BEGIN")
    for _ in range(rows):
        connection.execute("INSERT INTO plain(name, amount, data) VALUES (?, ?, ?)",
                           (f"name {rng.randrange(rows)}", rng.choice([None, rng.random() * 100]), rng.randbytes(rng.randrange(60))))
        connection.execute("INSERT OR REPLACE INTO keyed VALUES (?, ?, ?)", (rng.choice("abc"), rng.randrange(rows), "n" * rng.randrange(80)))
    for _ in range(10):
        connection.execute("INSERT INTO large(body) VALUES (?)", (rng.randbytes(rng.randrange(100_000)),))
    connection.execute("DELETE FROM plain WHERE id % 7 = 3")
    connection.execute("DELETE FROM large WHERE id % 3 = 1")
    connection.execute("COMMIT")


def questions(rng, rows):
    """Random ones, each with an order, so that answers can be compared."""
    return [
        f"SELECT id, name, amount, hex(data) AS data FROM plain WHERE id BETWEEN {(a := rng.randrange(rows))} AND {a + 20} ORDER BY id",
        f"SELECT id FROM plain WHERE name = 'name {rng.randrange(rows)}' ORDER BY id DESC",
        f"SELECT kind, number, note FROM keyed WHERE kind = '{rng.choice('abc')}' AND number > {rng.randrange(rows)} ORDER BY 1, 2 LIMIT 30",
        f"SELECT id, length(body) AS n, hex(substr(body, {rng.randrange(50_000)}, 20)) AS part FROM large ORDER BY id DESC",
        f"SELECT p.name, k.note FROM plain p JOIN keyed k ON k.kind = 'b' AND k.number = p.id WHERE p.id % {rng.randrange(5, 20)} = 1 ORDER BY p.id, 2",
        "SELECT name, round(total, 6) AS total FROM sums ORDER BY name LIMIT 40",
        "SELECT count(*) AS n, sum(length(data)) AS bytes, min(name) AS first, max(amount) AS most FROM plain",
        "SELECT (SELECT count(*) FROM plain) AS a, (SELECT count(*) FROM keyed) AS b, (SELECT count(*) FROM large) AS c",
        "PRAGMA integrity_check",
    ]


def asked_of_file(path, sql):
    connection = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(sql)]
    finally:
        connection.close()


def compare(bucket, client, restored, rows, seed):
    asked = questions(random.Random(seed), rows)
    found = answers(bucket, client, ";\n".join(asked))
    assert len(found) == len(asked)
    for sql, result in zip(asked, found):
        assert result == asked_of_file(restored, sql), sql


@pytest.mark.parametrize("store", ["file", "s3"])
def test_answers_are_those_of_the_restored_file(request, clients, folder, make_manager, store):
    bucket = request.getfixturevalue("file_bucket" if store == "file" else "s3_bucket")
    rows = 400
    names = {client_id(n): size for n, size in enumerate(PAGE_SIZES, 1)}
    opened = {name: make_database(clients / f"{name}.db", size, n % 3, rows, n) for n, (name, size) in enumerate(names.items())}
    manager = make_manager(bucket).start()
    manager.wait_stored(list(names))
    for n, connection in enumerate(opened.values()):
        change(connection, rows // 4, 100 + n)
    manager.wait_stored(list(names))
    for n, connection in enumerate(opened.values()):
        if n % 2 == 0:
            connection.execute("VACUUM")
        elif n % 3 == 1:
            connection.execute("DELETE FROM large")
            connection.execute("PRAGMA incremental_vacuum")
        change(connection, 5, 200 + n)
    manager.wait_stored(list(names))
    manager.stop()
    for n, (name, connection) in enumerate(opened.items()):
        connection.close()
        compare(bucket, name, manager_restore(bucket, name, folder / f"{name}.restored.db"), rows, n)


def test_answers_from_litestreams_own_backup_are_those_of_its_restore(s3_bucket, clients, folder):
    names = [client_id(n) for n in (1, 2)]
    opened = [make_database(clients / f"{name}.db", size, 0, 300, n) for n, (name, size) in enumerate(zip(names, (4096, 1024)))]
    litestream = Litestream([clients / f"{name}.db" for name in names], s3_bucket, folder, database={"monitor-interval": "50ms"},
                            replica={"sync-interval": "50ms"}).start()
    for step in range(4):
        wait_until(lambda: all(len(s3_bucket.ltx_objects(name)) > step for name in names), 30, "Litestream stored it", 0.1)
        for n, connection in enumerate(opened):
            change(connection, 40 if step < 3 else 0, 50 + 10 * step + n)
    for connection in opened:
        connection.close()
    litestream.stop()
    for n, name in enumerate(names):
        compare(s3_bucket, name, litestream_restore(s3_bucket, name, folder / f"{name}.restored.db"), 300, n)


@pytest.fixture
def big(fragile_bucket, clients, make_manager):
    """The TXID of a database of 30 MB, before its last change."""
    connection = sqlite3.connect(clients / f"{client_id(1)}.db", isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, body); "
                             "CREATE INDEX by_name ON t(name)")
    connection.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)"
                       " INSERT INTO t SELECT i, 'name ' || (i * 7919 % 30011), hex(randomblob(500)) FROM n")
    manager = make_manager(fragile_bucket).start()
    first = manager.wait_stored([client_id(1)])[client_id(1)]["txid"]
    connection.execute("UPDATE t SET name = 'changed' WHERE id = 21000")
    manager.wait_stored([client_id(1)])
    manager.stop()
    connection.close()
    return first


def test_a_point_query_reads_a_small_part_as_the_store_counts_it(fragile_bucket, recorder, big):
    sql = "SELECT id, name, length(body) AS n FROM t WHERE name = 'changed'"
    before = len(recorder.requests)
    done = query(fragile_bucket, client_id(1), sql, "-json", "-stats")
    assert json.loads(done.stdout) == [{"id": 21000, "name": "changed", "n": 1000}], done
    seen = recorder.requests[before:]
    assert {request.method for request in seen} == {"GET"}
    assert len(seen) <= 12, seen
    received = sum(request.received_bytes for request in seen)
    assert received < 1_500_000, "of 30 MB"
    listed = sum("list-type=2" in request.target for request in seen)
    assert f"{listed} LIST, 0 HEAD, {len(seen) - listed} GET" in done.stderr, done.stderr
    # The state before the change, by its TXID.
    then = answer(fragile_bucket, client_id(1), "SELECT name FROM t WHERE id = 21000", "-txid", str(big))
    assert then == [{"name": f"name {21000 * 7919 % 30011}"}]


def test_a_scan_of_a_scattered_index_waits_for_few_answers(fragile_bucket, recorder, big):
    before = len(recorder.requests)
    done = query(fragile_bucket, client_id(1), "SELECT count(*) AS n FROM t INDEXED BY by_name", "-csv", "-stats")
    assert done.stdout == "n\n30000\n", done
    fetches = int(done.stderr.partition(" fetches brought")[0].rpartition(" ")[2])
    assert fetches <= 50, done.stderr
    assert len(recorder.requests) - before > fetches, "several at a time"


def test_a_second_query_finds_its_pages_in_the_cache_directory(fragile_bucket, recorder, folder, big):
    sql = "SELECT sum(length(body)) AS n FROM t WHERE id < 5000"
    flags = ("-cache-dir", str(folder / "cache"), "-csv")
    first = query(fragile_bucket, client_id(1), sql, *flags)
    before = len(recorder.requests)
    second = query(fragile_bucket, client_id(1), sql, *flags, "-stats")
    assert first.stdout == second.stdout == "n\n4999000\n", (first, second)
    assert sum(request.received_bytes for request in recorder.requests[before:]) < 60_000, second.stderr
    assert (folder / "cache").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", ["cut", "unavailable", "shuffle"])
def test_answers_stand_a_network_that_misbehaves(fragile_bucket, recorder, big, mode):
    recorder.set_mode(mode)
    sql = "SELECT count(*) AS n, sum(length(body)) AS bytes, sum(id) AS ids FROM t"
    assert answer(fragile_bucket, client_id(1), sql) == [{"n": 30000, "bytes": 30_000_000, "ids": 30000 * 30001 // 2}]


def test_ctrl_c_ends_a_query_that_waits_for_its_store(fragile_bucket, recorder, big):
    recorder.set_mode("hang")
    asking = subprocess.Popen([str(manager_binary()), "query", client_id(1), "SELECT 1", *fragile_bucket.manager_arguments()],
                              env=clean_environment() | fragile_bucket.environment(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
    before = recorder._count  # noqa: SLF001
    wait_until(lambda: recorder._count > before or asking.poll() is not None, 20, "it asks", 0.01)  # noqa: SLF001
    started = time.monotonic()
    asking.send_signal(signal.SIGINT)
    _, errors = asking.communicate(timeout=20)
    recorder.set_mode("pass")
    assert asking.returncode == 1 and time.monotonic() - started < 5, errors


def test_outputs_and_exit_codes(file_bucket, clients, folder, make_manager):
    with sqlite3.connect(clients / f"{client_id(1)}.db") as connection:
        connection.executescript("PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b);"
                                 "INSERT INTO t VALUES (1, 'x,\"y\"', NULL), (2, 'two\nlines', 2.5), (3, '', x'00ff')")
    manager = make_manager(file_bucket).start()
    manager.wait_stored([client_id(1)])
    manager.stop()
    connection.close()
    ask = lambda sql, *flags: query(file_bucket, client_id(1), sql, *flags)  # noqa: E731
    table = ask("SELECT * FROM t; SELECT 1 AS one")
    assert table.stdout == ("id  a           b\n--  ----------  -------\n 1  x,\"y\"       NULL\n 2  two\\nlines  2.5\n"
                            " 3              X'00FF'\n\none\n---\n  1\n"), table
    assert list(csv.reader(io.StringIO(ask("SELECT * FROM t", "-csv").stdout))) == [
        ["id", "a", "b"], ["1", 'x,"y"', ""], ["2", "two\nlines", "2.5"], ["3", "", "X'00FF'"]]
    assert json.loads(ask("SELECT * FROM t", "-json").stdout)[1] == {"id": 2, "a": "two\nlines", "b": 2.5}
    typed = subprocess.run([str(manager_binary()), "query", file_bucket.manager_url(client_id(1)), "-", "-csv"],
                           input="SELECT count(*)\n  AS n FROM t;\n", capture_output=True, text=True, timeout=30,
                           env=clean_environment(), check=False)
    assert typed.stdout == "n\n3\n", typed

    wrong = ask("SELECT 1;\nSELECT nme FROM t")
    assert wrong.returncode == 2 and "line 2, column 8: no such column: nme\n  SELECT nme FROM t\n         ^" in wrong.stderr
    other = folder / "other.db"
    for sql in ["DELETE FROM t", f"ATTACH '{other}' AS o", f"VACUUM INTO '{other}'"]:
        refused = ask(sql)
        assert refused.returncode == 1 and "backup" in refused.stderr, refused
    assert not other.exists()
    assert query(file_bucket, client_id(9), "SELECT 1").returncode == 3
    assert ask("SELECT 1", "-txid", "99").returncode == 3
    assert ask("SELECT 1", "-csv", "-json").returncode == 2
    only = next(file for file in file_bucket.root.rglob("*.ltx"))
    damaged = bytearray(only.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    only.write_bytes(damaged)
    spoiled = ask("SELECT * FROM t")
    assert spoiled.returncode == 4 and only.name in spoiled.stderr, spoiled
