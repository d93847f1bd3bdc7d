"""A start whose state and bucket do not agree: each ends in a chain that gives the database back, by the stock Litestream
and by us, at the price of what differs. Figures for a large database: tests/bench, `recovery`."""

import shutil

import pytest

from harness.compare import check_same_database, consistent_copy
from harness.restore import litestream_restore, restore_all_both_ways
from harness.store import check_nothing_rewritten, delete, put
from harness.wait import wait_until

BOTH_STORES = pytest.mark.parametrize("bucket", ["s3", "file"], indirect=True)


def newest(bucket, application):
    return max(bucket.ltx_objects(application.client_id), key=lambda o: o.max_txid)


def check_backup_is(bucket, application, folder):
    folder.mkdir()
    source = consistent_copy(application.database, folder / "source.db")
    for path in restore_all_both_ways(bucket, [application.client_id], folder / "restored")[application.client_id]:
        check_same_database(source, path)


def store_three(bucket, manager, application):
    """An image and two increments; then the daemon is gone."""
    application.write(200, row_bytes=4000)
    manager.start()
    manager.wait_stored([application.client_id])
    for _ in range(2):
        before = newest(bucket, application).max_txid
        application.write(2)
        wait_until(lambda: newest(bucket, application).max_txid > before, 20, "an increment")
        manager.wait_stored([application.client_id])
    assert manager.stop() == 0


@BOTH_STORES
def test_without_its_state_only_what_differs_from_the_bucket_is_uploaded(bucket, folder, make_manager, make_application):
    application = make_application(1, work="mixed", session="oneshot")
    manager = make_manager(bucket)
    store_three(bucket, manager, application)
    before = bucket.ltx_objects(application.client_id)
    shutil.rmtree(manager.state_dir)
    application.write(2)
    manager.start()
    last = max(o.max_txid for o in before)
    wait_until(lambda: newest(bucket, application).max_txid == last + 1, 20, "what differs")
    manager.wait_stored([application.client_id])
    image = min(before, key=lambda o: o.min_txid)
    assert newest(bucket, application).size < image.size / 2, "an image instead of a diff"
    application.write(3)
    manager.wait_stored([application.client_id])
    check_nothing_rewritten(before, bucket.ltx_objects(application.client_id))
    check_backup_is(bucket, application, folder / "end")


@BOTH_STORES
@pytest.mark.parametrize("lost", ["newest", "first", "middle", "all"])
def test_objects_that_the_bucket_lost_are_noticed_and_made_good(bucket, folder, make_manager, make_application, lost):
    application = make_application(1, work="mixed", session="oneshot")
    manager = make_manager(bucket)
    store_three(bucket, manager, application)
    objects = sorted(bucket.ltx_objects(application.client_id), key=lambda o: o.max_txid)
    for gone in {"newest": objects[-1:], "first": objects[:1], "middle": objects[1:2], "all": objects}[lost]:
        delete(bucket, gone.key)
    kept = bucket.ltx_objects(application.client_id)
    application.write(2)
    manager.start()
    wait_until(lambda: manager.counters()["repairedChains"] == 1, 20, "the loss is noticed")
    manager.wait_stored([application.client_id])
    application.write(2)
    manager.wait_stored([application.client_id])
    assert "the bucket has lost objects" in manager.log_text()
    check_nothing_rewritten(kept, bucket.ltx_objects(application.client_id))
    check_backup_is(bucket, application, folder / "end")


@BOTH_STORES
def test_a_damaged_object_in_the_way_is_passed_by(bucket, folder, make_manager, make_application):
    """Without state: whatever stands at the newest TXID, or in the middle, a snapshot leads past it."""
    application = make_application(1, work="mixed", session="oneshot")
    manager = make_manager(bucket)
    store_three(bucket, manager, application)
    last, key = newest(bucket, application).max_txid, newest(bucket, application).key
    damaged = bytearray(bucket.read(key))
    damaged[len(damaged) // 2] ^= 1
    put(bucket, key, bytes(damaged))
    shutil.rmtree(manager.state_dir)
    application.write(2)
    manager.start()
    wait_until(lambda: newest(bucket, application).max_txid == last + 1, 20, "the next TXID")
    manager.wait_stored([application.client_id])
    assert manager.stop() == 0
    check_backup_is(bucket, application, folder / "damaged")

    put(bucket, key.replace(f"{last:016x}", f"{last + 2:016x}"), b"no LTX file")
    shutil.rmtree(manager.state_dir)
    application.write(2)
    manager.start()
    wait_until(lambda: newest(bucket, application).max_txid == last + 3, 20, "the next TXID")
    manager.wait_stored([application.client_id])
    check_backup_is(bucket, application, folder / "foreign")


def test_generations_of_litestream_0_3_are_left_alone(s3_bucket, folder, make_manager, make_application):
    application = make_application(1, work="mixed")
    application.write(20)
    old = {f"databases/{application.client_id}/generations/0123456789abcdef/{name}": name.encode() * 100
           for name in ("snapshots/00000000.snapshot.lz4", "wal/00000000_00000000.wal.lz4", "wal/00000001_00000000.wal.lz4")}
    for key, content in old.items():
        put(s3_bucket, key, content)
    manager = make_manager(s3_bucket).start()
    manager.wait_stored([application.client_id])
    application.write(5)
    manager.wait_stored([application.client_id])
    assert min(o.min_txid for o in s3_bucket.ltx_objects(application.client_id)) == 1
    assert {key: s3_bucket.read(key) for key in old} == old
    check_backup_is(s3_bucket, application, folder / "end")


def test_a_state_that_missed_the_newest_acknowledgements_catches_up_by_reading(fragile_bucket, recorder, folder, make_manager,
                                                                              make_application):
    """As after a power cut: the objects are ours, of a run that the state knows. They are read, not sent against."""
    application = make_application(1, work="mixed", session="oneshot")
    application.write(20)
    manager = make_manager(fragile_bucket).start()
    manager.wait_stored([application.client_id])
    shutil.copytree(manager.state_dir, folder / "before")
    for _ in range(4):
        last = newest(fragile_bucket, application).max_txid
        application.write(1)
        wait_until(lambda: newest(fragile_bucket, application).max_txid > last, 20, "an increment")
        manager.wait_stored([application.client_id])
    manager.kill()
    shutil.rmtree(manager.state_dir)
    (folder / "before").rename(manager.state_dir)
    last = newest(fragile_bucket, application).max_txid
    known = litestream_restore(fragile_bucket, application.client_id, folder / "known.db")
    application.write(1)
    first = len(recorder.requests)
    manager.start()
    wait_until(lambda: newest(fragile_bucket, application).max_txid == last + 1, 20, "the next TXID")
    manager.wait_stored([application.client_id])
    sent = [r for r in recorder.requests[first:] if r.method == "PUT" and application.client_id in r.target]
    assert [r.status for r in sent] == [200], "one upload, and none that is refused"
    assert manager.counters()["adopted"] == last - 1
    check_backup_is(fragile_bucket, application, folder / "end")
    check_same_database(known, litestream_restore(fragile_bucket, application.client_id, folder / "again.db", txid=last))
