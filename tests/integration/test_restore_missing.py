"""A daemon that brings back what the bucket has and the disk has not, and tenants that move from host to host."""

import filecmp
import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from harness.compare import check_same_database, consistent_copy, differing_pages
from harness.load import client_id
from harness.manager import run_manager
from harness.restore import litestream_restore, manager_restore
from harness.store import FileBucket, check_whole_history
from harness.wait import wait_until

BOTH_STORES = pytest.mark.parametrize("bucket", ["s3", "file"], indirect=True)
BACK = re.compile(r"missing databases are back restored=(\d+) failed=(\d+) removed_on_purpose=(\d+) elsewhere=(\d+)")


def make_database(path, kilobytes=200):
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(f"PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, body);"
                             f"INSERT INTO t(body) VALUES(randomblob({kilobytes * 1000}))")
    connection.close()


def commit(path, text):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("INSERT INTO t(body) VALUES(?)", (text,))
    connection.close()


def wait_back(manager):
    """(restored, failed, removed on purpose, elsewhere)"""
    found = wait_until(lambda: BACK.search(manager.log_text()), 60, f"missing databases are back, log {manager.log}")
    return tuple(map(int, found.groups()))


def sizes(bucket, ids):
    return {o.key: o.size for client in ids for o in bucket.ltx_objects(client)}


def damage(bucket, key):
    body = bytearray(bucket.read(key))
    body[len(body) // 2] ^= 1
    if isinstance(bucket, FileBucket):
        (bucket.root / key).write_bytes(body)
    else:
        bucket.client.put(bucket.name, key, bytes(body))


def check_restores_to(bucket, client, live, folder):
    folder.mkdir(exist_ok=True)
    check_same_database(live, litestream_restore(bucket, client, folder / f"{client}.litestream.db"))
    check_same_database(live, manager_restore(bucket, client, folder / f"{client}.manager.db"))


@BOTH_STORES
def test_a_lost_host_comes_back_by_one_flag_and_goes_on_with_small_uploads(bucket, clients, folder, make_manager):
    ids = [client_id(n) for n in range(1, 21)]
    for number, client in enumerate(ids):
        make_database(clients / ("acme" if number % 2 else ".") / f"{client}.db")
    manager = make_manager(bucket).start()
    manager.wait_stored(ids)
    for client in ids:
        commit(next(clients.rglob(f"{client}.db")), "second")
    before_end = manager.wait_stored(ids)
    manager.stop()
    stored = sizes(bucket, ids)
    saved = {client: consistent_copy(next(clients.rglob(f"{client}.db")), folder / f"{client}.copy.db") for client in ids}
    shutil.rmtree(clients)
    shutil.rmtree(folder / "manager-state")

    fresh = folder / "new-host"
    fresh.mkdir()
    shutil.chown(fresh, "nobody", "nogroup")
    heir = make_manager(bucket, watch_dirs=[fresh], name="heir", arguments=("-restore-missing",)).start()
    assert wait_back(heir) == (20, 0, 0, 0)
    wait_until(lambda: len(heir.clients()) == 20, 20, "all are found")
    after = heir.wait_stored(ids)
    assert {c: after[c]["txid"] for c in ids} == {c: before_end[c]["txid"] for c in ids}
    for client in ids:
        assert filecmp.cmp(saved[client], fresh / f"{client}.db", shallow=False)
        assert (fresh / f"{client}.db").owner() == "nobody", "an application that owns the directory may write"
    assert sizes(bucket, ids) == stored, "nothing is uploaded again"
    assert heir.counters()["uploadBytes"] == 0

    for client in ids:
        commit(fresh / f"{client}.db", "third")
    heir.wait_stored(ids)
    heir.stop()
    new = {key: size for key, size in sizes(bucket, ids).items() if key not in stored}
    print(f"{sum(stored.values())} bytes were stored; 20 commits after the loss uploaded {sum(new.values())}")
    assert len(new) == 20 and sum(new.values()) < sum(stored.values()) / 20
    for client in ids[:2]:
        check_whole_history(bucket.ltx_objects(client))
        check_restores_to(bucket, client, consistent_copy(fresh / f"{client}.db", folder / "live.db"), folder / "restored")


@BOTH_STORES
def test_what_is_there_stays_and_one_that_fails_keeps_nobody_back(bucket, clients, folder, make_manager):
    lost, damaged, taken, kept, moved_tree = ids = [client_id(n) for n in range(1, 6)]
    for client in ids[:4]:
        make_database(clients / f"{client}.db")
    make_database(clients / "acme" / f"{moved_tree}.db")
    manager = make_manager(bucket).start()
    manager.wait_stored(ids)
    expected = {c: consistent_copy(next(clients.rglob(f"{c}.db")), folder / f"{c}.copy.db") for c in ids}
    # Taken away while the daemon looks on: somebody wanted that. A whole directory may be a disk that is gone.
    (clients / f"{taken}.db").unlink()
    shutil.move(clients / "acme", folder / "acme-is-gone")
    wait_until(lambda: manager.state(taken) == manager.state(moved_tree) == "removed", 20, "both are gone")
    manager.stop()
    (clients / f"{lost}.db").unlink()
    (clients / f"{damaged}.db").unlink()
    damage(bucket, bucket.ltx_objects(damaged)[0].key)
    commit(clients / f"{kept}.db", "while the daemon was down")

    # Without the flag nothing comes back.
    manager.start()
    manager.wait_stored([kept])
    manager.stop()
    assert {p.name for p in clients.rglob("*.db")} == {f"{kept}.db"}

    manager.arguments = ("-restore-missing",)
    manager.start()
    assert wait_back(manager) == (2, 1, 1, 0)
    manager.wait_stored([lost, kept, moved_tree])
    assert {str(p.relative_to(clients)) for p in clients.rglob("*.db*")} >= {f"{lost}.db", f"acme/{moved_tree}.db"}
    assert not differing_pages(expected[lost], clients / f"{lost}.db")
    assert not differing_pages(expected[moved_tree], clients / "acme" / f"{moved_tree}.db")
    assert not (clients / f"{damaged}.db").exists() and not (clients / f"{taken}.db").exists()
    rows = sqlite3.connect(clients / f"{kept}.db").execute("SELECT count(*) FROM t WHERE body = 'while the daemon was down'")
    assert rows.fetchone() == (1,)
    notice = next(n for n in manager.status()["notices"] if "missing" in n)
    assert damaged in notice and "1 of 3" in notice

    # What the operator brings back by hand is a client again, and would be missed again.
    manager_restore(bucket, taken, clients / f"{taken}.db")
    manager.wait_stored([taken])
    manager.stop()
    (clients / f"{taken}.db").unlink()
    manager.start()
    assert wait_back(manager) == (1, 1, 0, 0)
    assert not differing_pages(expected[taken], clients / f"{taken}.db")
    manager.stop()


@pytest.mark.parametrize("bucket", ["s3"], indirect=True)
def test_a_store_that_is_away_is_waited_for(fragile_bucket, bucket, recorder, clients, folder, make_manager):
    make_database(clients / f"{client_id(1)}.db")
    manager = make_manager(fragile_bucket).start()
    manager.wait_stored([client_id(1)])
    manager.stop()
    (clients / f"{client_id(1)}.db").unlink()
    recorder.set_mode("refuse")
    manager.arguments = ("-restore-missing",)
    manager.start()
    wait_until(lambda: [n for n in manager.status()["notices"] if "cannot be looked for" in n], 120, "the trouble is told")
    recorder.set_mode("pass")
    assert wait_back(manager) == (1, 0, 0, 0)
    wait_until(lambda: not [n for n in manager.status()["notices"] if "issing databases" in n], 20, "the notice is gone")
    manager.stop()


def move_by_restore(bucket, client, old: Path, new: Path):
    manager_restore(bucket, client, new)
    for part in old.parent.glob(f"{client}.db*"):
        part.unlink()


def move_by_copy(bucket, client, old: Path, new: Path):
    shutil.copyfile(old, new)
    for part in old.parent.glob(f"{client}.db*"):
        part.unlink()


def copy_with_its_log(bucket, client, old: Path, new: Path):
    for part in old.parent.glob(f"{client}.db*"):
        shutil.copyfile(part, new.parent / part.name)
        part.unlink()


@BOTH_STORES
@pytest.mark.parametrize("move", [move_by_restore, move_by_copy, copy_with_its_log])
def test_a_tenant_that_moves_goes_on_there_without_a_new_upload(bucket, move, clients, folder, make_manager):
    client, stays = client_id(1), client_id(2)
    old, there = clients / f"{client}.db", folder / "host-b"
    there.mkdir()
    new = there / f"{client}.db"
    make_database(old)
    make_database(clients / f"{stays}.db")
    here = make_manager(bucket, name="host-a").start()
    here.wait_stored([client, stays])
    application = sqlite3.connect(old, isolation_level=None)
    application.execute("INSERT INTO t(body) VALUES('last on the old host')")
    txid = here.wait_stored([client])[client]["txid"]
    if move is copy_with_its_log:  # of an application that was killed: the log holds what the file does not
        parts = {p: p.read_bytes() for p in clients.glob(f"{client}.db*") if not p.name.endswith("-shm")}
        application.close()
        here.wait_stored([client])
        here.stop()
        for path, content in parts.items():
            path.write_bytes(content)
    else:
        application.close()
        here.wait_stored([client])
    before = consistent_copy(old, folder / "before.db")
    stored = sizes(bucket, [client])
    move(bucket, client, old, new)

    beyond = make_manager(bucket, watch_dirs=[there], name="host-b").start()
    assert beyond.wait_stored([client])[client]["txid"] == txid
    assert sizes(bucket, [client]) == stored, "nothing is uploaded again"
    check_same_database(before, consistent_copy(new, folder / "after.db"))
    commit(new, "first on the new host")
    assert beyond.wait_stored([client])[client]["txid"] == txid + 1
    added = {k: s for k, s in sizes(bucket, [client]).items() if k not in stored}
    assert len(added) == 1 and sum(added.values()) < sum(stored.values()) / 10

    # The old host goes on with what it kept, and does not take the tenant back.
    if here.running():
        commit(clients / f"{stays}.db", "still here")
        here.wait_stored([stays])
        here.stop()
    here.arguments = ("-restore-missing",)
    here.start()
    assert wait_back(here)[0] == 0
    here.wait_stored([stays])
    assert not old.exists()
    here.stop()
    beyond.stop()
    check_restores_to(bucket, client, consistent_copy(new, folder / "live.db"), folder / "restored")
