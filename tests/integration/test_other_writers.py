"""Others that write, or have written, to the same place: Litestream before us, and a second daemon beside us."""

import subprocess

from harness.compare import check_same_database, consistent_copy
from harness.restore import litestream_restore, restore_all_both_ways
from harness.settings import clean_environment, litestream_binary
from harness.store import check_nothing_rewritten
from harness.wait import wait_until


def replicate_with_litestream(bucket, application):
    """Lets the stock Litestream make a backup, and ends it. Its two tables in the database stay."""
    process = subprocess.Popen([str(litestream_binary()), "replicate", str(application.database),
                                bucket.replica_url(application.client_id)], env=clean_environment() | bucket.environment(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: bucket.ltx_objects(application.client_id), 20, "Litestream's first object", 0.2)
        application.write(10)
        wait_until(lambda: max(o.max_txid for o in bucket.ltx_objects(application.client_id)) >= 2, 20, "its second", 0.2)
    finally:
        process.terminate()
        process.wait(30)


def test_a_replica_that_litestream_began_is_continued(s3_bucket, folder, make_manager, make_application):
    application = make_application(1, work="mixed")
    application.write(10)
    replicate_with_litestream(s3_bucket, application)
    theirs = s3_bucket.ltx_objects(application.client_id)
    old = litestream_restore(s3_bucket, application.client_id, folder / "old.db")

    manager = make_manager(s3_bucket).start()
    manager.wait_stored([application.client_id])
    application.write(10)
    wait_until(lambda: max(o.max_txid for o in s3_bucket.ltx_objects(application.client_id))
               > max(o.max_txid for o in theirs), 20, "a new object")
    manager.wait_stored([application.client_id])
    assert manager.stop() == 0

    check_nothing_rewritten(theirs, s3_bucket.ltx_objects(application.client_id))
    source = consistent_copy(application.database, folder / "source.db")
    for path in restore_all_both_ways(s3_bucket, [application.client_id], folder / "end")[application.client_id]:
        check_same_database(source, path)
    last = max(o.max_txid for o in theirs)
    check_same_database(old, litestream_restore(s3_bucket, application.client_id, folder / "old-again.db", txid=last))


def test_of_two_daemons_on_one_prefix_one_stops_and_nothing_is_overwritten(s3_bucket, folder, make_manager, make_application):
    here, there = folder / "clients", folder / "copy"
    there.mkdir()
    first_application = make_application(1, inside=here)
    first_application.write(10)
    first = make_manager(s3_bucket).start()
    first.wait_stored([first_application.client_id])

    second_application = make_application(1, inside=there, seed=99)
    second_application.write(3)
    second = make_manager(s3_bucket, watch_dirs=[there], name="second").start()
    second.wait_state(second_application.client_id, "live", "idle", "conflict", timeout=30)
    before = s3_bucket.ltx_objects(first_application.client_id)

    first_application.write(5)
    wait_until(lambda: "conflict" in {first.client(first_application.client_id)["state"],
                                      second.client(second_application.client_id)["state"]}, 30, "a conflict seen")
    check_nothing_rewritten(before, s3_bucket.ltx_objects(first_application.client_id))
