"""The application never notices: no error, no lock, no change to its files, no log that stays longer or grows larger."""

import hashlib
import os
import sqlite3
import subprocess

import pytest

from harness.compare import consistent_copy, differing_pages, read_only
from harness.load import client_id, fleet, stop_all
from harness.process import kernel_locks, open_paths
from harness.restore import litestream_restore
from harness.settings import WRITER_PYTHON
from harness.wait import let_time_pass, wait_until

MIXED = ["held-page-512", "held-page-4096", "oneshot-page-4096", "oneshot-fast", "synchronous-normal", "synchronous-full",
         "checkpoint-truncate", "checkpoint-restart", "autocheckpoint-10", "spill", "vacuum", "oneshot-vacuum", "blobs"]
# After this time without an event a client holds nothing. Longer than the daemon's own limit, to allow for its sweep.
COLD_SECONDS = 90


def fingerprint(folder):
    """Everything about the tenants' files that an application or a backup tool could see."""
    found = {}
    for name in sorted(os.listdir(folder)):
        facts = os.stat(folder / name)
        content = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        found[name] = (facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_mode, facts.st_uid, content)
    return found


def test_writers_without_any_patience_see_no_busy_error(file_bucket, clients, make_manager):
    manager = make_manager(file_bucket).start()
    applications = fleet(clients, MIXED)
    try:
        for application in applications:
            application.start(busy_timeout_ms=0)
        let_time_pass(15)
        reports = stop_all(applications)
    finally:
        stop_all(applications)
    manager.wait_stored([a.client_id for a in applications])
    busy = {a.name: r["busy_at"] for a, r in zip(applications, reports) if r["busy"]}
    assert not busy
    assert sum(r["transactions"] for r in reports) > 1000
    assert manager.stop() == 0


def test_the_log_of_a_busy_database_stays_as_small_as_without_us(file_bucket, make_manager, make_application):
    def peak(number):
        return make_application(number, row_bytes=3000).start(rate=1e6, transactions=6000).finish(120)["wal_peak_bytes"]

    alone = peak(1)
    manager = make_manager(file_bucket).start()
    beside_us = peak(2)
    manager.wait_stored([client_id(1), client_id(2)])
    assert beside_us <= alone * 1.1


def test_files_of_idle_databases_are_not_changed_by_a_running_daemon(file_bucket, clients, make_manager, make_application):
    applications = [make_application(n, session=session, work="mixed")
                    for n, session in enumerate(["held", "oneshot", "oneshot"], start=1)]
    for application in applications:
        application.write(20)
    crashed = make_application(4, autocheckpoint=0)
    crashed.start(rate=500.0)
    wait_until(lambda: (clients / f"{crashed.client_id}.db-wal").stat().st_size > 50_000, 20, "a log to leave behind")
    crashed.crash()
    before = fingerprint(clients)
    assert f"{crashed.client_id}.db-wal" in before

    manager = make_manager(file_bucket).start()
    manager.wait_stored([a.client_id for a in applications] + [crashed.client_id])
    assert fingerprint(clients) == before
    assert manager.stop() == 0
    assert fingerprint(clients) == before


def test_the_log_vanishes_with_the_last_connection(file_bucket, clients, make_manager, make_application):
    manager = make_manager(file_bucket).start()
    application = make_application(1, session="oneshot")
    for _ in range(40):
        application.write(3)
        assert sorted(os.listdir(clients)) == [application.database.name]
    manager.wait_stored([application.client_id])


def attached_client(manager, make_application, number=1):
    """A database with a connection of ours that stays open, caught up. Returns the connection."""
    application = make_application(number)
    application.write(5)
    connection = sqlite3.connect(application.database, timeout=0, isolation_level=None)
    connection.execute("INSERT INTO items(body) VALUES('first')")
    manager.wait_stored([application.client_id])
    return application, connection


def test_an_attached_application_may_leave_wal_mode(file_bucket, make_manager, make_application):
    manager = make_manager(file_bucket, arguments=("-no-wal-switch",)).start()
    application, connection = attached_client(manager, make_application)
    assert connection.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
    connection.execute("INSERT INTO items(body) VALUES('without a log')")
    assert connection.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",)
    connection.execute("INSERT INTO items(body) VALUES('with a log again')")
    manager.wait_stored([application.client_id])
    connection.close()


def test_an_attached_application_may_lock_exclusively(file_bucket, folder, make_manager, make_application):
    manager = make_manager(file_bucket).start()
    application, connection = attached_client(manager, make_application)
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    for n in range(20):
        connection.execute("INSERT INTO items(body) VALUES(?)", (f"exclusive {n}",))
    connection.execute("PRAGMA locking_mode=NORMAL")
    connection.execute("SELECT count(*) FROM items").fetchone()
    connection.execute("INSERT INTO items(body) VALUES('shared again')")
    connection.close()

    def restored_rows():
        path = litestream_restore(file_bucket, application.client_id, folder / f"{os.urandom(4).hex()}.db")
        return read_only(path).execute("SELECT count(*) FROM items WHERE body LIKE 'exclusive%' OR body LIKE 'shared%'"
                                       ).fetchone()[0] == 21

    wait_until(restored_rows, 30, "everything written under the exclusive lock is backed up", 0.5)


def test_an_application_may_open_its_database_for_itself_alone(file_bucket, folder, make_manager, make_application):
    """The VFS unix-excl asks for the whole file at its first read and keeps it."""
    manager = make_manager(file_bucket).start()
    application, connection = attached_client(manager, make_application)
    connection.close()
    for number in range(3):
        alone = sqlite3.connect(f"file:{application.database}?vfs=unix-excl", uri=True, timeout=0, isolation_level=None)
        for n in range(10):
            alone.execute("INSERT INTO items(body) VALUES(?)", (f"alone {number} {n}",))
        let_time_pass(0.5)
        alone.execute("INSERT INTO items(body) VALUES('alone at last')")
        alone.close()
    manager.wait_stored([application.client_id])
    source = consistent_copy(application.database, folder / "source.db")

    def all_restored():
        path = litestream_restore(file_bucket, application.client_id, folder / f"{os.urandom(4).hex()}.db")
        return not differing_pages(source, path)

    wait_until(all_restored, 30, "everything written in exclusive mode is backed up", 0.5)


@pytest.mark.parametrize("synchronous", ["FULL", "NORMAL"])
def test_an_application_that_truncates_its_own_log_is_hardly_ever_refused(synchronous, file_bucket, folder, make_manager,
                                                                          make_application):
    """Without patience, after each commit. The first time meets our pin; then it is known and left alone for a minute."""
    manager = make_manager(file_bucket).start()
    application, connection = attached_client(manager, make_application)
    connection.execute(f"PRAGMA synchronous={synchronous}")
    refused = 0
    for number in range(400):
        connection.execute("INSERT INTO items(body) VALUES(?)", (f"truncated {number}",))
        refused += connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    assert refused <= 4
    connection.close()
    manager.wait_stored([application.client_id])
    source = consistent_copy(application.database, folder / "source.db")
    assert not differing_pages(source, litestream_restore(file_bucket, application.client_id, folder / "end.db"))


def test_nothing_foreign_appears_in_the_schema(file_bucket, folder, make_manager, make_application):
    manager = make_manager(file_bucket).start()
    application = make_application(1)
    application.write(10)
    manager.wait_stored([application.client_id])
    assert manager.stop() == 0
    copy = read_only(consistent_copy(application.database, folder / "copy.db"))
    assert [row[0] for row in copy.execute("SELECT name FROM sqlite_schema ORDER BY name")] == ["items", "log"]


def test_no_lock_is_held_on_a_caught_up_client(file_bucket, make_manager, make_application):
    manager = make_manager(file_bucket).start()
    application, connection = attached_client(manager, make_application)
    inodes = {os.stat(str(application.database) + suffix).st_ino for suffix in ("", "-wal", "-shm")}

    def foreign():
        # Locks of open file descriptions show no owner (-1); those of SQLite in this process show ours.
        return [lock for lock in kernel_locks() if lock.inode in inodes and lock.pid != os.getpid()]

    wait_until(lambda: not foreign(), 5, "the daemon lets go of a client that is caught up")
    seen = [lock for _ in range(200) for lock in foreign() if not let_time_pass(0.005)]
    assert not seen
    connection.close()


def test_quiet_clients_hold_no_descriptor(file_bucket, make_manager, make_application):
    manager = make_manager(file_bucket).start()
    applications = [make_application(1), make_application(2, session="oneshot"), make_application(3, session="oneshot")]
    for application in applications:
        application.write(20)
    attached, connection = attached_client(manager, make_application, 4)
    names = [a.client_id for a in (*applications, attached)]
    manager.wait_stored(names)

    def held():
        return [path for path in open_paths(manager.pid) if any(name in path for name in names)]

    wait_until(lambda: not held(), COLD_SECONDS, "descriptors given back", 0.5)
    before = manager.client(attached.client_id)["txid"]
    connection.execute("INSERT INTO items(body) VALUES('after the rest')")
    wait_until(lambda: manager.client(attached.client_id)["txid"] > before, 10, "a commit after the rest is stored")
    connection.close()


def test_other_processes_may_read_while_we_capture(file_bucket, make_manager, make_application):
    """A reader with patience 0 beside a writer: a daemon that took SQLite's locks would disturb it now and then."""
    manager = make_manager(file_bucket).start()
    application = make_application(1, work="mixed").start(rate=100.0)
    wait_until(lambda: application.database.exists() and application.database.stat().st_size > 8192, 10, "tables")
    script = ("import sqlite3,sys,time\n"
              "end=time.monotonic()+5\n"
              "while time.monotonic()<end:\n"
              "    c=sqlite3.connect(sys.argv[1],timeout=0)\n"
              "    c.execute('SELECT count(*) FROM log').fetchone()\n"
              "    c.close()\n")
    done = subprocess.run([WRITER_PYTHON, "-I", "-S", "-c", script, str(application.database)], capture_output=True, text=True,
                          timeout=60, check=False)
    application.stop()
    assert done.returncode == 0, done.stderr
    manager.wait_stored([application.client_id])
