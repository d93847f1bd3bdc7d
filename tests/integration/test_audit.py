"""An audit compares bucket and records: what is lost, broken, different, of others; and has the records mended. The daemon
does it by itself, and has its clients make good what restores need."""

import json

import pytest

from harness.compare import check_same_database, consistent_copy
from harness.load import client_id
from harness.manager import run_manager
from harness.restore import restore_all_both_ways
from harness.store import delete, put
from harness.wait import wait_until

GONE, DIFFERENT, BROKEN, LOST, FINE = range(1, 6)


def audit(bucket, manager, clients, *arguments):
    done = run_manager("audit", "-json", "-watch-dir", str(clients), "-state-dir", str(manager.state_dir),
                       *bucket.manager_arguments(), *arguments, bucket=bucket)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("bucket", ["file"], indirect=True)
def test_lost_broken_different_and_foreign_things_are_named_and_records_mended(bucket, clients, make_manager,
                                                                               make_application):
    applications = {number: make_application(number) for number in (GONE, DIFFERENT, BROKEN, LOST, FINE)}
    manager = make_manager(bucket, arguments=("-sync-interval", "1ms")).start()
    for _ in range(4):
        for application in applications.values():
            application.write(2)
        manager.wait_stored([a.client_id for a in applications.values()])
    code, report = audit(bucket, manager, clients)
    assert code == 0 and report["ok"] and report["clients"] == 5 and report["gone"] == report["unknown"] == [], report
    assert report["objects"] == len(bucket.keys())

    def path(number, txid):
        return bucket.root / "databases" / client_id(number) / "ltx" / "0" / f"{txid:016x}-{txid:016x}.ltx"

    applications[GONE].database.unlink()
    wait_until(lambda: manager.state(client_id(GONE)) == "removed", timeout=20, what="the database to be seen as gone")
    newest = len(bucket.ltx_objects(client_id(DIFFERENT)))
    # A snapshot that no record knows, and which makes the first object superfluous: it can be restored, but otherwise.
    snapshot = bucket.root / "databases" / client_id(DIFFERENT) / "ltx" / "9" / f"{1:016x}-{1:016x}.ltx"
    snapshot.parent.mkdir()
    path(DIFFERENT, 1).rename(snapshot)
    path(BROKEN, 2).unlink()
    for file in (bucket.root / "databases" / client_id(LOST)).rglob("*.ltx"):
        file.unlink()
    (bucket.root / "databases" / "notes.txt").write_text("x")
    stranger = bucket.root / "databases" / client_id(99) / "ltx" / "0"
    stranger.mkdir(parents=True)
    (stranger / path(FINE, 1).name).write_bytes(path(FINE, 1).read_bytes())

    code, report = audit(bucket, manager, clients)
    assert code == 4 and not report["ok"]
    assert report["lost"] == [client_id(LOST)] and report["broken"] == [client_id(BROKEN)]
    assert [p["id"] for p in report["gone"]] == [client_id(GONE)] and [p["id"] for p in report["unknown"]] == [client_id(99)]
    assert report["foreign"] == {"count": 1, "keys": ["databases/notes.txt"]}
    different = {d["id"]: d for d in report["different"]}
    assert different.keys() == {client_id(DIFFERENT), client_id(BROKEN), client_id(LOST)}
    moved = different[client_id(DIFFERENT)]
    assert [m["level"] for m in moved["missing"]] == [0] and [m["level"] for m in moved["notRecorded"]] == [9]
    assert [int(m["max"], 16) for m in different[client_id(BROKEN)]["missing"]] == [2]

    refused = run_manager("audit", "-repair", "-state-dir", str(manager.state_dir), *bucket.manager_arguments())
    assert refused.returncode == 5 and "Stop it for -repair" in refused.stderr
    assert manager.stop() == 0
    code, report = audit(bucket, manager, clients, "-repair")
    assert code == 4 and all(d["repairAsked"] for d in report["different"])
    again = make_manager(bucket).start()
    for number in (DIFFERENT, BROKEN, LOST):
        applications[number].write(2)
    again.wait_stored([client_id(n) for n in (DIFFERENT, BROKEN, LOST)])

    def mended():
        code, report = audit(bucket, again, clients)
        return code == 0 and report["ok"]

    wait_until(mended, timeout=60, what="records and backups to be whole again")
    assert len(bucket.ltx_objects(client_id(DIFFERENT))) > newest
    assert again.stop() == 0


@pytest.mark.parametrize("bucket", ["s3"], indirect=True)
def test_a_busy_daemon_makes_no_difference(bucket, clients, make_manager, make_application):
    application = make_application(1, rate=80.0)
    manager = make_manager(bucket, arguments=("-sync-interval", "1ms")).start()
    application.start()
    try:
        wait_until(lambda: manager.counters()["merges"] >= 1, timeout=60, what="a merge")
        for _ in range(5):
            code, report = audit(bucket, manager, clients)
            assert code == 0 and report["ok"], report
    finally:
        application.stop()
    assert manager.stop() == 0


BOTH_STORES = pytest.mark.parametrize("bucket", ["s3", "file"], indirect=True)


@BOTH_STORES
def test_a_running_daemon_finds_what_the_bucket_lost_and_makes_it_good_by_itself(bucket, clients, folder, make_manager,
                                                                                 make_application):
    hurt, cut, fine = applications = [make_application(number) for number in (1, 2, 3)]
    manager = make_manager(bucket, arguments=("-sync-interval", "1ms", "-audit-every", "2s"))
    manager.start()
    for _ in range(4):
        for application in applications:
            application.write(2)
        manager.wait_stored([a.client_id for a in applications])
    wait_until(lambda: manager.status()["audit"]["last"], timeout=30, what="an audit")
    assert manager.status()["audit"]["last"]["ok"]
    stored = len(bucket.ltx_objects(fine.client_id))

    lost = next(o for o in bucket.ltx_objects(hurt.client_id) if o.level == 0 and o.max_txid == 2)
    delete(bucket, lost.key)
    damaged = next(o for o in bucket.ltx_objects(cut.client_id) if o.level == 0 and o.max_txid == 1)
    put(bucket, damaged.key, bucket.read(damaged.key)[:100])
    put(bucket, "databases/notes.txt", b"x")
    put(bucket, damaged.key.replace(cut.client_id, client_id(99)), b"x")
    wait_until(lambda: manager.counters()["repairedChains"] == 2, timeout=60, what="both to be noticed")
    wait_until(lambda: (last := manager.status()["audit"]["last"])["ok"] and last["foreign"]["count"] == 1, timeout=60,
               what="an audit that finds all as it is recorded")
    text = manager.log_text()
    assert f"restore points are lost client={hurt.client_id}" in text, "and it says which"
    assert f"the newest state of a backup cannot be restored client={cut.client_id}" in text
    last = manager.status()["audit"]["last"]
    assert last["unknown"] == {"count": 1, "first": [client_id(99)]}
    assert last["foreign"] == {"count": 1, "first": ["databases/notes.txt"]}
    assert manager.metrics()['litestream_manager_audit_findings{kind="foreign"}'] == 1
    assert manager.status()["bill"]["monthRequestsByPurpose"]["audit"]["list"] > 2
    # Nobody has written anything meanwhile, and nothing was restarted.
    both = restore_all_both_ways(bucket, [a.client_id for a in applications], folder / "restored")
    for application in applications:
        source = consistent_copy(application.database, folder / f"{application.client_id}.source.db")
        for restored in both[application.client_id]:
            check_same_database(source, restored)
    assert len(bucket.ltx_objects(fine.client_id)) == stored, "what was whole is left alone"
    assert "databases/notes.txt" in bucket.keys(), "an audit removes nothing"
    for application in applications:
        application.write(2)
    manager.wait_stored([a.client_id for a in applications])
    assert manager.stop() == 0
