"""What looks after the bucket never stands between a user and a restore: the stock Litestream is asked after each of its
requests, with the world stopped."""

import itertools
import random
import re

from harness.compare import chain, check_integrity, check_prefix, check_same_database, consistent_copy
from harness.load import stop_all
from harness.restore import litestream_restore, restore_all_both_ways
from harness.store import S3Bucket, check_nothing_rewritten
from harness.wait import wait_until

MERGED = re.compile(r"/000[1-9]/[0-9a-f]{16}-[0-9a-f]{16}\.ltx")


def levels(bucket, client_id):
    return {level: len(list(objects))
            for level, objects in itertools.groupby(bucket.ltx_objects(client_id), lambda o: o.level)}


def test_after_each_request_of_a_merge_litestream_restores_the_newest_state_and_earlier_ones(
        fragile_bucket, recorder, s3_bucket, folder, make_manager, make_application):
    application = make_application(1, work="rows", rate=60.0, row_bytes=6000)
    chance = random.Random(1)
    judged = []
    before = []

    own_eyes = S3Bucket(s3_bucket.account, s3_bucket.name)  # used on the proxy's thread

    def judge(request):
        if not MERGED.search(request.target) and chance.random() > 0.02:
            return
        objects = own_eyes.ltx_objects(application.client_id)
        if len(objects) < 10:
            return
        check_nothing_rewritten(before, objects)
        before[:] = objects
        newest = restored_chain(f"judged-{len(judged)}.db")
        earlier = chance.choice([o.max_txid for o in objects if o.level == 0][5:])
        check_prefix(restored_chain(f"judged-{len(judged)}-earlier.db", txid=earlier), newest)
        judged.append(request)

    def restored_chain(name, **target):
        output = litestream_restore(s3_bucket, application.client_id, folder / name, **target)
        check_integrity(output)
        rows = chain(output)
        output.unlink()
        return rows

    def enough():
        merges = sum(1 for r in judged if MERGED.search(r.target) and r.method == "PUT")
        return merges >= 8 and {1, 9} <= levels(s3_bucket, application.client_id).keys()

    manager = make_manager(fragile_bucket, arguments=("-sync-interval", "1ms")).start()
    recorder.between_requests = judge
    application.start()
    try:
        wait_until(lambda: recorder.failures or enough(), timeout=240, what="merges and a snapshot")
    finally:
        stop_all([application])
    recorder.between_requests = None
    assert not recorder.failures, recorder.failures[0]
    manager.wait_stored([application.client_id], timeout=60)
    listings = [r for r in recorder.requests if "list-type=2" in r.target]
    assert len(listings) <= 1, "the bucket is listed at the first contact only"

    source = consistent_copy(application.database, folder / "source.db")
    for path in restore_all_both_ways(s3_bucket, [application.client_id], folder / "restored")[application.client_id]:
        check_same_database(source, path)

    def all_counted():
        counters = manager.counters()
        merged = sum(count for level, count in levels(s3_bucket, application.client_id).items() if level > 0)
        return counters["merges"] + counters["snapshots"] == merged

    wait_until(all_counted, timeout=30, what="each merge to be counted")
    assert manager.counters()["upkeepFailures"] == 0
    assert manager.stop() == 0


def test_merges_go_on_where_a_killed_daemon_left_them(s3_bucket, folder, make_manager, make_application):
    application = make_application(1, work="rows", rate=100.0, row_bytes=3000)
    application.start()
    try:
        for _ in range(6):
            manager = make_manager(s3_bucket, arguments=("-sync-interval", "1ms")).start()
            merges = manager.status()["counters"]["merges"]
            wait_until(lambda m=manager, n=merges: m.status()["counters"]["merges"] >= n + 2, timeout=60, what="two merges")
            manager.kill()
    finally:
        stop_all([application])
    manager = make_manager(s3_bucket).start()
    manager.wait_stored([application.client_id], timeout=60)
    assert manager.stop() == 0
    source = consistent_copy(application.database, folder / "source.db")
    for path in restore_all_both_ways(s3_bucket, [application.client_id], folder / "restored")[application.client_id]:
        check_same_database(source, path)
    objects = s3_bucket.ltx_objects(application.client_id)
    images = [o.max_txid for o in objects if o.level == 9]
    for a, b in itertools.pairwise(o for o in objects if o.level == 1):
        hole_is_covered = any(image >= b.min_txid - 1 for image in images)
        assert a.max_txid + 1 == b.min_txid or (a.max_txid < b.min_txid and hole_is_covered), f"{a} {b}"
    chance = random.Random(2)
    raw = [o.max_txid for o in objects if o.level == 0]
    for txid in chance.sample(raw, 5):
        litestream_restore(s3_bucket, application.client_id, folder / f"txid-{txid}.db", txid=txid)
