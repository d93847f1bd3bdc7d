"""Ending the daemon: a last round stores what was committed, or the exit code says that something is missing and what."""

import signal
import time

import pytest

from harness.compare import chain, check_prefix, check_same_database, consistent_copy
from harness.load import fleet, stop_all
from harness.restore import litestream_restore, restore_all_both_ways
from harness.wait import let_time_pass, wait_until

KINDS = ["held-page-4096", "oneshot-page-4096", "synchronous-normal", "checkpoint-truncate", "blobs", "spill", "slow"]


@pytest.mark.parametrize("bucket", ["s3", "file"], indirect=True)
def test_ending_right_after_the_last_commit_stores_everything(bucket, clients, folder, make_manager):
    applications = fleet(clients, KINDS)
    manager = make_manager(bucket).start()
    for application in applications:
        application.start()
    let_time_pass(4)
    stop_all(applications)
    assert manager.stop() == 0
    restored = restore_all_both_ways(bucket, [a.client_id for a in applications], folder / "restored")
    for application in applications:
        source = consistent_copy(application.database, folder / f"{application.client_id}.source.db")
        for path in restored[application.client_id]:
            check_same_database(source, path)


def test_ending_under_load_stores_what_was_committed_before(file_bucket, clients, folder, make_manager):
    applications = fleet(clients, KINDS)
    manager = make_manager(file_bucket).start()
    try:
        for application in applications:
            application.spec["progress"] = str(folder / f"{application.client_id}.progress")
            application.start()
        let_time_pass(4)
        committed = {a.client_id: a.committed() for a in applications}
        assert all(committed.values()), committed
        assert manager.stop() == 0
        restored = {a.client_id: chain(litestream_restore(file_bucket, a.client_id, folder / f"{a.client_id}.db"))
                    for a in applications}
    finally:
        stop_all(applications)
    for application in applications:
        assert len(restored[application.client_id]) >= committed[application.client_id], application.name
        check_prefix(restored[application.client_id],
                     chain(consistent_copy(application.database, folder / f"{application.client_id}.source.db")))


def test_a_store_that_is_away_at_the_end_gives_exit_code_1_and_the_names(fragile_bucket, recorder, make_manager,
                                                                         make_application):
    stored, unstored = make_application(1), make_application(2)
    stored.write(5)
    manager = make_manager(fragile_bucket, arguments=("-shutdown-timeout", "3s")).start()
    manager.wait_stored([stored.client_id])
    recorder.set_mode("refuse")
    unstored.write(5)
    wait_until(lambda: manager.client(unstored.client_id), 10, "the second client found")
    began = time.monotonic()
    assert manager.stop(timeout=15) == 1
    assert time.monotonic() - began < 6
    last_words = manager.log_text()[-4000:]
    assert unstored.client_id in last_words


def test_a_second_signal_ends_the_daemon_at_once(fragile_bucket, recorder, make_manager, make_application):
    application = make_application(1)
    manager = make_manager(fragile_bucket, arguments=("-shutdown-timeout", "60s")).start()
    recorder.set_mode("hang")
    application.write(5)
    wait_until(lambda: manager.client(application.client_id), 10, "the client found")
    manager.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "shut" in manager.log_text().lower() or "stop" in manager.log_text().lower(), 5, "shutdown begun")
    assert manager.running()
    began = time.monotonic()
    manager.process.send_signal(signal.SIGTERM)
    assert manager.wait_exit(5) == 1
    assert time.monotonic() - began < 1.5


def test_ending_an_idle_daemon_is_quick(file_bucket, make_manager, make_application):
    for n in range(1, 6):
        make_application(n, session="oneshot").write(3)
    manager = make_manager(file_bucket).start()
    manager.wait_stored([c["clientId"] for c in manager.status()["clients"]])
    began = time.monotonic()
    assert manager.stop() == 0
    assert time.monotonic() - began < 1.5
