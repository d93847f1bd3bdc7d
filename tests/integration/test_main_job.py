"""The main job: many databases of all kinds, written by real applications, backed up while they write, restored the same.

Every database is restored twice, by the stock Litestream and by us, and both are compared with the source page by page."""

import pytest

from harness.compare import chain, check_same_database, consistent_copy
from harness.load import KINDS, fleet, stop_all
from harness.restore import restore_all_both_ways
from harness.store import check_whole_history
from harness.wait import let_time_pass

WRITING_SECONDS = 20
PREBUILT_BYTES = 200 << 20


def verify(bucket, applications, folder):
    """Each database whole in the bucket: by both programs, page by page, row by row, and its history without gaps."""
    for application in applications:
        check_whole_history(bucket.ltx_objects(application.client_id))
    restored = restore_all_both_ways(bucket, [a.client_id for a in applications], folder / "restored")
    for application in applications:
        source = consistent_copy(application.database, folder / "restored" / f"{application.client_id}.source.db")
        assert len(chain(source)) == sum(r["transactions"] for r in application.reports), application.name
        for path in restored[application.client_id]:
            check_same_database(source, path)
        for path in (source, *restored[application.client_id]):
            path.unlink()


@pytest.mark.parametrize("bucket", ["s3", "file"], indirect=True)
def test_databases_of_every_kind_are_restored_as_they_are(bucket, clients, folder, make_manager, make_application):
    kinds = fleet(clients, list(KINDS))
    large = [make_application(101, "large-before", work="grow", limit_mb=PREBUILT_BYTES >> 20, rate=10.0),
             make_application(102, "large-growing", work="grow", limit_mb=PREBUILT_BYTES >> 20, rate=5.0)]
    before = make_application(103, "before-and-quiet", work="mixed")
    leftover = make_application(104, "log-left-behind", work="mixed", autocheckpoint=0)
    touched = make_application(105, "touched-first")

    while not large[0].database.exists() or large[0].database.stat().st_size < PREBUILT_BYTES:
        large[0].write(40)
    before.write(50)
    leftover.start(rate=500.0)
    let_time_pass(0.5)
    leftover.crash()
    leftover.reports.append({"transactions": len(chain(consistent_copy(leftover.database, folder / "leftover.db")))})
    touched.database.touch()

    applications = [*kinds, *large, before, leftover, touched]
    assert len(applications) == 50
    manager = make_manager(bucket).start()
    try:
        for application in (*kinds, *large):
            application.start()
        manager.wait_state(touched.client_id, "waiting")
        let_time_pass(WRITING_SECONDS / 2)
        touched.start()
        let_time_pass(WRITING_SECONDS / 2)
        stop_all(applications)
    finally:
        for application in applications:
            if application.process is not None:
                application.crash()
    manager.wait_stored([a.client_id for a in applications])

    status = manager.status()
    assert status["totalClients"] == 50
    verify(bucket, applications, folder)
    assert manager.stop() == 0


@pytest.mark.parametrize("bucket", ["s3", "file"], indirect=True)
def test_short_lives_on_a_saturated_machine_lose_nothing(bucket, clients, folder, make_manager, make_application):
    """Logs that exist for two milliseconds, from more processes than there are cores: many are over before anybody could
    open them. What was missed must be noticed, every time, and made good."""
    applications = [make_application(n, session="oneshot", rate=1e6, synchronous="OFF", work=("rows", "mixed")[n % 2])
                    for n in range(1, 13)]
    manager = make_manager(bucket).start()
    for application in applications:
        application.start()
    let_time_pass(8)
    stop_all(applications)
    manager.wait_stored([a.client_id for a in applications])
    verify(bucket, applications, folder)
    assert manager.stop() == 0
