"""The daemon is killed in the middle of its work, again and again. Nothing that was stored is lost or written twice."""

import random
import shutil

import pytest

from harness.compare import chain, check_prefix, check_same_database, consistent_copy
from harness.load import fleet, kill_all, stop_all
from harness.restore import litestream_restore, restore_all_both_ways
from harness.store import check_nothing_rewritten, check_whole_history
from harness.wait import let_time_pass, wait_until

KINDS = ["held-page-512", "held-page-4096", "held-page-65536", "oneshot-page-4096", "oneshot-fast", "auto-vacuum-full",
         "blobs", "spill", "vacuum", "checkpoint-truncate", "schema", "synchronous-off"]
ROUNDS = 5


@pytest.mark.parametrize("bucket", ["s3", "file"], indirect=True)
def test_a_killed_daemon_continues_where_the_bucket_ends(bucket, clients, folder, make_manager):
    applications = fleet(clients, KINDS)
    dice = random.Random(5)
    manager = make_manager(bucket)
    listings, states = {}, []
    try:
        for application in applications:
            application.start()
        for round_number in range(ROUNDS):
            manager.start()
            let_time_pass(dice.uniform(0.5, 3))
            manager.kill()
            for application in applications:
                now = bucket.ltx_objects(application.client_id)
                check_nothing_rewritten(listings.get(application.client_id, []), now)
                check_whole_history(now)
                listings[application.client_id] = now
            states += snapshot_states(bucket, dice.sample(applications, 3), listings, folder / f"round{round_number}")
        manager.start()
        let_time_pass(2)
        stop_all(applications)
        manager.wait_stored([a.client_id for a in applications])
    finally:
        stop_all(applications)
    verify_end(bucket, applications, listings, states, folder)
    assert manager.stop() == 0


def snapshot_states(bucket, applications, listings, folder):
    """What the bucket held at the kill: (client, last TXID, restored file) of each client that had a backup by then."""
    folder.mkdir()
    found = []
    for application in applications:
        if listings[application.client_id]:
            last = max(o.max_txid for o in listings[application.client_id])
            found.append((application, last, litestream_restore(bucket, application.client_id,
                                                                folder / f"{application.client_id}.db")))
    return found


def verify_end(bucket, applications, listings, states, folder):
    chains = {}
    restored = restore_all_both_ways(bucket, [a.client_id for a in applications], folder / "end")
    for application in applications:
        source = consistent_copy(application.database, folder / "end" / f"{application.client_id}.source.db")
        chains[application.client_id] = chain(source)
        for path in restored[application.client_id]:
            check_same_database(source, path)
        now = bucket.ltx_objects(application.client_id)
        check_nothing_rewritten(listings[application.client_id], now)
        check_whole_history(now)
        assert max(o.max_txid for o in now) >= max((o.max_txid for o in listings[application.client_id]), default=0)
    assert states, "no client had a backup at any kill"
    for number, (application, txid, path) in enumerate(states):
        check_prefix(chain(path), chains[application.client_id])
        again = litestream_restore(bucket, application.client_id, folder / f"again{number}.db", txid=txid)
        check_same_database(path, again)


def test_without_its_state_the_daemon_continues_the_history_in_the_bucket(s3_bucket, clients, folder, make_manager,
                                                                          make_application):
    application = make_application(1, work="mixed")
    application.write(30)
    first = make_manager(s3_bucket).start()
    first.wait_stored([application.client_id])
    assert first.stop() == 0
    earlier = s3_bucket.ltx_objects(application.client_id)

    application.write(30)
    second = make_manager(s3_bucket, state_dir=folder / "another-state").start()
    second.wait_stored([application.client_id])
    wait_until(lambda: len(s3_bucket.ltx_objects(application.client_id)) > len(earlier), 20, "a new object")
    assert second.stop() == 0

    later = s3_bucket.ltx_objects(application.client_id)
    check_nothing_rewritten(earlier, later)
    check_whole_history(later)
    source = consistent_copy(application.database, folder / "source.db")
    for path in restore_all_both_ways(s3_bucket, [application.client_id], folder / "end")[application.client_id]:
        check_same_database(source, path)


@pytest.mark.parametrize("damage", ["whole", "cut", "one page"])
def test_a_damaged_state_database_is_set_aside_and_the_history_goes_on(file_bucket, folder, make_manager, make_application,
                                                                       damage):
    applications = [make_application(n, work="mixed", page_size=512) for n in (1, 2, 3)]
    ids = [a.client_id for a in applications]
    for application in applications:
        application.write(40)
    manager = make_manager(file_bucket).start()
    manager.wait_stored(ids)
    manager.kill()
    earlier = {i: file_bucket.ltx_objects(i) for i in ids}

    state = manager.state_dir / "state.db"
    consistent_copy(state, folder / "state.db")  # with its log moved into it
    for suffix in ("-wal", "-shm"):
        (manager.state_dir / f"state.db{suffix}").unlink()
    content = (folder / "state.db").read_bytes()
    state.write_bytes({"whole": b"x" * 8192, "cut": content[:len(content) // 2],
                       "one page": content[:-4096] + b"x" * 4096}[damage])
    for application in applications:
        application.write(5)
    manager.start()
    manager.wait_stored(ids)
    assert any("state database was damaged" in notice for notice in manager.status()["notices"])
    assert list(manager.state_dir.glob("state.db.damaged-*"))
    assert manager.stop() == 0
    restored = restore_all_both_ways(file_bucket, ids, folder / "end")
    for application in applications:
        later = file_bucket.ltx_objects(application.client_id)
        check_nothing_rewritten(earlier[application.client_id], later)
        check_whole_history(later)
        source = consistent_copy(application.database, folder / "end" / f"{application.client_id}.source.db")
        for path in restored[application.client_id]:
            check_same_database(source, path)


@pytest.mark.parametrize("bucket", ["s3", "file"], indirect=True)
@pytest.mark.parametrize("run", ["same", "later"])
def test_a_state_directory_of_an_older_day_overwrites_nothing(run, bucket, folder, make_manager, make_application):
    """Restored with the rest of the machine, say. What was stored since is either known as ours, and gone on from, or taken for
    another writer's, which is said; without the state everything goes on in any case."""
    application = make_application(1, work="mixed")
    application.write(10)
    manager = make_manager(bucket).start()
    manager.wait_stored([application.client_id])
    if run == "later":
        assert manager.stop() == 0
    (folder / "older").mkdir()
    consistent_copy(manager.state_dir / "state.db", folder / "older" / "state.db")
    if run == "later":
        manager.start()
    for _ in range(3):
        application.write(4)
        manager.wait_stored([application.client_id])
    manager.kill()
    earlier = bucket.ltx_objects(application.client_id)
    shutil.rmtree(manager.state_dir)
    shutil.copytree(folder / "older", manager.state_dir)
    application.write(2)
    manager.start()
    seen = manager.wait_state(application.client_id, "idle", "conflict", timeout=60)
    check_nothing_rewritten(earlier, bucket.ltx_objects(application.client_id))
    if seen["state"] == "conflict":
        assert run == "later" and seen["behind"], seen
        manager.kill()
        shutil.rmtree(manager.state_dir)
        manager.start()
    manager.wait_stored([application.client_id])
    assert manager.stop() == 0
    later = bucket.ltx_objects(application.client_id)
    check_nothing_rewritten(earlier, later)
    check_whole_history(later)
    source = consistent_copy(application.database, folder / "source.db")
    for path in restore_all_both_ways(bucket, [application.client_id], folder / "end")[application.client_id]:
        check_same_database(source, path)


def test_a_state_directory_that_cannot_be_written_is_refused_at_the_start(file_bucket, clients, folder, make_manager):
    """By root as well: a file stands in its place."""
    (folder / "manager-state").write_text("in the way")
    manager = make_manager(file_bucket)
    manager.spawn()
    assert manager.wait_exit(20) == 1
    assert "-state-dir" in manager.log_text()


def test_applications_that_are_killed_lose_nothing_that_they_committed(file_bucket, clients, folder, make_manager):
    """Logs are left behind with half-written frames; the next start of the application recovers them."""
    applications = fleet(clients, ["held-page-4096", "oneshot-fast", "synchronous-off", "spill", "checkpoint-truncate"])
    manager = make_manager(file_bucket).start()
    for _ in range(6):
        for application in applications:
            application.start()
        let_time_pass(0.8)
        kill_all(applications)
    manager.wait_stored([a.client_id for a in applications])
    restored = restore_all_both_ways(file_bucket, [a.client_id for a in applications], folder / "end")
    for application in applications:
        source = consistent_copy(application.database, folder / "end" / f"{application.client_id}.source.db")
        for path in restored[application.client_id]:
            check_same_database(source, path)
    assert manager.stop() == 0


@pytest.mark.parametrize("bucket", ["s3", "file"], indirect=True)
def test_lives_that_nobody_watched_during_a_restart_are_noticed(bucket, clients, folder, make_manager, make_application):
    """Each database is written while the daemon is down, and opened once more the moment it is back: the life it then
    sees from beginning to end proves nothing about those before."""
    applications = [make_application(n, session="oneshot", synchronous="OFF", rate=60.0) for n in range(1, 13)]
    manager = make_manager(bucket)
    for application in applications:
        application.start()
    for _ in range(6):
        manager.start()
        let_time_pass(1.5)
        manager.kill()
        let_time_pass(0.3)
    manager.start()
    stop_all(applications)
    manager.wait_stored([a.client_id for a in applications])
    restored = restore_all_both_ways(bucket, [a.client_id for a in applications], folder / "end")
    for application in applications:
        source = consistent_copy(application.database, folder / "end" / f"{application.client_id}.source.db")
        for path in restored[application.client_id]:
            check_same_database(source, path)
    assert manager.stop() == 0


def test_an_older_file_put_back_becomes_the_next_state(s3_bucket, folder, make_manager, make_application):
    """What a power cut or an administrator does: the bucket knows a later state than the file. Both stay restorable."""
    application = make_application(1, work="mixed", session="oneshot")
    application.write(20)
    older = consistent_copy(application.database, folder / "older.db")
    application.write(20)
    newer = consistent_copy(application.database, folder / "newer.db")
    manager = make_manager(s3_bucket).start()
    manager.wait_stored([application.client_id])
    assert manager.stop() == 0
    before = s3_bucket.ltx_objects(application.client_id)

    application.database.write_bytes(older.read_bytes())
    manager.start()
    last = max(o.max_txid for o in before)
    wait_until(lambda: max(o.max_txid for o in s3_bucket.ltx_objects(application.client_id)) > last, 20, "a new TXID")
    manager.wait_stored([application.client_id])
    assert manager.stop() == 0
    check_nothing_rewritten(before, s3_bucket.ltx_objects(application.client_id))
    for path in restore_all_both_ways(s3_bucket, [application.client_id], folder / "end")[application.client_id]:
        check_same_database(older, path)
    check_same_database(newer, litestream_restore(s3_bucket, application.client_id, folder / "newer-again.db", txid=last))


def test_a_clean_restart_of_unchanged_databases_uploads_nothing(s3_bucket, make_manager, make_application):
    applications = [make_application(n, work="mixed", session=("held", "oneshot")[n % 2]) for n in range(1, 7)]
    for application in applications:
        application.write(20)
    ids = [a.client_id for a in applications]
    manager = make_manager(s3_bucket).start()
    manager.wait_stored(ids)
    assert manager.stop() == 0
    before = {i: s3_bucket.ltx_objects(i) for i in ids}
    manager.start()
    manager.wait_stored(ids)
    assert manager.stop() == 0
    assert {i: s3_bucket.ltx_objects(i) for i in ids} == before
