"""Drills: what is wrong with a backup is found and named, while the daemon runs and the database is live."""

import json
import os
import sqlite3

import pytest

from harness.load import client_id
from harness.manager import run_manager
from harness.wait import wait_until

BOTH = pytest.mark.parametrize("bucket", ["s3", "file"], indirect=True)


def put(bucket, key, body):
    bucket.client.put(bucket.name, key, body) if bucket.kind == "s3" else (bucket.root / key).write_bytes(body)


def remove(bucket, key):
    bucket.client.request("DELETE", f"/{bucket.name}/{key}") if bucket.kind == "s3" else (bucket.root / key).unlink()


class Drill:
    def __init__(self, bucket, manager, database):
        self.bucket, self.manager, self.database = bucket, manager, database

    def verify(self, *arguments):
        return run_manager("verify", *(arguments or [client_id(1)]), "-state-dir", str(self.manager.state_dir), "-json",
                           *self.bucket.manager_arguments(), bucket=self.bucket)

    def expect(self, code, verdict, key, text):
        done = self.verify()
        assert done.returncode == code, done
        result = json.loads(done.stdout)["results"][0]
        assert result["verdict"] == verdict, result
        assert any(key in finding["object"] + finding["text"] and text in finding["text"]
                   for finding in result["findings"] if finding["verdict"] == verdict), result
        return result


@pytest.fixture
def drill(bucket, clients, make_manager):
    """A live database whose application stays connected, its log full, and a backup of several objects."""
    database = clients / f"{client_id(1)}.db"
    application = sqlite3.connect(database, isolation_level=None)
    application.executescript("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(id INTEGER PRIMARY KEY, body)")
    application.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
                        " INSERT INTO t(body) SELECT randomblob(3900) FROM n")
    manager = make_manager(bucket, arguments=("-sync-interval", "10ms")).start()
    for n in range(4):
        manager.wait_stored([client_id(1)])
        application.execute("UPDATE t SET body = randomblob(3900) WHERE id BETWEEN ? AND ?", (n * 50 + 1, n * 50 + 20))
    manager.wait_stored([client_id(1)])
    yield Drill(bucket, manager, database)
    application.close()


@BOTH
def test_a_whole_backup_of_a_live_database_is_proven_and_remembered(drill):
    def compared():
        done = drill.verify()
        assert done.returncode == 0, done
        result = json.loads(done.stdout)["results"][0]
        assert result["verdict"] == "ok" and result["checksumProven"], result
        assert result["source"] == "equal", result
        return result

    result = wait_until(compared, 10, "the live database holds the same")
    assert int(result["txid"], 16) == drill.manager.client(client_id(1))["txid"]
    kept = sqlite3.connect(f"file:{drill.manager.state_dir}/verifications.db?mode=ro", uri=True)
    assert kept.execute("SELECT client, verdict, txid, source FROM verifications ORDER BY at_ms DESC LIMIT 1").fetchone() == (
        client_id(1), 0, int(result["txid"], 16), 1)
    kept.close()
    for arguments in (["-all"], ["-sample", "1%"], [client_id(1), "-integrity-check", "full"]):
        done = drill.verify(*arguments)
        assert done.returncode == 0 and json.loads(done.stdout)["ok"] == 1, done


@BOTH
def test_every_kind_of_damage_is_found_and_named(drill):
    objects = [o for o in drill.bucket.ltx_objects(client_id(1)) if o.level == 0]
    assert len(objects) >= 5
    victim, newest = objects[2], objects[-1]
    content = drill.bucket.read(victim.key)
    middle = len(content) // 2

    remove(drill.bucket, victim.key)
    drill.expect(4, "failure", victim.key, "is missing")
    put(drill.bucket, victim.key, content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1:])
    drill.expect(4, "failure", victim.key, "")
    put(drill.bucket, victim.key, content[:middle])
    drill.expect(4, "failure", victim.key, "truncated")
    put(drill.bucket, victim.key, content)
    assert drill.verify().returncode == 0

    newest_content = drill.bucket.read(newest.key)
    remove(drill.bucket, newest.key)
    drill.expect(4, "failure", newest.key, "is missing")
    put(drill.bucket, newest.key, newest_content)
    assert drill.verify().returncode == 0


@BOTH
def test_an_object_of_another_history_is_found(drill, clients, folder, make_manager):
    """The same client as another host would have stored it: whole objects under the same keys."""
    other_clients = folder / "other-clients"
    other_clients.mkdir()
    database = sqlite3.connect(other_clients / drill.database.name, isolation_level=None)
    database.executescript("PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, body)")
    other_bucket = type(drill.bucket)(folder / "other-bucket") if drill.bucket.kind == "file" else type(drill.bucket)(
        drill.bucket.account, drill.bucket.name + "-other")
    other_bucket.create()
    other = make_manager(other_bucket, watch_dirs=[other_clients], name="other",
                         arguments=("-sync-interval", "10ms")).start()
    for n in range(4):
        other.wait_stored([client_id(1)])
        database.execute("INSERT INTO t(body) VALUES(randomblob(100))")
    other.wait_stored([client_id(1)])
    other.stop()
    database.close()
    victim = [o for o in drill.bucket.ltx_objects(client_id(1)) if o.level == 0][3]
    twin = next(o for o in other_bucket.ltx_objects(client_id(1)) if (o.level, o.min_txid) == (0, victim.min_txid))
    put(drill.bucket, victim.key, other_bucket.read(twin.key))
    drill.expect(4, "failure", victim.key, "")


@BOTH
def test_a_live_database_that_diverged_is_told_apart_from_its_backup(drill, folder):
    """A disk that turns a bit changes no time of the file, and no event tells of it."""
    drill.manager.stop()
    wal = drill.database.with_name(drill.database.name + "-wal")
    application = sqlite3.connect(drill.database, isolation_level=None)
    application.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    application.close()
    drill.manager.start()
    drill.manager.wait_stored([client_id(1)])
    drill.manager.stop()
    before = os.stat(drill.database)
    with drill.database.open("r+b") as file:
        file.seek(50_000)
        byte = file.read(1)[0]
        file.seek(50_000)
        file.write(bytes([byte ^ 1]))
    day_before = before.st_mtime_ns - 86_400 * 10**9
    os.utime(drill.database, ns=(day_before, day_before))
    os.utime(wal, ns=(day_before, day_before))
    result = drill.expect(4, "failure", str(drill.database), "The backup is whole")
    assert result["source"] == "differs" and result["checksumProven"]


@BOTH
def test_a_bucket_that_is_away_gives_no_verdict_and_no_alarm(drill):
    if drill.bucket.kind == "s3":
        done = run_manager("verify", client_id(1), "-bucket", drill.bucket.name + "-away", "-endpoint",
                           drill.bucket.endpoint, bucket=drill.bucket, timeout=120)
    else:
        done = run_manager("verify", client_id(1), "-bucket", f"file://{drill.bucket.root}/away")
    assert done.returncode in (1, 2, 3) and not done.stdout, done


@pytest.mark.parametrize("bucket", ["file"], indirect=True)
def test_the_daemon_verifies_by_itself_and_says_what_it_found(bucket, clients, make_manager):
    database = sqlite3.connect(clients / f"{client_id(1)}.db", isolation_level=None)
    database.executescript("PRAGMA journal_mode=WAL; CREATE TABLE t(x); INSERT INTO t VALUES(randomblob(50000))")
    manager = make_manager(bucket, arguments=("-verify-every", "100ms")).start()
    manager.wait_stored([client_id(1)])

    def verdict(wanted):
        found = manager.client(client_id(1))["verification"]
        assert found and found["verdict"] == wanted, found
        return found

    good = wait_until(lambda: verdict("ok"), 30, "a good verdict")
    assert good["txid"] == manager.client(client_id(1))["txid"]
    wait_until(lambda: manager.client(client_id(1))["verification"]["sourceEqual"], 30, "the live database was compared")
    victim = bucket.ltx_objects(client_id(1))[0].key
    remove(bucket, victim)
    # One that was under way may have listed the object and not found it any more.
    bad = wait_until(lambda: (found := verdict("failure"))["object"] == victim and found, 30, "a bad verdict")
    assert "is missing" in bad["text"]
    assert any(victim in notice for notice in manager.status()["notices"])
    assert manager.metrics()['litestream_manager_verified_clients{verdict="failure"}'] == 1
    assert not bucket.ltx_objects(client_id(1)), "nothing is repaired behind the operator's back"
    database.close()


@BOTH
def test_a_bucket_without_any_backup_is_not_a_fleet_that_is_well(bucket):
    for arguments in (["-all"], ["-sample", "10%"]):
        done = run_manager("verify", *arguments, "-json", *bucket.manager_arguments(), bucket=bucket)
        assert done.returncode == 3 and "no backup of a client" in done.stderr and done.stdout == "", done
