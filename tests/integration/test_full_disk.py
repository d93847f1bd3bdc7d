"""The disk of the state directory is full for a while. Nothing may be lost or taken for somebody else's by that."""

from harness.compare import check_same_database, consistent_copy
from harness.load import fleet, stop_all
from harness.machine import Fault, Machine
from harness.process import cpu_seconds
from harness.restore import restore_all_both_ways
from harness.store import check_whole_history
from harness.wait import let_time_pass, wait_until

KINDS = ["held-page-4096", "oneshot-page-4096", "synchronous-normal", "checkpoint-truncate", "spill", "vacuum"]


def test_a_full_disk_under_the_state_directory_delays_and_loses_nothing(s3_bucket, clients, folder, make_manager):
    machine = Machine(folder / "machine", clients=clients, state=folder / "manager-state")
    manager = make_manager(s3_bucket, environment=machine.environment).start()
    applications = fleet(clients, KINDS)
    try:
        for application in applications:
            application.start(busy_timeout_ms=0)
        let_time_pass(3)
        with machine.failing(Fault.WRITE_STATE):
            wait_until(lambda: any(c["state"] == "failing" or c["detail"] for c in manager.clients().values()), 30,
                       "the full disk is shown")
            spent = cpu_seconds(manager.pid)
            let_time_pass(6)
            assert manager.running()
            assert cpu_seconds(manager.pid) - spent < 4, "busy with failing"
            reports = stop_all(applications)
            assert "conflict" not in {c["state"] for c in manager.clients().values()}
    finally:
        stop_all(applications)
    assert not {a.name: r["busy_at"] for a, r in zip(applications, reports) if r["busy"]}
    ids = [a.client_id for a in applications]
    manager.wait_stored(ids, timeout=120)
    assert manager.stop() == 0
    restored = restore_all_both_ways(s3_bucket, ids, folder / "end")
    for application in applications:
        check_whole_history(s3_bucket.ltx_objects(application.client_id))
        source = consistent_copy(application.database, folder / "end" / f"{application.client_id}.source.db")
        for path in restored[application.client_id]:
            check_same_database(source, path)
