"""More live databases than the daemon may have descriptors. It is slower then, and nothing else."""

import os
import resource
import sqlite3

from harness.compare import check_same_database, consistent_copy
from harness.load import client_id
from harness.process import cpu_seconds
from harness.restore import restore_all_both_ways
from harness.wait import let_time_pass, wait_until

LIVE = 60


def limit_descriptors(pid, limit):
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, hard))


def test_more_live_databases_than_descriptors_are_all_stored_in_the_end(file_bucket, clients, folder, make_manager):
    ids = [client_id(n) for n in range(1, LIVE + 1)]
    manager = make_manager(file_bucket).start()
    usual = resource.prlimit(manager.pid, resource.RLIMIT_NOFILE)[0]
    limit_descriptors(manager.pid, len(os.listdir(f"/proc/{manager.pid}/fd")) + 20)
    connections = [sqlite3.connect(clients / f"{name}.db", isolation_level=None) for name in ids]
    for connection in connections:
        connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; CREATE TABLE items(id INTEGER PRIMARY KEY, body);")
    for number in range(20):
        for connection in connections:
            connection.execute("INSERT INTO items(body) VALUES(?)", (f"scarce {number}" * 50,))
        let_time_pass(0.05)
    wait_until(lambda: "Too many open files" in manager.log_text(), 20, "the limit is felt")
    let_time_pass(5)
    assert manager.running()
    spent = cpu_seconds(manager.pid)
    let_time_pass(5)
    assert cpu_seconds(manager.pid) - spent < 2.5, "busy with failing"
    limit_descriptors(manager.pid, usual)
    manager.wait_stored(ids, timeout=120)
    for connection in connections:
        connection.close()
    manager.wait_stored(ids, timeout=60)
    assert manager.counters()["diffs"] <= LIVE, "a log that could not be opened costs its client one comparison"
    wait_until(lambda: all(c["state"] in ("live", "idle") for c in manager.clients().values()), 30, "nothing failing")
    assert manager.stop() == 0
    restored = restore_all_both_ways(file_bucket, ids, folder / "end")
    for name in ids:
        source = consistent_copy(clients / f"{name}.db", folder / "end" / f"{name}.source.db")
        for path in restored[name]:
            check_same_database(source, path)
