"""A database that takes longer to read than its applications leave it alone: it must be backed up all the same."""

import shutil
import sqlite3

import pytest

from harness.compare import chain, check_same_database, consistent_copy
from harness.load import Application, stop_all
from harness.restore import restore_all_both_ways
from harness.store import check_whole_history
from harness.wait import wait_until

BALLAST_BYTES = 200 << 20
LOADS = {
    # Every commit is a life of its own: opened, written, closed, log deleted.
    "last-closes": {"session": "oneshot", "rate": 60.0},
    # Every commit is followed by a restart of the log, which takes the commits before away.
    "restarts": {"after": "restart", "rate": 1e6},
}


def add_ballast(database) -> None:
    connection = sqlite3.connect(database, isolation_level=None)
    connection.executescript("PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=10000; CREATE TABLE ballast(id INTEGER PRIMARY KEY, b)")
    connection.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
                       " INSERT INTO ballast(b) SELECT randomblob(3900) FROM n", (BALLAST_BYTES // 4096,))
    connection.close()


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("bucket", ["s3"], indirect=True)
def test_a_large_database_that_never_rests_gets_its_image_and_its_diff(load, bucket, clients, folder, make_manager,
                                                                      make_application):
    applications: list[Application] = [make_application(1, load, synchronous="NORMAL", seed=n, **LOADS[load]) for n in range(4)]
    first = applications[0]
    first.write(1)
    add_ballast(first.database)
    manager = make_manager(bucket)
    for application in applications:
        application.start()

    manager.start()
    wait_until(lambda: bucket.ltx_objects(first.client_id), 90, "the first image is stored under load", 0.2)
    # What happened while nobody watched is made good by a diff, under the same load.
    before = len(bucket.ltx_objects(first.client_id))
    manager.kill()
    manager.start()
    wait_until(lambda: len(bucket.ltx_objects(first.client_id)) > before, 90, "a diff is stored under load", 0.2)
    assert manager.counters()["images"] == 0, "one of the two objects is the difference to the other"

    reports = stop_all(applications)
    assert not [r["busy_at"] for r in reports if load == "last-closes" and r["busy"]]
    manager.wait_stored([first.client_id], 60)
    wait_until(lambda: not first.database.with_name(first.database.name + "-wal").exists(), 30, "no log is left behind")
    check_whole_history(bucket.ltx_objects(first.client_id))
    source = consistent_copy(first.database, folder / "source.db")
    assert len(chain(source)) == sum(r["transactions"] for a in applications for r in a.reports)
    restored = restore_all_both_ways(bucket, [first.client_id], folder / "restored")
    for path in restored[first.client_id]:
        check_same_database(source, path)
    shutil.rmtree(folder / "restored")
    assert manager.stop() == 0
