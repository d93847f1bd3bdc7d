"""A new client out of an old moment of another one, beside the daemon that is running."""

import json
import sqlite3

import pytest

from harness.compare import check_same_database, consistent_copy, differing_pages
from harness.load import client_id
from harness.manager import run_manager
from harness.restore import litestream_restore, restore_all_both_ways
from harness.store import check_nothing_rewritten
from harness.wait import wait_until

BOTH_STORES = pytest.mark.parametrize("bucket", ["s3", "file"], indirect=True)
SOURCE, FORK = client_id(1), client_id(2)


def fork(bucket, *arguments):
    return run_manager("fork", SOURCE, *map(str, arguments), *bucket.manager_arguments(), bucket=bucket)


@pytest.fixture
def source(clients):
    connection = sqlite3.connect(clients / f"{SOURCE}.db", isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, body);"
                             "INSERT INTO t(body) VALUES(randomblob(50000))")
    yield connection
    connection.close()


@BOTH_STORES
def test_a_fork_is_found_by_the_daemon_and_has_a_backup_of_its_own(bucket, clients, source, folder, make_manager):
    manager = make_manager(bucket).start()
    txid = manager.wait_stored([SOURCE])[SOURCE]["txid"]
    then = consistent_copy(clients / f"{SOURCE}.db", folder / "then.db")
    source.execute("DELETE FROM t")
    manager.wait_stored([SOURCE])
    before = bucket.ltx_objects(SOURCE)

    done = fork(bucket, "-to", FORK, "-watch-dir", clients, "-txid", txid, "-json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["client"], int(report["txid"], 16)) == (FORK, txid)
    assert report["output"] == str(clients / f"{FORK}.db")
    wait_until(lambda: manager.client(FORK), 20, "the daemon finds the fork")
    manager.wait_stored([SOURCE, FORK])
    assert not differing_pages(then, clients / f"{FORK}.db")

    # Both go on, each in a history of its own.
    with sqlite3.connect(clients / f"{FORK}.db", isolation_level=None) as other:
        other.execute("INSERT INTO t(body) VALUES('only in the fork')")
    other.close()
    source.execute("INSERT INTO t(body) VALUES('only in the source')")
    manager.wait_stored([SOURCE, FORK])
    manager.stop()
    restored = restore_all_both_ways(bucket, [SOURCE, FORK], folder / "restored")
    for client in (SOURCE, FORK):
        live = consistent_copy(clients / f"{client}.db", folder / f"{client}.live.db")
        for path in restored[client]:
            check_same_database(live, path)
    assert not differing_pages(then, litestream_restore(bucket, FORK, folder / "first.db", txid=1))
    check_nothing_rewritten(before, bucket.ltx_objects(SOURCE))
    assert {o.key for o in before} <= {o.key for o in bucket.ltx_objects(SOURCE)}


@BOTH_STORES
def test_a_fork_harms_no_file_and_no_backup(bucket, clients, source, folder, make_manager):
    manager = make_manager(bucket).start()
    manager.wait_stored([SOURCE])

    # Somebody's file, under any of its names.
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    for name in (f"{FORK}.db", f"{FORK.upper()}.sqlite", f"{FORK}.db-wal"):
        (elsewhere / name).write_bytes(b"somebody's")
        refused = fork(bucket, "-to", FORK, "-o", elsewhere)
        assert refused.returncode == 5 and name in refused.stderr and "-to" in refused.stderr, refused
        assert {p.name: p.read_bytes() for p in elsewhere.iterdir()} == {name: b"somebody's"}
        (elsewhere / name).unlink()

    # Somebody's backup: nothing is restored beside it unless that is asked for.
    assert fork(bucket, "-to", FORK, "-watch-dir", clients).returncode == 0
    manager.wait_stored([SOURCE, FORK])
    (clients / f"{FORK}.db").unlink()
    (clients / f"{FORK}.db-wal").unlink(missing_ok=True)
    (clients / f"{FORK}.db-shm").unlink(missing_ok=True)
    wait_until(lambda: manager.state(FORK) == "removed", 20, "the daemon sees that the fork is gone")
    before = bucket.ltx_objects(FORK)
    source.execute("INSERT INTO t(body) VALUES('newer')")
    manager.wait_stored([SOURCE])
    for spelling in (FORK, FORK.upper()):
        refused = fork(bucket, "-to", spelling, "-watch-dir", clients)
        assert refused.returncode == 5 and "-onto-backup" in refused.stderr, refused
    assert not list(clients.glob(f"{FORK}*"))
    allowed = fork(bucket, "-to", FORK, "-watch-dir", clients, "-onto-backup")
    assert allowed.returncode == 0, allowed.stderr
    manager.wait_state(FORK, "live", "idle")
    manager.wait_stored([SOURCE, FORK])
    manager.stop()
    check_nothing_rewritten(before, bucket.ltx_objects(FORK))
    assert {o.key for o in before} < {o.key for o in bucket.ltx_objects(FORK)}
    assert not differing_pages(consistent_copy(clients / f"{SOURCE}.db", folder / "source.db"),
                               litestream_restore(bucket, FORK, folder / "fork.db"))


def test_what_a_fork_cannot_be_is_told_before_anything_is_asked(file_bucket, folder):
    for arguments, word in ((("-o", folder), "-to is missing"), (("-to", "acme", "-o", folder), "no GUID"),
                            (("-to", FORK), "-watch-dir is missing"), (("-to", SOURCE.upper(), "-o", folder), "itself"),
                            (("-to", FORK, "-o", folder / "copy.db"), f"call it {FORK}.db"),
                            (("-to", FORK, "-o", folder, "-txid", 1, "-at", "-1h"), "exclude")):
        refused = fork(file_bucket, *arguments)
        assert refused.returncode == 2 and word in refused.stderr, refused
    missing = fork(file_bucket, "-to", FORK, "-o", folder)
    assert missing.returncode == 3 and SOURCE in missing.stderr, missing
    assert not list(folder.glob("*.db*"))
