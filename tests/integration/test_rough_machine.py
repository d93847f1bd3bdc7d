"""The machine below the daemon goes wrong while it runs: the clock is set, the disk fails, events are lost, permissions are
taken away. It says so, and nothing is lost once that is over. (The oracle does the same at random.)"""

import os
import shutil
import sqlite3

import pytest

from harness.compare import check_same_database, consistent_copy
from harness.load import fleet, overflow_events, stop_all
from harness.machine import Fault, Machine
from harness.restore import restore_all_both_ways
from harness.settings import manager_binary
from harness.store import check_nothing_rewritten, check_whole_history
from harness.wait import let_time_pass, wait_until

KINDS = ["held-page-4096", "oneshot-page-4096", "checkpoint-truncate", "synchronous-normal"]


def check_backups(bucket, applications, folder):
    restored = restore_all_both_ways(bucket, [a.client_id for a in applications], folder / "end")
    for application in applications:
        check_whole_history(bucket.ltx_objects(application.client_id))
        source = consistent_copy(application.database, folder / "end" / f"{application.client_id}.source.db")
        for path in restored[application.client_id]:
            check_same_database(source, path)


@pytest.fixture
def machine(folder, clients):
    return Machine(folder / "machine", clients=clients, state=folder / "manager-state", bucket=folder / "bucket")


def test_a_clock_that_is_set_forward_and_back_loses_nothing(file_bucket, clients, folder, machine, make_manager):
    """By less than the granularity of a file's stamps, by an hour, by a year, and back again."""
    applications = fleet(clients, [*KINDS, "journal-delete"])
    manager = make_manager(file_bucket, environment=machine.environment, arguments=("-sync-interval", "50ms")).start()
    try:
        for application in applications:
            application.start()
        for seconds in (0.01, -0.02, 3600, -7200, 86400 * 365, -86400 * 400, 86400 * 35):
            let_time_pass(0.7)
            machine.step_clock(seconds)
        reports = stop_all(applications)
    finally:
        stop_all(applications)
    assert not {a.name: r["busy_at"] for a, r in zip(applications, reports) if r["busy"]}
    manager.wait_stored([a.client_id for a in applications])
    assert manager.stop() == 0
    check_backups(file_bucket, applications, folder)


def test_a_clock_that_the_store_does_not_accept_is_said_and_waited_out(s3_bucket, folder, machine, make_manager,
                                                                      make_application):
    """S3 refuses a request that is signed more than 15 minutes off."""
    application = make_application(1)
    application.write(5)
    manager = make_manager(s3_bucket, environment=machine.environment).start()
    manager.wait_stored([application.client_id])
    machine.step_clock(3600)
    application.write(5)
    seen = manager.wait_state(application.client_id, "failing", timeout=60)
    assert "clock" in seen["detail"] or "Time" in seen["detail"], seen["detail"]
    assert seen["behind"]
    machine.step_clock(-3600)
    manager.wait_stored([application.client_id], timeout=90)
    check_backups(s3_bucket, [application], folder)


@pytest.mark.parametrize("fault", [Fault.READ_CLIENTS, Fault.OPEN_CLIENTS, Fault.SYNC_STATE, Fault.READ_STATE,
                                   Fault.WRITE_BUCKET, Fault.SYNC_BUCKET], ids=lambda f: f.name.lower())
def test_a_disk_that_fails_for_a_while_is_shown_and_loses_nothing(fault, file_bucket, clients, folder, machine, make_manager):
    applications = fleet(clients, KINDS)
    manager = make_manager(file_bucket, environment=machine.environment, arguments=("-sync-interval", "50ms")).start()
    try:
        for application in applications:
            application.start(busy_timeout_ms=0)
        let_time_pass(1)
        with machine.failing(fault):
            if fault not in (Fault.READ_STATE, Fault.SYNC_STATE):  # both are rare: it is in memory, synced at checkpoints
                wait_until(lambda: any(c["behind"] and c["detail"] for c in manager.clients().values()), 30,
                           "the failure is shown")
            let_time_pass(1)
            assert manager.running()
        reports = stop_all(applications)
    finally:
        stop_all(applications)
    assert not {a.name: r["busy_at"] for a, r in zip(applications, reports) if r["busy"]}
    assert "conflict" not in {c["state"] for c in manager.clients().values()}
    manager.wait_stored([a.client_id for a in applications], timeout=120)
    assert manager.stop() == 0
    check_backups(file_bucket, applications, folder)


def test_an_object_counts_as_stored_only_once_its_folder_is_on_disk(file_bucket, folder, machine, make_manager, make_application):
    """After a power cut the file would be there and its name not."""
    application = make_application(1)
    application.write(5)
    manager = make_manager(file_bucket, environment=machine.environment, arguments=("-sync-interval", "50ms")).start()
    stored = manager.wait_stored([application.client_id])[application.client_id]["txid"]
    with machine.failing(Fault.SYNC_BUCKET_FOLDERS):
        application.write(5)
        wait_until(lambda: len(file_bucket.ltx_objects(application.client_id)) > stored, 20, "the object has its name")
        wait_until(lambda: manager.log_text().count("upload failed") >= 3, 30, "the upload is repeated, where the name is")
        seen = manager.client(application.client_id)
        assert seen["txid"] == stored and seen["behind"], seen
        earlier = file_bucket.ltx_objects(application.client_id)
    manager.wait_stored([application.client_id], timeout=60)
    check_nothing_rewritten(earlier, file_bucket.ltx_objects(application.client_id))
    check_backups(file_bucket, [application], folder)


def test_events_that_the_kernel_dropped_cost_a_look_and_no_commit(file_bucket, clients, folder, make_manager, make_application):
    """The daemon stands still while more happens than the kernel keeps; databases come, go and live whole lives meanwhile."""
    most = int(open("/proc/sys/fs/inotify/max_queued_events").read())
    applications = [make_application(n, work="mixed") for n in range(1, 5)]
    written, idle, gone, late = applications
    for application in (written, idle, gone):
        application.write(5)
    manager = make_manager(file_bucket).start()
    manager.wait_stored([a.client_id for a in (written, idle, gone)])
    held = sqlite3.connect(written.database, isolation_level=None)
    held.execute("INSERT INTO items(body) VALUES('before')")
    manager.suspend()
    overflow_events(clients, most)
    held.execute("INSERT INTO items(body) VALUES('unseen')")
    idle.write(5)
    for suffix in ("", "-wal", "-shm"):
        (clients / f"{gone.database.name}{suffix}").unlink(missing_ok=True)
    late.write(5)
    manager.resume()
    manager.wait_stored([a.client_id for a in (written, idle, late)])
    assert manager.metrics()["litestream_manager_event_overflows_total"] >= 1
    assert manager.state(gone.client_id) == "removed"
    held.close()
    manager.wait_stored([a.client_id for a in (written, idle, late)])
    check_backups(file_bucket, [written, idle, late], folder)


@pytest.mark.parametrize("what", ["database", "log and index", "folder", "state"])
def test_permissions_that_are_taken_away_and_given_back_lose_nothing(what, file_bucket, clients, folder, make_manager,
                                                                      make_application):
    """Needs root: the daemon runs as `nobody`, from a copy of the binary; the application is somebody else."""
    assert os.geteuid() == 0, "nobody else can take permissions from a user: run the tests as root"
    binary, state = folder / "litestream-manager", folder / "state"
    shutil.copy(manager_binary(), binary)
    binary.chmod(0o755)
    state.mkdir()
    for path in (state, file_bucket.root):
        shutil.chown(path, "nobody", "nogroup")
    application, other = make_application(1), make_application(2)
    for each in (application, other):
        each.write(3)
    manager = make_manager(file_bucket, state_dir=state, user="nobody", binary=binary,
                           arguments=("-sync-interval", "50ms")).start()
    both = [application.client_id, other.client_id]
    manager.wait_stored(both)
    connection = sqlite3.connect(application.database, isolation_level=None)
    connection.execute("INSERT INTO items(body) VALUES('before')")
    taken = {"database": [application.database], "folder": [clients], "state": [state],
             "log and index": [application.database.with_name(application.database.name + s) for s in ("-wal", "-shm")]}[what]
    modes = [path.stat().st_mode for path in taken]
    for path in taken:
        path.chmod(0o500 if what == "state" else 0)
    for number in range(20):
        connection.execute("INSERT INTO items(body) VALUES(?)", (f"unseen {number}",))
        let_time_pass(0.05)
    connection.close()
    other.write(3)
    let_time_pass(2)
    assert manager.running()
    for path, mode in zip(taken, modes):
        if path.exists():
            path.chmod(mode)
    application.write(1)
    other.write(1)
    manager.wait_stored(both, timeout=90)
    check_backups(file_bucket, [application, other], folder)
    assert manager.stop() == 0
