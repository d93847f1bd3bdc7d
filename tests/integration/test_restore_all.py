"""The loss of a host: a thousand clients come back by one command, and go on there."""

import datetime
import filecmp
import json
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest

from harness.compare import differing_pages
from harness.load import client_id
from harness.manager import run_manager
from harness.settings import clean_environment, manager_binary
from harness.wait import wait_until

CLIENTS = 1000


@pytest.fixture
def fleet(clients, folder):
    """Databases that differ, and are closed: their files are what has to come back."""
    template = folder / "template.db"
    connection = sqlite3.connect(template, isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; CREATE TABLE t(id INTEGER PRIMARY KEY, body);"
                             "INSERT INTO t(body) VALUES(randomblob(20000))")
    connection.close()
    for number in range(1, CLIENTS + 1):
        database = clients / f"{client_id(number)}.db"
        shutil.copyfile(template, database)
        connection = sqlite3.connect(database, isolation_level=None)
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("INSERT INTO t(body) VALUES(randomblob(?))", (number % 50 * 400,))
        connection.close()
    return [client_id(number) for number in range(1, CLIENTS + 1)]


def restore_all(bucket, output, *arguments):
    return run_manager("restore-all", "-o", str(output), *bucket.manager_arguments(), "-json", *arguments, bucket=bucket,
                       timeout=120)


@pytest.mark.parametrize("bucket", ["s3"], indirect=True)
def test_a_thousand_clients_come_back_file_by_file_and_go_on_elsewhere(bucket, clients, fleet, folder, make_manager):
    manager = make_manager(bucket).start()
    manager.wait_stored(fleet, timeout=120)
    manager.stop()

    # Interrupted, and gone on with.
    output = folder / "new-host"
    command = [str(manager_binary()), "restore-all", "-o", str(output), *bucket.manager_arguments()]
    first = subprocess.Popen(command, env=clean_environment() | bucket.environment(), stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    wait_until(lambda: output.exists() and len(list(output.glob("*.db"))) > 50, 60, "some files", 0.01)
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 1
    assert not list(output.glob("*.tmp-*"))
    there = len(list(output.glob("*.db")))
    refused = restore_all(bucket, output)
    assert refused.returncode == 5, refused.stderr
    shutil.rmtree(output)

    planned = restore_all(bucket, output, "-dry-run")
    assert planned.returncode == 0 and not output.exists(), planned.stderr
    plan = json.loads(planned.stdout)
    assert (plan["clients"], plan["toRestore"], plan["filesExist"], plan["withoutPlan"]) == (CLIENTS, CLIENTS, 0, [])

    begun = time.monotonic()
    done = restore_all(bucket, output)
    print(f"{CLIENTS} clients in {time.monotonic() - begun:.1f} s; interrupted at {there}")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    report = json.loads(done.stdout)
    assert (report["clients"], report["restored"], report["failed"]) == (CLIENTS, CLIENTS, 0)
    assert all(result["checksumProven"] for result in report["results"])
    # A few plans stood for all; these clients are all alike.
    assert report["fetchedBytes"] * 0.9 < plan["readBytes"] < report["fetchedBytes"] * 1.1
    assert plan["estimatedSeconds"] > 0 and plan["estimatedRequestCost"] > 0
    names = sorted(path.name for path in output.iterdir())
    assert names == sorted(f"{client}.db" for client in fleet)
    different = [name for name in names if not filecmp.cmp(clients / name, output / name, shallow=False)]
    assert not different

    # What is missing is restored, what is there is left as it is.
    (output / names[0]).unlink()
    plan = json.loads(restore_all(bucket, output, "-resume", "-dry-run").stdout)
    assert (plan["toRestore"], plan["filesExist"]) == (1, CLIENTS - 1)
    (output / names[1]).write_bytes(b"the operator's own")
    done = restore_all(bucket, output, "-resume")
    report = json.loads(done.stdout)
    assert (done.returncode, report["restored"], report["alreadyThere"]) == (0, 1, CLIENTS - 1)
    assert (output / names[1]).read_bytes() == b"the operator's own"
    shutil.copyfile(clients / names[1], output / names[1])

    # Tenants that moved: the same history goes on, and nothing is uploaded again.
    objects = set(bucket.keys())
    moved = make_manager(bucket, watch_dirs=[output], name="moved").start()
    moved.wait_stored(fleet, timeout=120)
    assert set(bucket.keys()) == objects
    database = sqlite3.connect(output / names[0], isolation_level=None)
    database.execute("INSERT INTO t(body) VALUES('moved')")
    database.close()
    moved.wait_stored(fleet)
    moved.stop()
    new = set(bucket.keys()) - objects
    assert len(new) == 1, new
    assert new.pop().endswith("0000/0000000000000002-0000000000000002.ltx")


@pytest.mark.parametrize("bucket", ["s3", "file"], indirect=True)
def test_one_that_is_damaged_does_not_keep_the_others_back(bucket, clients, folder, make_manager):
    ids = [client_id(number) for number in range(1, 6)]
    for number, client in enumerate(ids):
        database = sqlite3.connect(clients / f"{client}.db", isolation_level=None)
        database.executescript(f"PRAGMA journal_mode=WAL; CREATE TABLE t(x); INSERT INTO t VALUES({number}), (randomblob(9000))")
        database.close()
    manager = make_manager(bucket).start()
    manager.wait_stored(ids)
    manager.stop()
    victim = bucket.ltx_objects(ids[2])[0].key
    body = bucket.read(victim)
    damaged = body[:200] + bytes([body[200] ^ 1]) + body[201:]
    if bucket.kind == "s3":
        bucket.client.put(bucket.name, victim, damaged)
    else:
        (bucket.root / victim).write_bytes(damaged)
    done = restore_all(bucket, folder / "out")
    report = json.loads(done.stdout)
    assert (done.returncode, report["restored"], report["failed"]) == (4, 4, 1)
    failed = next(result for result in report["results"] if result["status"] == "failed")
    assert failed["client"] == ids[2] and victim in failed["error"]
    for client in ids:
        if client != ids[2]:
            assert not differing_pages(clients / f"{client}.db", folder / "out" / f"{client}.db")
    assert not (folder / "out" / f"{ids[2]}.db").exists()
    chosen = restore_all(bucket, folder / "chosen", "-match", "*0" + ids[0][-1])
    assert json.loads(chosen.stdout)["restored"] == 1, chosen
    nothing = restore_all(bucket, folder / "past", "-at", "2020-01-01")
    assert (nothing.returncode, json.loads(nothing.stdout)["noState"]) == (3, 5)


@pytest.mark.parametrize("bucket", ["s3", "file"], indirect=True)
def test_a_client_that_lost_its_state_is_not_one_that_had_none_yet(bucket, clients, folder, make_manager):
    whole, baseless, gapped, later = ids = [client_id(number) for number in range(1, 5)]

    def write(client, sql):
        database = sqlite3.connect(clients / f"{client}.db", isolation_level=None)
        database.executescript(sql)
        database.close()

    def lose(client, place):
        victim = bucket.ltx_objects(client)[place].key
        if bucket.kind == "s3":
            bucket.client.request("DELETE", f"/{bucket.name}/{victim}")
        else:
            (bucket.root / victim).unlink()

    manager = make_manager(bucket).start()
    for client in ids[:3]:
        write(client, "PRAGMA journal_mode=WAL; CREATE TABLE t(x); INSERT INTO t VALUES(1)")
    manager.wait_stored(ids[:3])
    for number in range(3):
        for client in ids[:3]:
            write(client, f"INSERT INTO t VALUES({number})")
        manager.wait_stored(ids[:3])
    time.sleep(1.1)  # times are told in whole seconds
    at = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
    time.sleep(0.1)
    write(later, "PRAGMA journal_mode=WAL; CREATE TABLE t(x)")
    manager.wait_stored([later])
    manager.stop()
    lose(baseless, 0)
    lose(gapped, 1)

    done = restore_all(bucket, folder / "out", "-at", at)
    report = json.loads(done.stdout)
    assert (done.returncode, report["restored"], report["noState"], report["failed"]) == (4, 1, 1, 2), report
    status = {result["client"]: result["status"] for result in report["results"]}
    assert status == {whole: "restored", baseless: "failed", gapped: "failed", later: "no state at that time"}
    error = {result["client"]: result.get("error") for result in report["results"]}
    assert "but not those that they build on" in error[baseless]
    assert "has a gap after TXID 0000000000000001" in error[gapped]
    assert sorted(path.name for path in (folder / "out").iterdir()) == [f"{whole}.db"]

    # As text, and where nothing but the base is lost.
    told = run_manager("restore-all", "-o", str(folder / "told"), *bucket.manager_arguments(), "-at", at, "-match", baseless,
                       bucket=bucket, timeout=120)
    assert told.returncode == 1, told
    assert f"{baseless}  failed: " in told.stdout
    assert "no state at that time" not in told.stdout
