"""Databases on an overlay, as containers have them. Seen from inside it everything is as usual; seen from its upper folder, as
from the host, the applications' locks cannot be seen and their writes make no events. Needs root, to mount one."""

import sqlite3
import subprocess

import pytest

from harness.compare import check_same_database, consistent_copy
from harness.restore import restore_all_both_ways
from harness.wait import let_time_pass, wait_until


@pytest.fixture
def overlay(folder):
    for name in ("lower", "upper", "work", "merged"):
        (folder / name).mkdir()
    options = ",".join(f"{k}dir={folder / k}" for k in ("lower", "upper", "work"))
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(folder / "merged")], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder / "merged")], check=True)


@pytest.mark.parametrize("seen_from", ["merged", "upper"])
def test_a_database_on_an_overlay_is_backed_up_and_left_alone(seen_from, overlay, file_bucket, make_manager, make_application):
    application = make_application(1, inside=overlay / "merged", busy_timeout_ms=0, rate=50.0)
    seen = overlay / seen_from / application.database.name
    manager = make_manager(file_bucket, watch_dirs=[seen.parent]).start()
    application.write(5)
    connection = sqlite3.connect(application.database, timeout=0, isolation_level=None)
    connection.execute("PRAGMA wal_autocheckpoint=20")
    for number in range(100):
        connection.execute("INSERT INTO items(body) VALUES(?)", (f"row {number}" * 100,))
        let_time_pass(0.03)
    log = (overlay / "merged" / f"{application.database.name}-wal").stat().st_ino
    assert connection.execute("SELECT count(*) FROM items").fetchone()[0] == 105

    def everything_is_stored():
        target = overlay / f"at-{manager.client(application.client_id)['txid']}"
        source = consistent_copy(application.database, overlay / "source.db")
        for path in restore_all_both_ways(file_bucket, [application.client_id], target)[application.client_id]:
            check_same_database(source, path)
        return True

    # From outside only the sweep, each 30 s, notices anything.
    wait_until(everything_is_stored, 75, "what the application wrote is backed up while it has the database open", 1)
    assert (overlay / "merged" / f"{application.database.name}-wal").stat().st_ino == log, "the log was taken from the application"
    connection.execute("INSERT INTO items(body) VALUES('last')")
    connection.close()
    assert sorted(p.name for p in (overlay / "merged").iterdir()) == [application.database.name]
    wait_until(everything_is_stored, 75, "the last commit is backed up", 1)
