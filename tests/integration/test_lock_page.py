"""Databases around 1 GiB. The page at that offset is never used: SQLite keeps its lock bytes there, and no backup may hold it.
Built of big blobs of zeros in memory where there is room, so that a gigabyte takes seconds."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from harness.compare import check_integrity, check_same_rows, differing_pages
from harness.restore import litestream_restore
from harness.settings import clean_environment, manager_binary
from harness.store import FileBucket, check_whole_history
from harness.wait import wait_until

GIB = 1 << 30
MEMORY_MAX_KIB = 64 << 10  # of a restore, however large the database
ROOM = 12 * GIB  # two tests at a time, with a source, a copy and two restored files each


@pytest.fixture
def large_folder(request):
    memory = Path("/dev/shm")
    in_memory = memory.is_dir() and shutil.disk_usage(memory).free > ROOM
    path = Path(tempfile.mkdtemp(prefix="lm-", dir=memory if in_memory else os.environ.get("LM_TEST_FOLDER")))
    yield path
    shutil.rmtree(path)  # too large to be kept


def make_database(path, size, lock_page):
    """Ends two pages before the lock page."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(f"PRAGMA page_size={size}; PRAGMA auto_vacuum=2; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
                             "CREATE TABLE items(id INTEGER PRIMARY KEY, body)")
    while (left := lock_page - 400 - pages(connection)) > 0:
        connection.execute("INSERT INTO items(body) VALUES(zeroblob(?))", (min(left * (size - 4) * 9 // 10 + 1, 64 << 20),))
    grow(connection, size, lock_page - 2)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


def pages(connection):
    return connection.execute("PRAGMA page_count").fetchone()[0]


def grow(connection, size, to_pages):
    while pages(connection) < to_pages:
        connection.execute("INSERT INTO items(body) VALUES(randomblob(?))", (size // 2,))


def rest(database):
    """The file as it is once nobody has it open."""
    assert not Path(f"{database}-wal").exists()
    return database


@pytest.mark.parametrize("size", [512, 4096, 65536])
def test_a_database_that_grows_and_shrinks_over_the_lock_page_is_restored_page_by_page(size, large_folder, make_manager,
                                                                                       make_application):
    lock_page = GIB // size + 1
    (large_folder / "clients").mkdir()
    bucket = FileBucket(large_folder / "bucket")
    bucket.create()
    application = make_application(1, inside=large_folder / "clients")
    database, name = application.database, application.client_id
    make_database(database, size, lock_page)
    manager = make_manager(bucket, watch_dirs=[database.parent], state_dir=large_folder / "state",
                           arguments=("-sync-interval", "20ms")).start()

    def stored():
        return manager.wait_stored([name], timeout=120)[name]["txid"]

    stored()
    assert manager.counters()["images"] == 1
    # Over it by the log: the last page before it, the first one behind it, some more.
    connection = sqlite3.connect(database, isolation_level=None)
    for to_pages in (lock_page - 1, lock_page + 1, lock_page + 40):
        grow(connection, size, to_pages)
        assert pages(connection) >= to_pages and pages(connection) != lock_page
        above = stored()
    connection.close()
    stored()
    kept = shutil.copyfile(rest(database), large_folder / "above.db")
    assert kept.stat().st_size > GIB + size
    # Below it again, while nobody watches; then above it once more.
    manager.kill()
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("DELETE FROM items WHERE id > (SELECT max(id) FROM items) - 60")
    connection.executescript("PRAGMA incremental_vacuum")  # execute() would free one page only
    assert pages(connection) < lock_page
    connection.close()
    manager.start()
    wait_until(lambda: stored() > above, 60, "the smaller database is stored")
    assert manager.counters()["images"] == 0, "what changed is found by comparing, with the lock page in the index's way"
    connection = sqlite3.connect(database, isolation_level=None)
    grow(connection, size, lock_page + 3)
    connection.close()
    stored()
    assert manager.stop() == 0
    check_both(bucket, name, rest(database), large_folder)
    check_whole_history(bucket.ltx_objects(name))
    again = litestream_restore(bucket, name, large_folder / "again.db", txid=above)
    assert not differing_pages(kept, again)


# Runs a command and prints the most memory that it had, in KiB. By a process of its own: what fork() passes on of a
# large parent would count, too.
MEASURE = """import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)"""


def restore_in_little_memory(bucket, name, path):
    """By our own command, as its own process."""
    command = [str(manager_binary()), "restore", name, "-o", str(path), *bucket.manager_arguments()]
    measured = subprocess.run([sys.executable, "-c", MEASURE, *command], env=clean_environment(), check=True, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    used = int(measured.stdout)
    assert used < MEMORY_MAX_KIB, f"{used} KiB"
    return path


def check_both(bucket, name, database, folder):
    for restore in (litestream_restore, restore_in_little_memory):
        path = restore(bucket, name, folder / "restored.db")
        assert path.stat().st_size == database.stat().st_size
        found = differing_pages(database, path)
        assert not found, f"{restore.__name__}: {len(found)} pages differ, first {found[:10]}"
        if restore is restore_in_little_memory:
            check_integrity(path)
            check_same_rows(database, path)
        path.unlink()
