"""Many, large and scarce: what one client's load may cost the others, and what a setting of the command line does."""

import os
import shutil
import sqlite3
import time

from harness.compare import check_same_database, consistent_copy
from harness.load import client_id
from harness.process import rss_bytes
from harness.restore import litestream_restore
from harness.wait import let_time_pass, wait_until

BACKLOG_BYTES = 200 << 20
FLEET = 3000


def test_the_sync_interval_of_the_command_line_is_the_least_time_between_two_objects(file_bucket, folder, make_manager,
                                                                                     make_application):
    counts = {}
    for number, interval in ((1, "2s"), (2, "50ms")):
        (folder / interval).mkdir()
        application = make_application(number, inside=folder / interval, rate=40.0)
        application.write(1)
        manager = make_manager(file_bucket, name=interval, watch_dirs=[folder / interval],
                               arguments=("-sync-interval", interval)).start()
        manager.wait_stored([application.client_id])
        before = len(file_bucket.ltx_objects(application.client_id))
        application.start()
        let_time_pass(6)
        counts[interval] = len(file_bucket.ltx_objects(application.client_id)) - before
        application.stop()
        assert manager.stop() == 0
    assert 1 <= counts["2s"] <= 4, counts
    assert counts["50ms"] >= 15, counts


def test_a_backlog_of_some_does_not_keep_the_others_waiting_for_long(file_bucket, clients, folder, make_manager,
                                                                     make_application):
    """As many backlogs as there are workers, so that all of them are taken up with these."""
    busy = [make_application(n) for n in range(1, max(2, os.cpu_count()) + 1)]
    quick = make_application(100)
    for application in (*busy, quick):
        application.write(2)
    manager = make_manager(file_bucket, arguments=("-sync-interval", "20ms")).start()
    ids = [a.client_id for a in (*busy, quick)]
    manager.wait_stored(ids)
    held = sqlite3.connect(quick.database, isolation_level=None)
    held.execute("INSERT INTO items(body) VALUES('open')")
    manager.wait_stored([quick.client_id])
    before = manager.client(quick.client_id)["txid"]
    manager.suspend()
    connections = []
    for application in busy:
        connections.append(sqlite3.connect(application.database, isolation_level=None))
        connections[-1].executescript("PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=OFF")
        for _ in range(BACKLOG_BYTES // (4 << 20)):
            connections[-1].execute("INSERT INTO items(body) VALUES(randomblob(?))", (4 << 20,))
    held.execute("INSERT INTO items(body) VALUES('quick')")
    manager.resume()
    began = time.monotonic()
    wait_until(lambda: manager.client(quick.client_id)["txid"] > before, 30, "the small commit is stored", 0.02)
    waited = time.monotonic() - began
    assert waited < 10, waited  # a step reads and compresses some 100 MB a second and more, also on a busy machine
    for connection in (*connections, held):
        connection.close()
    manager.wait_stored(ids, timeout=120)
    source = consistent_copy(busy[0].database, folder / "source.db")
    check_same_database(source, litestream_restore(file_bucket, busy[0].client_id, folder / "restored.db"))


def test_a_large_fleet_starts_soon_and_small(file_bucket, clients, folder, make_manager, make_application):
    template = make_application(1, inside=folder)
    template.write(5)
    ids = [client_id(n) for n in range(1, FLEET + 1)]
    for name in ids:
        shutil.copyfile(template.database, clients / f"{name}.db")
    manager = make_manager(file_bucket, log_level="info").start(60)
    manager.wait_stored(ids, timeout=120)
    assert manager.stop() == 0
    began = time.monotonic()
    manager.start(60)
    wait_until(lambda: len(manager.clients()) == FLEET, 30, "all are attached", 0.05)
    waited = time.monotonic() - began
    assert waited < 20
    assert rss_bytes(manager.pid) < 64 << 20
    assert manager.counters()["uploads"] == 0
    assert manager.stop() == 0
