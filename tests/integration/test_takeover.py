"""Two that would write one backup: exactly one does, the other says who and since when, and a takeover turns it round."""

import datetime
import shutil

import pytest

from harness.compare import check_same_database, consistent_copy
from harness.manager import run_manager
from harness.restore import litestream_restore, restore_all_both_ways
from harness.store import check_whole_history
from harness.wait import let_time_pass, wait_until

BOTH_STORES = pytest.mark.parametrize("bucket", ["s3", "file"], indirect=True)


def objects(bucket):
    """Every object of every replica, with its bytes."""
    return {key: bucket.read(key) for key in bucket.keys() if key.endswith(".ltx")}


def check_kept(before, bucket):
    now = objects(bucket)
    assert {key: now.get(key) == content for key, content in before.items()} == dict.fromkeys(before, True)
    return now


def takeover(manager, *arguments):
    return run_manager("takeover", *arguments, "-state-dir", str(manager.state_dir), *manager.bucket.manager_arguments(),
                       bucket=manager.bucket)


def check_backup_is(bucket, application, folder):
    folder.mkdir()
    source = consistent_copy(application.database, folder / "source.db")
    for path in restore_all_both_ways(bucket, [application.client_id], folder / "restored")[application.client_id]:
        check_same_database(source, path)
    check_whole_history(bucket.ltx_objects(application.client_id))


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


@BOTH_STORES
def test_exactly_one_of_two_daemons_replicates_and_a_takeover_turns_it_round(bucket, folder, make_manager, make_application):
    there = folder / "there"
    there.mkdir()
    here = make_application(1, work="mixed")
    here.write(10)
    first = make_manager(bucket).start()
    first.wait_stored([here.client_id])
    elsewhere = make_application(1, inside=there, seed=99)
    elsewhere.write(10)
    second = make_manager(bucket, watch_dirs=[there], name="second").start()
    second.wait_stored([here.client_id])
    began = datetime.datetime.now(datetime.timezone.utc)
    before = objects(bucket)

    here.write(5)
    conflict = first.wait_state(here.client_id, "conflict")["conflict"]
    assert conflict["writer"] == "manager" and len(conflict["lineage"]) == 16
    assert conflict["txid"] == 2 and conflict["key"] in before
    assert abs(when(conflict["since"]) - began) < datetime.timedelta(seconds=60)
    assert conflict["since"] < conflict["noticedAt"]
    text = first.log_text()
    assert f"lineage={conflict['lineage']}" in text and f"litestream-manager takeover {here.client_id}" in text
    assert first.metrics()['litestream_manager_clients{state="conflict"}'] == 1
    elsewhere.write(5)
    second.wait_stored([here.client_id])
    here.write(5)
    let_time_pass(2)
    before = check_kept(before, bucket)
    check_backup_is(bucket, elsewhere, folder / "the-others")
    last = max(o.max_txid for o in bucket.ltx_objects(here.client_id))

    told = takeover(first, here.client_id.upper())
    assert told.returncode == 0, told.stderr
    for part in ("Nothing was done", conflict["lineage"], conflict["since"], f"stored as TXID {last + 1}", "Stop the other"):
        assert part in told.stdout, told.stdout
    assert first.client(here.client_id)["state"] == "conflict" and objects(bucket) == before

    done = takeover(first, "-all", "-confirm")
    assert done.returncode == 0 and "Taken over" in done.stdout, done.stdout + done.stderr
    first.wait_stored([here.client_id])
    assert first.client(here.client_id)["conflict"] is None and first.counters()["takeovers"] == 1
    elsewhere.write(5)
    other = second.wait_state(here.client_id, "conflict")["conflict"]
    assert other["writer"] == "manager" and other["lineage"] != conflict["lineage"] and other["txid"] == last + 1
    here.write(5)
    first.wait_stored([here.client_id])
    check_kept(before, bucket)
    check_backup_is(bucket, here, folder / "ours")
    the_others = litestream_restore(bucket, here.client_id, folder / "the-others.db", txid=last)
    check_same_database(folder / "the-others" / "source.db", the_others)


def test_a_takeover_without_a_daemon_is_done_by_the_next_start(file_bucket, folder, make_manager, make_application):
    there = folder / "there"
    there.mkdir()
    here = make_application(1, work="mixed")
    here.write(10)
    first = make_manager(file_bucket).start()
    first.wait_stored([here.client_id])
    elsewhere = make_application(1, inside=there, seed=99)
    elsewhere.write(10)
    second = make_manager(file_bucket, watch_dirs=[there], name="second").start()
    second.wait_stored([here.client_id])
    assert second.stop() == 0
    here.write(1)
    first.wait_state(here.client_id, "conflict")
    first.kill()
    before = objects(file_bucket)
    assert "next start" in takeover(first, here.client_id, "-confirm").stdout
    first.start()
    first.wait_stored([here.client_id])
    assert not list((first.state_dir / "takeover").iterdir()), "granted once"
    check_kept(before, file_bucket)
    check_backup_is(file_bucket, here, folder / "end")


def test_a_takeover_that_is_not_needed_or_not_possible_says_so(file_bucket, folder, make_manager, make_application):
    application = make_application(1)
    application.write(3)
    manager = make_manager(file_bucket).start()
    manager.wait_stored([application.client_id])
    before = objects(file_bucket)
    named = takeover(manager, application.client_id, "-confirm")
    assert named.returncode == 0 and "nothing to take over" in named.stdout
    assert "Nothing to take over" in takeover(manager, "-all", "-confirm").stdout
    unknown = takeover(manager, "0" * 8 + "-0000-0000-0000-" + "0" * 12)
    assert unknown.returncode == 3 and "knows no client" in unknown.stderr
    other = run_manager("takeover", "-all", "-state-dir", str(manager.state_dir), "-bucket", f"file://{folder}/other")
    assert other.returncode == 2 and "belongs to" in other.stderr
    nowhere = run_manager("takeover", "-all", "-state-dir", str(folder / "nowhere"), *file_bucket.manager_arguments())
    assert nowhere.returncode == 3 and "nowhere" in nowhere.stderr
    assert objects(file_bucket) == before


@BOTH_STORES
def test_copies_of_one_state_directory_do_not_take_turns(bucket, folder, make_manager, make_application):
    """A virtual machine is cloned, application, state directory, credentials and all, and both go on."""
    here = make_application(1, work="mixed")
    here.write(10)
    original = make_manager(bucket).start()
    original.wait_stored([here.client_id])
    original.kill()
    shutil.copytree(folder / "clients", folder / "clone")
    shutil.copytree(original.state_dir, folder / "clone-state")
    clone_application = make_application(1, inside=folder / "clone", seed=99)
    original.start()
    clone = make_manager(bucket, watch_dirs=[folder / "clone"], name="clone").start()
    for manager in (original, clone):
        manager.wait_state(here.client_id, "live", "idle")
    here.write(3)
    original.wait_stored([here.client_id])
    before = objects(bucket)

    clone_application.write(3)
    conflict = clone.wait_state(here.client_id, "conflict")["conflict"]
    assert conflict["writer"] == "same-state-directory"
    for _ in range(3):
        here.write(2)
        clone_application.write(2)
        original.wait_stored([here.client_id])
    assert clone.stop(timeout=15) == 1, "what it could not store is told, and not waited for"
    clone.start()
    clone.wait_state(here.client_id, "conflict")
    assert original.state(here.client_id) in {"live", "idle"}
    check_kept(before, bucket)
    check_backup_is(bucket, here, folder / "end")


def test_a_state_directory_of_yesterday_says_so_and_is_taken_over(s3_bucket, folder, make_manager, make_application):
    application = make_application(1, work="mixed", session="oneshot")
    application.write(10)
    manager = make_manager(s3_bucket).start()
    manager.wait_stored([application.client_id])
    assert manager.stop() == 0
    shutil.copytree(manager.state_dir, folder / "yesterday")
    for _ in range(3):
        manager.start()
        application.write(5)
        manager.wait_stored([application.client_id])
        assert manager.stop() == 0
    before = objects(s3_bucket)
    last = max(o.max_txid for o in s3_bucket.ltx_objects(application.client_id))
    shutil.rmtree(manager.state_dir)
    shutil.copytree(folder / "yesterday", manager.state_dir)

    manager.start()
    client = manager.wait_state(application.client_id, "conflict")
    assert client["conflict"]["writer"] == "same-state-directory" and client["conflict"]["txid"] == 2
    assert "put back to an older day" in client["detail"]
    assert "Taken over" in takeover(manager, "-all", "-confirm").stdout
    manager.wait_stored([application.client_id])
    assert max(o.max_txid for o in s3_bucket.ltx_objects(application.client_id)) == last, "the bucket had this very state"
    application.write(1)
    wait_until(lambda: max(o.max_txid for o in s3_bucket.ltx_objects(application.client_id)) == last + 1, 20, "the next TXID")
    check_kept(before, s3_bucket)
    check_backup_is(s3_bucket, application, folder / "end")
