"""What can happen to files and directories: clients come, go, move and come back, and each is told apart rightly."""

import os
import shutil

from harness.compare import chain, check_same_database, consistent_copy
from harness.load import Application, client_id
from harness.restore import litestream_restore, restore_all_both_ways
from harness.settings import manager_binary
from harness.store import check_nothing_rewritten, check_whole_history
from harness.wait import wait_until


def check_backup(bucket, application, folder, database=None):
    """The backup is the database as it is now."""
    target = folder / f"check-{application.client_id}-{len(os.listdir(folder))}"
    source_folder = target / "source"
    source_folder.mkdir(parents=True)
    source = consistent_copy(database or application.database, source_folder / "source.db")
    for path in restore_all_both_ways(bucket, [application.client_id], target)[application.client_id]:
        check_same_database(source, path)


def test_a_touched_file_waits_and_becomes_live_by_its_first_write(file_bucket, folder, make_manager, make_application):
    manager = make_manager(file_bucket).start()
    application = make_application(1)
    application.database.touch()
    waiting = manager.wait_state(application.client_id, "waiting")
    assert waiting["txid"] == 0 and waiting["databasePath"] == str(application.database)
    assert waiting["s3Path"] == f"databases/{application.client_id}"
    assert file_bucket.ltx_objects(application.client_id) == []
    application.write(5)
    manager.wait_stored([application.client_id])
    check_backup(file_bucket, application, folder)


def test_a_removed_database_keeps_its_backup(file_bucket, folder, make_manager, make_application):
    application = make_application(1, session="oneshot")
    application.write(10)
    kept = consistent_copy(application.database, folder / "kept.db")
    manager = make_manager(file_bucket).start()
    manager.wait_stored([application.client_id])
    application.database.unlink()
    wait_until(lambda: manager.state(application.client_id) == "removed", 20, "removed")
    check_same_database(kept, litestream_restore(file_bucket, application.client_id, folder / "restored.db"))
    assert manager.stop() == 0
    check_same_database(kept, litestream_restore(file_bucket, application.client_id, folder / "restored-later.db"))


def test_a_database_deleted_and_made_anew_continues_the_history(file_bucket, folder, make_manager, make_application):
    application = make_application(1, work="mixed")
    manager = make_manager(file_bucket).start()
    application.write(20)
    manager.wait_stored([application.client_id])
    first = file_bucket.ltx_objects(application.client_id)
    old = consistent_copy(application.database, folder / "old.db")

    application.database.unlink()
    anew = make_application(1, page_size=1024, seed=77)
    anew.write(7)
    wait_until(lambda: len(file_bucket.ltx_objects(application.client_id)) > len(first), 20, "the new database's first object")
    manager.wait_stored([application.client_id])
    check_backup(file_bucket, anew, folder)
    history = file_bucket.ltx_objects(application.client_id)
    check_nothing_rewritten(first, history)
    check_whole_history(history)
    last_of_old = max(o.max_txid for o in first)
    check_same_database(old, litestream_restore(file_bucket, anew.client_id, folder / "old-again.db", txid=last_of_old))


def test_renames_into_and_out_of_the_watched_directory(file_bucket, clients, folder, make_manager):
    outside = folder / "outside"
    outside.mkdir()
    application = Application(outside, 1)
    application.write(10)
    manager = make_manager(file_bucket).start()
    inside = clients / application.database.name
    application.database.rename(inside)
    manager.wait_stored([application.client_id])
    check_backup(file_bucket, application, folder, inside)

    inside.rename(application.database)
    wait_until(lambda: manager.state(application.client_id) == "removed", 20, "removed")
    application.write(10)
    application.database.rename(inside)
    wait_until(lambda: manager.state(application.client_id) != "removed", 20, "seen again")
    manager.wait_stored([application.client_id])
    check_backup(file_bucket, application, folder, inside)
    check_whole_history(file_bucket.ltx_objects(application.client_id))


def test_a_file_renamed_over_a_database_is_backed_up_instead(file_bucket, folder, make_manager, make_application):
    outside = folder / "outside"
    outside.mkdir()
    application = make_application(1)
    application.write(10)
    manager = make_manager(file_bucket).start()
    manager.wait_stored([application.client_id])
    before = file_bucket.ltx_objects(application.client_id)
    replacement = Application(outside, 1, seed=9, work="mixed")
    replacement.write(15)
    os.replace(replacement.database, application.database)
    wait_until(lambda: len(file_bucket.ltx_objects(application.client_id)) > len(before), 20, "the new file's first object")
    manager.wait_stored([application.client_id])
    check_backup(file_bucket, application, folder)
    check_nothing_rewritten(before, file_bucket.ltx_objects(application.client_id))


def test_a_database_that_moves_between_watched_directories_stays_one_client(file_bucket, clients, folder, make_manager,
                                                                             make_application):
    (clients / "a").mkdir()
    (clients / "b").mkdir()
    application = make_application(1, inside=clients / "a")
    application.write(10)
    manager = make_manager(file_bucket).start()
    manager.wait_stored([application.client_id])
    moved = clients / "b" / application.database.name
    application.database.rename(moved)
    wait_until(lambda: (manager.client(application.client_id) or {}).get("databasePath") == str(moved), 20, "new path shown")
    application.spec["database"] = str(moved)
    application.write(5)
    wait_until(lambda: len(chain(litestream_restore(file_bucket, application.client_id, folder / f"{os.urandom(4).hex()}.db")))
               == 15, 20, "writes at the new place backed up", 0.5)
    assert manager.status()["totalClients"] == 1


def test_trees_appear_and_vanish(file_bucket, clients, folder, make_manager, make_application):
    manager = make_manager(file_bucket).start()
    deep = clients / "region" / "shard-7"
    deep.mkdir(parents=True)
    application = make_application(1, inside=deep)
    application.write(5)
    prepared = folder / "prepared"
    (prepared / "inner").mkdir(parents=True)
    moved_in = Application(prepared / "inner", 2)
    moved_in.write(5)
    prepared.rename(clients / "moved-in")
    manager.wait_stored([application.client_id, moved_in.client_id])
    check_backup(file_bucket, application, folder)
    application.write(5)
    manager.wait_stored([application.client_id])
    check_backup(file_bucket, application, folder)

    shutil.rmtree(clients / "region")
    wait_until(lambda: manager.state(application.client_id) == "removed", 20, "removed")
    assert manager.client(moved_in.client_id)["state"] in ("live", "idle")


def test_names_that_differ_only_in_case_are_one_client_and_the_second_is_refused(file_bucket, clients, folder, make_manager,
                                                                               make_application):
    (clients / "upper").mkdir()
    first = make_application(0xABCDEF)
    first.write(5)
    manager = make_manager(file_bucket).start()
    manager.wait_stored([first.client_id])
    second = clients / "upper" / (first.client_id.upper() + ".db")
    shutil.copyfile(first.database, second)
    wait_until(lambda: manager.counters()["refusedFiles"] >= 1, 20, "the second file refused")
    status = manager.status()
    assert [c["clientId"] for c in status["clients"]] == [first.client_id]
    assert any(str(second) in notice for notice in status["notices"]), status["notices"]
    check_backup(file_bucket, first, folder)


def test_other_files_are_ignored(file_bucket, clients, make_manager, make_application):
    for name in ("notes.db", "5eed.db", f"{client_id(9)}.txt", f"x{client_id(9)}.db", f"{client_id(9)}.db.bak", ".hidden.db"):
        (clients / name).write_bytes(b"not a client")
    os.mkfifo(clients / f"{client_id(8)}.db")
    (clients / f"{client_id(7)}.db").mkdir()
    os.symlink(clients / "notes.db", clients / f"{client_id(6)}.db")
    os.symlink(clients, clients / "loop")
    application = make_application(1)
    application.write(5)
    manager = make_manager(file_bucket).start()
    manager.wait_stored([application.client_id])
    states = {c["clientId"]: c["state"] for c in manager.status()["clients"]}
    assert states.pop(application.client_id) in ("live", "idle")
    # Shown as blocked or not at all, both are honest; backed up or waiting for ever would not be.
    assert set(states) <= {client_id(n) for n in (6, 7, 8)} and set(states.values()) <= {"blocked"}, states
    assert not [key for key in file_bucket.keys() if application.client_id not in key and key.endswith(".ltx")]
    assert manager.stop() == 0


def test_a_file_that_is_not_a_database_does_not_disturb_the_others(file_bucket, clients, make_manager, make_application):
    (clients / f"{client_id(5)}.db").write_bytes(b"plain text, much longer than a header " * 100)
    application = make_application(1)
    application.write(5)
    manager = make_manager(file_bucket).start()
    manager.wait_stored([application.client_id])
    assert manager.client(client_id(5))["state"] in ("waiting", "blocked")
    assert not file_bucket.ltx_objects(client_id(5))
    assert manager.stop() == 0


def test_an_unreadable_database_is_blocked_while_the_others_run(file_bucket, clients, folder, make_manager, make_application):
    """Nothing is unreadable to root, so the daemon then runs as the user `nobody`, from a copy of the binary that every
    user can reach."""
    binary = folder / "litestream-manager"
    shutil.copy(manager_binary(), binary)
    binary.chmod(0o755)
    applications = [make_application(n, session="oneshot") for n in (1, 2)]
    for application in applications:
        application.write(5)
    state = folder / "state"
    state.mkdir()
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        for path in (state, clients, file_bucket.root, *(a.database for a in applications)):
            shutil.chown(path, "nobody", "nogroup")
    closed, readable = applications
    if user:
        shutil.chown(closed.database, "root", "root")
    closed.database.chmod(0)
    manager = make_manager(file_bucket, state_dir=state, user=user, binary=binary).start()
    blocked = manager.wait_state(closed.client_id, "blocked")
    assert "ermission" in blocked["detail"], blocked
    manager.wait_stored([readable.client_id])
    closed.database.chmod(0o644)
    if user:
        shutil.chown(closed.database, "nobody", "nogroup")
    manager.wait_stored([closed.client_id], timeout=90)
    assert manager.stop() == 0


def test_a_missing_watch_directory_is_picked_up_when_it_appears(file_bucket, clients, folder, make_manager, make_application):
    late = folder / "late"
    present = make_application(1)
    present.write(5)
    manager = make_manager(file_bucket, watch_dirs=[clients, late]).start()
    manager.wait_stored([present.client_id])
    dirs = {w["path"]: w for w in manager.status()["watchDirStates"]}
    assert dirs[str(clients)]["ok"] and not dirs[str(late)]["ok"]
    assert not manager.healthy()
    late.mkdir()
    arrived = make_application(2, inside=late)
    arrived.write(5)
    manager.wait_stored([present.client_id, arrived.client_id], timeout=60)
    assert all(w["ok"] for w in manager.status()["watchDirStates"])
    assert manager.healthy()
    check_backup(file_bucket, arrived, folder)


def test_a_second_daemon_on_the_same_state_is_refused(file_bucket, folder, make_manager, make_application):
    application = make_application(1)
    application.write(5)
    first = make_manager(file_bucket).start()
    second = make_manager(file_bucket, name="second", state_dir=first.state_dir)
    second.spawn()
    assert second.wait_exit(15) == 1
    assert str(first.state_dir) in second.log_text()
    first.wait_stored([application.client_id])
    assert first.stop() == 0
