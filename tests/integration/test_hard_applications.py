"""Applications and administrators that do what breaks other backups: files exchanged between two runs, locks lost by their
own doing, files of somebody else. And a daemon that stands still in the middle of it."""

import os
import shutil
import sqlite3
import subprocess
import sys

import pytest

from harness.compare import chain, check_integrity, check_same_database, consistent_copy, read_only
from harness.load import client_id, fleet, stop_all
from harness.process import kernel_locks
from harness.restore import litestream_restore, restore_all_both_ways
from harness.settings import manager_binary
from harness.wait import let_time_pass, wait_until


@pytest.mark.parametrize("store", ["pass", "refuse"])
def test_a_database_exchanged_between_two_runs_of_its_application_is_not_mixed(store, fragile_bucket, recorder, folder,
                                                                               make_manager, make_application):
    """Stop the application, move another file to its place, start it again: nothing in between. A log that outlived its
    application would be laid over the new file."""
    (folder / "elsewhere").mkdir()
    application = make_application(1, work="mixed")
    other = make_application(2, inside=folder / "elsewhere", work="mixed", row_bytes=5000)
    application.write(20)
    manager = make_manager(fragile_bucket).start()
    manager.wait_stored([application.client_id])
    recorder.set_mode(store)
    for number in range(6):
        other.write(10)
        replacement = consistent_copy(other.database, folder / f"new{number}.db")
        expected = chain(replacement)
        application.write(15)
        os.replace(replacement, application.database)
        application.write(3)
        source = consistent_copy(application.database, folder / f"source{number}.db")
        check_integrity(source)
        found = chain(source)
        assert found[:len(expected)] == expected and len(found) == len(expected) + 3
    recorder.set_mode("pass")
    manager.wait_stored([application.client_id], timeout=90)
    for path in restore_all_both_ways(fragile_bucket, [application.client_id], folder / "end")[application.client_id]:
        check_same_database(source, path)


def count_of(database):
    return read_only(database).execute("SELECT count(*) FROM items").fetchone()[0]


def test_an_application_that_lost_its_locks_keeps_its_log_and_is_backed_up(file_bucket, folder, make_manager,
                                                                           make_application):
    """Whoever opens and closes its own database file beside SQLite loses all locks on it and does not know. Then nobody
    seems to be there."""
    manager = make_manager(file_bucket).start()
    application = make_application(1)
    application.write(5)
    connection = sqlite3.connect(application.database, timeout=0, isolation_level=None)
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("INSERT INTO items(body) VALUES('first')")
    wait_until(lambda: manager.client(application.client_id)["txid"] >= 2, 20, "followed before it loses its locks")
    files = [f"{application.database}{suffix}" for suffix in ("", "-shm")]
    for path in files:
        with open(path, "rb") as file:
            file.read()
    inodes = {os.stat(path).st_ino for path in files}
    assert not [lock for lock in kernel_locks() if lock.inode in inodes and lock.pid == os.getpid()]
    log = os.stat(f"{application.database}-wal").st_ino
    before = manager.client(application.client_id)["txid"]
    for number in range(50):
        connection.execute("INSERT INTO items(body) VALUES(?)", (f"without a lock {number}",))
        let_time_pass(0.1)
    assert manager.client(application.client_id)["txid"] > before + 2, "nothing is stored while it goes on writing"
    manager.wait_stored([application.client_id])
    assert os.stat(f"{application.database}-wal").st_ino == log
    rows = connection.execute("SELECT count(*) FROM items").fetchone()[0]
    assert rows == 56

    def everything_is_stored():
        return count_of(litestream_restore(file_bucket, application.client_id, folder / f"{os.urandom(4).hex()}.db")) == rows

    wait_until(everything_is_stored, 30, "what was written without locks is backed up", 0.5)
    connection.close()
    manager.wait_stored([application.client_id])
    source = consistent_copy(application.database, folder / "source.db")
    for path in restore_all_both_ways(file_bucket, [application.client_id], folder / "end")[application.client_id]:
        check_same_database(source, path)


def test_only_the_owner_of_a_file_switches_it_to_wal(file_bucket, clients, folder, make_manager, make_application):
    """SQLite would make log and index as the daemon's user, and the owner could not write to his database any more. As
    root the daemon runs as `nobody` here, from a copy of the binary; without root it is the owner itself."""
    user = "nobody" if os.geteuid() == 0 else None
    binary, state = folder / "litestream-manager", folder / "state"
    shutil.copy(manager_binary(), binary)
    binary.chmod(0o755)
    state.mkdir()
    application = make_application(1, journal_mode="")
    application.write(5)
    application.database.chmod(0o666)
    if user:
        for path in (state, clients, file_bucket.root):
            shutil.chown(path, user, "nogroup")
    manager = make_manager(file_bucket, state_dir=state, user=user, binary=binary).start()
    manager.wait_stored([application.client_id])
    if not user:
        wait_until(lambda: manager.client(application.client_id)["journalMode"] == "wal", 20, "the switch")
    let_time_pass(5)  # the switch waits for a second of rest
    assert sorted(os.listdir(clients)) == [application.database.name]
    application.write(5)
    manager.wait_stored([application.client_id])
    assert application.database.read_bytes()[18:20] == (b"\1\1" if user else b"\2\2")
    source = consistent_copy(application.database, folder / "source.db")
    check_same_database(source, litestream_restore(file_bucket, application.client_id, folder / "end.db"))


def test_a_daemon_that_stands_still_in_a_storm_is_not_noticed(file_bucket, clients, folder, make_manager):
    """SIGSTOP, a debugger, a frozen container: whatever it holds at that moment it goes on holding. That may be a pin, and then
    the log grows by what is written meanwhile; no more, and nobody waits."""
    applications = fleet(clients, ["synchronous-normal", "synchronous-full", "checkpoint-passive", "oneshot-fast", "spill"])
    manager = make_manager(file_bucket).start()
    try:
        for application in applications:
            application.start(busy_timeout_ms=0, rate=150.0 if application.name != "spill" else 3.0)
        let_time_pass(2)
        for _ in range(5):
            manager.suspend()
            let_time_pass(2)
            manager.resume()
            let_time_pass(0.1)
        reports = stop_all(applications)
    finally:
        manager.resume()
        stop_all(applications)
    assert not {a.name: r["busy_at"] for a, r in zip(applications, reports) if r["busy"]}
    for application, report in zip(applications, reports):
        assert report["wal_peak_bytes"] < 24 << 20, f"{application.name}: the log grew to {report['wal_peak_bytes']}"
    manager.wait_stored([a.client_id for a in applications])
    restored = restore_all_both_ways(file_bucket, [a.client_id for a in applications], folder / "end")
    for application in applications:
        source = consistent_copy(application.database, folder / "end" / f"{application.client_id}.source.db")
        for path in restored[application.client_id]:
            check_same_database(source, path)


def test_a_fleet_starts_without_complaint_and_rests_in_silence(file_bucket, clients, make_manager):
    ids = [client_id(n) for n in range(1, 301)]
    for name in ids:
        connection = sqlite3.connect(clients / f"{name}.db")
        connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; CREATE TABLE t(a); INSERT INTO t VALUES(1);")
        connection.close()
    manager = make_manager(file_bucket, log_level="info").start()
    manager.wait_stored(ids)
    complaints = [line for line in manager.log_text().splitlines() if " warn " in line or " error " in line]
    assert not complaints
    said = len(manager.log_text())
    let_time_pass(35)  # longer than a sweep takes to come round
    assert manager.log_text()[said:] == ""
    assert manager.stop() == 0


SAVEPOINT_BEHIND_A_SPILL = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.executescript("PRAGMA page_size=512; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;"
                "CREATE TABLE t(id INTEGER PRIMARY KEY, b)")
c.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)"
          " INSERT INTO t(b) SELECT randomblob(300) FROM n")
c.execute("PRAGMA cache_size=10")
def tell():
    print(c.execute("SELECT hex(group_concat(b)) FROM t").fetchone()[0], flush=True)
    sys.stdin.readline()
tell()
c.execute("BEGIN")
c.execute("SAVEPOINT a")
c.execute("UPDATE t SET b = randomblob(300) WHERE id BETWEEN 100 AND 200")
c.execute("UPDATE t SET b = randomblob(299) WHERE id BETWEEN 150 AND 200")
c.execute("ROLLBACK TO a")
c.execute("UPDATE t SET b = randomblob(300) WHERE id BETWEEN 10 AND 40")
c.execute("COMMIT")
tell()
for i in range(1, 4):
    c.execute("UPDATE t SET b = randomblob(300) WHERE id = ?", (i,))
tell()
"""


@pytest.mark.parametrize("comes_late", [False, True], ids=["it is there", "it comes late"])
@pytest.mark.parametrize("without_any", [False, True], ids=["its first frames", "all its frames"])
def test_commits_that_the_application_loses_at_its_death_are_in_the_bucket(without_any, comes_late, file_bucket,
                                                                           clients, folder, make_manager):
    """Debian's SQLite (3.40) commits frames without checksums when a transaction that had spilled went back to a
    savepoint. Everybody sees the commit until the application dies; then it is gone with all that came after."""
    script = SAVEPOINT_BEHIND_A_SPILL
    if without_any:
        script = script.replace("BETWEEN 10 AND 40", "= 10")
    database = clients / f"{client_id(1)}.db"
    application = subprocess.Popen([sys.executable, "-c", script, str(database)], text=True, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
    manager = make_manager(file_bucket)
    try:
        for step in range(3):
            rows = application.stdout.readline().strip()
            if step == (2 if comes_late else 0):
                manager.start()
            if comes_late and step < 2:
                print(file=application.stdin, flush=True)
                continue
            manager.wait_stored([client_id(1)])
            for path in restore_all_both_ways(file_bucket, [client_id(1)], folder / f"step{step}")[client_id(1)]:
                check_integrity(path)
                assert read_only(path).execute("SELECT hex(group_concat(b)) FROM t").fetchone()[0] == rows, step
            if step < 2:
                print(file=application.stdin, flush=True)
        newest = manager.client(client_id(1))["txid"]
    finally:
        application.kill()
        application.wait()
    # The next one to open it recovers what is left. The backup follows, and still has what was.
    after_death = sqlite3.connect(database, isolation_level=None)
    left = after_death.execute("SELECT hex(group_concat(b)) FROM t").fetchone()[0]
    after_death.execute("UPDATE t SET b = 'x' WHERE id = 400")
    manager.wait_stored([client_id(1)])
    whole = litestream_restore(file_bucket, client_id(1), folder / "whole.db", txid=newest)
    assert read_only(whole).execute("SELECT hex(group_concat(b)) FROM t").fetchone()[0] == rows
    for path in restore_all_both_ways(file_bucket, [client_id(1)], folder / "end")[client_id(1)]:
        found = read_only(path).execute("SELECT hex(group_concat(b)) FROM t WHERE id < 400").fetchone()[0]
        assert left.startswith(found)
    after_death.close()
