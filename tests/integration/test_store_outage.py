"""The store is away, slow, or loses answers. The application goes on as if nothing were, and in the end all is whole."""

import datetime

import pytest

from harness.compare import check_same_database, consistent_copy
from harness.load import fleet, stop_all
from harness.process import peak_rss_bytes
from harness.restore import restore_all_both_ways
from harness.store import check_nothing_rewritten, check_whole_history
from harness.wait import let_time_pass, wait_until

KINDS = ["held-page-4096", "oneshot-page-4096", "synchronous-normal", "checkpoint-truncate", "spill", "blobs", "vacuum",
         "busy-timeout-0"]


def check_whole(bucket, applications, folder):
    restored = restore_all_both_ways(bucket, [a.client_id for a in applications], folder / "restored")
    for application in applications:
        source = consistent_copy(application.database, folder / f"{application.client_id}.source.db")
        for path in restored[application.client_id]:
            check_same_database(source, path)
        check_whole_history(bucket.ltx_objects(application.client_id))


@pytest.mark.parametrize("mode", ["hang", "refuse"])
def test_a_store_that_is_away_for_a_while_is_made_whole_afterwards(fragile_bucket, recorder, clients, folder, make_manager,
                                                                   mode):
    applications = fleet(clients, KINDS)
    manager = make_manager(fragile_bucket).start()
    try:
        for application in applications:
            application.start(busy_timeout_ms=0)
        let_time_pass(3)
        before = {a.client_id: fragile_bucket.ltx_objects(a.client_id) for a in applications}
        recorder.set_mode(mode)
        let_time_pass(5)
        assert any(c["behind"] or c["state"] == "failing" for c in manager.clients().values())
        let_time_pass(3)
        reports = stop_all(applications)
        recorder.set_mode("pass")
    finally:
        stop_all(applications)
    manager.wait_stored([a.client_id for a in applications], timeout=90)
    assert not {a.name: r["busy_at"] for a, r in zip(applications, reports) if r["busy"]}
    for application, report in zip(applications, reports):
        check_nothing_rewritten(before[application.client_id], fragile_bucket.ltx_objects(application.client_id))
        assert report["wal_peak_bytes"] < 12 << 20, f"{application.name}: the log grew to {report['wal_peak_bytes']}"
    check_whole(fragile_bucket, applications, folder)
    assert manager.stop() == 0


@pytest.mark.parametrize("mode", ["unavailable", "lose_answers"])
def test_answers_that_fail_or_vanish_never_make_a_conflict(fragile_bucket, recorder, clients, folder, make_manager, mode):
    applications = fleet(clients, KINDS)
    recorder.set_mode(mode)
    manager = make_manager(fragile_bucket).start()
    try:
        for application in applications:
            application.start()
        let_time_pass(8)
    finally:
        stop_all(applications)
    states = {c["state"] for c in manager.clients().values()}
    assert "conflict" not in states
    recorder.set_mode("pass")
    manager.wait_stored([a.client_id for a in applications], timeout=90)
    check_whole(fragile_bucket, applications, folder)
    assert manager.stop() == 0


def test_memory_stays_bounded_while_nothing_can_be_stored(fragile_bucket, recorder, folder, make_manager, make_application):
    applications = [make_application(n, work="spill", rate=12.0, row_bytes=4000) for n in range(1, 5)]
    manager = make_manager(fragile_bucket).start()
    recorder.set_mode("hang")
    try:
        for application in applications:
            application.start()
        let_time_pass(15)
    finally:
        reports = stop_all(applications)
    written = sum(r["transactions"] for r in reports) * 800 * 5000
    assert written > 320 << 20, f"the load wrote only {written >> 20} MB: it proves nothing"
    assert peak_rss_bytes(manager.pid) < 256 << 20
    recorder.set_mode("pass")
    manager.wait_stored([a.client_id for a in applications], timeout=90)
    check_whole(fragile_bucket, applications, folder)


def test_restore_points_that_an_outage_cost_are_counted_and_told(fragile_bucket, recorder, folder, make_manager,
                                                                 make_application):
    """One is lost for each second in which something was committed."""
    applications = [make_application(n, work="mixed", rate=12.0) for n in range(1, 5)]
    quiet = make_application(9)
    quiet.write(3)
    manager = make_manager(fragile_bucket).start()
    try:
        for application in applications:
            application.start()
        let_time_pass(3)
        assert manager.counters()["lostRestorePoints"] == 0
        began = datetime.datetime.now(datetime.timezone.utc)
        recorder.set_mode("refuse")
        let_time_pass(16)
        during = manager.clients()
        recorder.set_mode("pass")
    finally:
        stop_all(applications)
    manager.wait_stored([a.client_id for a in applications], timeout=90)
    ended = datetime.datetime.now(datetime.timezone.utc)
    after = manager.clients()
    for application in applications:
        lost, now = after[application.client_id], during[application.client_id]
        assert 5 <= now["lostRestorePoints"] <= lost["lostRestorePoints"] <= 22, (now, lost)
        since, until = (datetime.datetime.fromisoformat(lost[name].replace("Z", "+00:00")) for name in ("lostSince", "lostUntil"))
        assert began - datetime.timedelta(seconds=1) <= since < until <= ended
    assert after[quiet.client_id]["lostRestorePoints"] == 0 and after[quiet.client_id]["lostSince"] is None
    total = sum(client["lostRestorePoints"] for client in after.values())
    assert manager.counters()["lostRestorePoints"] == total
    metrics = manager.metrics()
    assert metrics["litestream_manager_lost_restore_points_total"] == total
    assert began.timestamp() - 1 <= metrics['litestream_manager_lost_restore_points_timestamp_seconds{edge="until"}']
    assert manager.log_text().count("restore points in between are not") >= len(applications)
    check_whole(fragile_bucket, applications, folder)


def test_a_store_that_is_away_at_the_start_is_used_when_it_comes(fragile_bucket, recorder, folder, make_manager,
                                                                make_application):
    application = make_application(1, work="mixed")
    application.write(20)
    recorder.set_mode("refuse")
    manager = make_manager(fragile_bucket)
    manager.spawn()
    wait_until(lambda: manager.running() and "dashboard" in manager.log_text(), 20, "dashboard up without a store")
    manager.wait_ready()
    let_time_pass(2)
    recorder.set_mode("pass")
    manager.wait_stored([application.client_id], timeout=90)
    check_whole(fragile_bucket, [application], folder)


def test_idle_databases_cost_no_requests(fragile_bucket, recorder, make_manager, make_application):
    applications = [make_application(n, session="oneshot") for n in range(1, 21)]
    for application in applications:
        application.write(2)
    manager = make_manager(fragile_bucket).start()
    manager.wait_stored([a.client_id for a in applications])
    assert any(r.method == "PUT" for r in recorder.requests)
    before = len(recorder.requests)
    let_time_pass(12)
    assert [f"{r.method} {r.target}" for r in recorder.requests[before:]] == []
