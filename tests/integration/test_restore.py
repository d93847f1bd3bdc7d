"""Restores of any state, over a network that breaks, throttles, mixes up and damages."""

import collections
import json
import random
import sqlite3
import subprocess

import pytest

from harness.compare import consistent_copy, differing_pages
from harness.load import client_id
from harness.manager import run_manager
from harness.restore import litestream_restore, manager_restore
from harness.settings import clean_environment, manager_binary
from harness.wait import wait_until

MEGABYTES = 6


@pytest.fixture
def states(fragile_bucket, clients, folder, make_manager):
    """Copies of a database as it was at each TXID."""
    database = clients / f"{client_id(1)}.db"
    connection = sqlite3.connect(database, isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, body)")
    connection.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
                       " INSERT INTO t(body) SELECT randomblob(3900) FROM n", (MEGABYTES * 256,))
    manager = make_manager(fragile_bucket).start()
    found = {}
    try:
        for n in range(6):
            txid = manager.wait_stored([client_id(1)])[client_id(1)]["txid"]
            found[txid] = consistent_copy(database, folder / f"state{txid}.db")
            connection.execute("UPDATE t SET body = randomblob(3900) WHERE id BETWEEN ? AND ?", (n * 100 + 1, n * 100 + 400))
        manager.stop()
    finally:
        connection.close()
    return found


def check_restores(bucket, states, folder, number):
    for txid, state in states.items():
        output = folder / f"restored-{number}-{txid}.db"
        manager_restore(bucket, client_id(1), output, txid=txid)
        assert not differing_pages(state, output), f"TXID {txid}"
        output.unlink()


@pytest.mark.parametrize("mode", ["cut", "unavailable", "shuffle"])
def test_every_state_comes_back_over_a_network_that_misbehaves(fragile_bucket, recorder, states, folder, mode):
    recorder.set_mode(mode)
    check_restores(fragile_bucket, states, folder, mode)
    if mode == "cut":
        assert recorder.cuts > len(states), "nothing was cut, so nothing was shown"


def test_damage_on_the_wire_is_noticed_and_leaves_no_file(fragile_bucket, recorder, states, folder):
    recorder.set_mode("damage")
    done = run_manager("restore", client_id(1), "-o", str(folder / "out.db"), *fragile_bucket.manager_arguments(),
                       bucket=fragile_bucket)
    assert done.returncode == 4, done
    assert "0000/" in done.stderr, "the object is named"
    assert not list(folder.glob("out.db*"))
    recorder.set_mode("pass")
    manager_restore(fragile_bucket, client_id(1), folder / "out.db")


def test_points_and_dry_run_tell_what_a_restore_then_does(fragile_bucket, recorder, states, folder):
    where = [client_id(1), *fragile_bucket.manager_arguments(), "-json"]
    points = json.loads(run_manager("points", *where, bucket=fragile_bucket).stdout)
    listed = [int(point["txid"], 16) for point in points["points"]]
    assert points["count"] == len(listed) and set(states) <= set(listed)
    for point in random.Random(1).sample(points["points"], 2):
        plan = json.loads(run_manager("restore", *where, "-dry-run", "-txid", point["txid"], "-price-get=2", "-price-list=3",
                                      "-price-head=5", "-price-download=7", bucket=fragile_bucket).stdout)
        before = len(recorder.requests)
        output = folder / f"{point['txid']}.db"
        report = json.loads(run_manager("restore", *where, "-o", str(output), "-txid", point["txid"],
                                        bucket=fragile_bucket).stdout)
        assert (plan["txid"], plan["readBytes"]) == (report["txid"], report["fetchedBytes"])
        assert report["checksumProven"]
        kinds = collections.Counter("LIST" if "list-type=2" in r.target else r.method for r in recorder.requests[before:])
        assert kinds == {"GET": plan["requests"], "LIST": plan["listRequests"]}
        assert plan["estimatedRequestCost"] == pytest.approx((plan["requests"] * 2 + plan["listRequests"] * 3) / 1000)
        assert plan["estimatedTrafficCost"] == pytest.approx(plan["readBytes"] / 2**30 * 7)
        # Loopback on a machine that does other things, too: the right order of magnitude.
        assert 0 < plan["measuredByReadingBytes"] <= 5 << 20 and plan["measuredBytesPerSecond"] > 1e6
        assert plan["estimatedSeconds"] < report["seconds"] * 10 + 1
    shown = run_manager("restore", client_id(1), *fragile_bucket.manager_arguments(), "-dry-run", bucket=fragile_bucket).stdout
    assert "ms an answer" in shown and "nothing for traffic (-price-download is 0" in shown, shown


def test_a_restore_by_time_is_litestreams(fragile_bucket, states, folder):
    points = json.loads(run_manager("points", client_id(1), *fragile_bucket.manager_arguments(), "-json",
                                    bucket=fragile_bucket).stdout)["points"]
    for number, point in enumerate(points[1:]):
        ours, theirs = folder / f"ours{number}.db", folder / f"theirs{number}.db"
        manager_restore(fragile_bucket, client_id(1), ours, timestamp=point["time"])
        litestream_restore(fragile_bucket, client_id(1), theirs, timestamp=point["time"])
        assert not differing_pages(theirs, ours), point


def test_a_killed_restore_goes_on_where_it_was(fragile_bucket, recorder, clients, folder, make_manager):
    database = clients / f"{client_id(1)}.db"
    connection = sqlite3.connect(database, isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, body)")
    connection.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)"
                       " INSERT INTO t(body) SELECT randomblob(4000000) FROM n")
    manager = make_manager(fragile_bucket).start()
    manager.wait_stored([client_id(1)])
    manager.stop()
    connection.close()
    output = folder / "out.db"
    command = [str(manager_binary()), "restore", client_id(1), "-o", str(output), *fragile_bucket.manager_arguments()]
    recorder.set_mode("shuffle")  # slow enough to be caught
    restoring = subprocess.Popen(command, env=clean_environment() | fragile_bucket.environment(),
                                 stderr=subprocess.DEVNULL)
    wait_until(lambda: (folder / "out.db.restoring").exists(), 60, "the first record of what is there", 0.01)
    restoring.kill()
    restoring.wait()
    assert not output.exists()
    recorder.set_mode("pass")
    done = run_manager(*command[1:], "-json", bucket=fragile_bucket)
    report = json.loads(done.stdout)
    assert report["resumedBytes"] >= 60_000_000 and report["fetchedBytes"] < 110_000_000
    assert report["checksumProven"]
    assert not differing_pages(database, output)
    assert [path.name for path in folder.glob("out.db*")] == ["out.db"]
