"""An audit compares bucket and records: what is lost, broken, different, of others; and has the records mended."""

import json

import pytest

from harness.load import client_id
from harness.manager import run_manager
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
