"""Backups of databases that are gone are removed by command, and by nothing else; what is still wanted is refused."""

import json
import sqlite3

import pytest

from harness.compare import check_same_database, consistent_copy
from harness.manager import run_manager
from harness.restore import restore_all_both_ways
from harness.wait import wait_until

BOTH_STORES = pytest.mark.parametrize("bucket", ["s3", "file"], indirect=True)


def remove(application):
    for suffix in ("", "-wal", "-shm"):
        application.database.with_name(application.database.name + suffix).unlink(missing_ok=True)


def wait_removed(manager, application):
    wait_until(lambda: manager.state(application.client_id) == "removed", timeout=20, what="the database to be seen as gone")


class Host:
    """Two databases that were stored; the daemon does not run."""

    def __init__(self, bucket, folder, clients, make_manager, make_application):
        self.bucket, self.folder, self.clients = bucket, folder, clients
        self.kept, self.dropped = (make_application(i) for i in (1, 2))
        for application in (self.kept, self.dropped):
            application.write(5)
        self.manager = make_manager(bucket).start()
        self.manager.wait_stored([self.kept.client_id, self.dropped.client_id])
        self.state = self.manager.state_dir

    def purge(self, *arguments, client=None, here=True):
        place = ("-watch-dir", str(self.clients), "-state-dir", str(self.state)) if here else ()
        return run_manager("purge", client or self.dropped.client_id, *place, *self.bucket.manager_arguments(), *arguments,
                           bucket=self.bucket)

    def keys(self, application):
        return [key for key in self.bucket.keys() if key.startswith(f"databases/{application.client_id}/")]


@pytest.fixture
def host(bucket, folder, clients, make_manager, make_application):
    return Host(bucket, folder, clients, make_manager, make_application)


@BOTH_STORES
def test_a_backup_goes_when_its_database_is_gone_and_the_database_may_come_back(host, folder, make_manager):
    stays, goes = host.keys(host.kept), host.keys(host.dropped)
    source = consistent_copy(host.dropped.database, folder / "dropped.db")
    remove(host.dropped)
    wait_removed(host.manager, host.dropped)
    assert host.manager.stop() == 0

    told = host.purge()
    assert told.returncode == 0 and "Repeat it with -confirm" in told.stdout, told.stderr
    assert host.keys(host.dropped) == goes
    done = host.purge("-confirm", "-json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["purged"] and said["removed"] == len(goes) and said["refused"] == []
    assert host.keys(host.dropped) == [] and host.keys(host.kept) == stays
    assert host.purge("-confirm").returncode == 3, "again: there is nothing"

    # The same GUID begins anew, and the other one goes on as if nothing had been.
    source.rename(host.dropped.database)
    host.dropped.write(3)
    host.kept.write(3)
    again = make_manager(host.bucket).start()
    ids = [host.kept.client_id, host.dropped.client_id]
    again.wait_stored(ids)
    assert again.counters()["images"] == 1, "of the one that came back"
    restored = restore_all_both_ways(host.bucket, ids, folder / "restored")
    for application in (host.kept, host.dropped):
        now = consistent_copy(application.database, folder / f"{application.client_id}.now.db")
        for path in restored[application.client_id]:
            check_same_database(now, path)
    assert again.stop() == 0


@BOTH_STORES
def test_what_may_still_be_wanted_is_not_removed(host, folder):
    before = host.bucket.keys()

    def refused(*arguments, reason, **options):
        done = host.purge("-confirm", *arguments, **options)
        assert done.returncode == 5 and reason in done.stdout + done.stderr, done.stdout + done.stderr
        assert [key for key in host.bucket.keys() if "/pins/" not in key] == before

    refused(reason="the database exists")
    remove(host.dropped)
    wait_removed(host.manager, host.dropped)
    refused(reason="a daemon that knows the database runs")
    assert host.manager.stop() == 0
    refused(reason="nobody can tell", here=False)
    refused("-gone", reason="less than an hour ago", here=False)
    empty = folder / "empty"
    empty.mkdir()
    elsewhere = run_manager("purge", host.dropped.client_id, "-confirm", "-watch-dir", str(host.clients),
                            *host.bucket.manager_arguments(), bucket=host.bucket)
    assert elsewhere.returncode == 5 and "may live on another one" in elsewhere.stderr
    # A disk that is not mounted.
    aside = host.clients.rename(folder / "aside")
    absent = host.purge("-confirm")
    assert absent.returncode == 3 and "is it mounted" in absent.stderr
    host.clients.mkdir()
    refused(reason="holds no database at all: is it mounted?")
    host.clients.rmdir()
    aside.rename(host.clients)
    pin = run_manager("pin", host.dropped.client_id, "-note", "evidence", *host.bucket.manager_arguments(), bucket=host.bucket)
    assert pin.returncode == 0, pin.stderr
    refused(reason="are pinned")
    assert run_manager("unpin", host.dropped.client_id, "-all", *host.bucket.manager_arguments(),
                       bucket=host.bucket).returncode == 0
    assert host.purge("-confirm").returncode == 0
    assert host.keys(host.dropped) == [] and host.keys(host.kept) != []


@pytest.mark.parametrize("bucket", ["file"], indirect=True)
def test_what_cannot_be_looked_at_is_not_gone(host, clients, make_manager, make_application):
    below = clients / "disk"
    below.mkdir()
    tenant = make_application(3, inside=below)
    tenant.write(3)
    host.manager.wait_stored([tenant.client_id])
    assert host.manager.stop() == 0
    before = host.bucket.keys()
    aside = below.rename(clients.parent / "disk-aside")

    def refused(reason, *arguments):
        done = host.purge("-confirm", *arguments, client=tenant.client_id)
        assert done.returncode == 5 and reason in done.stdout, done.stdout + done.stderr
        assert host.bucket.keys() == before
        return done.stdout

    # A mount point that went with its disk; the watched directory holds other databases.
    assert "-gone" in refused(f"its directory is gone: {below}. Is it mounted?")
    assert "its directory is gone" not in refused("less than an hour ago", "-gone")
    # A path that fails other than by absence, for root, too.
    below.symlink_to(below)
    for arguments in ((), ("-gone",)):
        told = refused("whether the database exists cannot be told", *arguments)
        assert str(tenant.database) in told and "the database exists:" not in told
    audit = run_manager("audit", "-watch-dir", str(clients), "-state-dir", str(host.state), "-json",
                        *host.bucket.manager_arguments(), bucket=host.bucket)
    assert tenant.client_id not in json.dumps(json.loads(audit.stdout).get("gone")), audit.stdout
    below.unlink()
    aside.rename(below)
    refused("the database exists")


@pytest.mark.parametrize("bucket", ["file"], indirect=True)
def test_of_two_spellings_the_one_that_was_asked_goes(bucket, folder, clients, make_manager):
    upper, lower = "ABCDEF00-0000-4000-8000-000000000001", "abcdef00-0000-4000-8000-000000000001"
    anchor = "abcdef00-0000-4000-8000-000000000002"
    state = folder / "manager-state"
    for spelling in (upper, lower):
        for client in (spelling, anchor):
            connection = sqlite3.connect(clients / f"{client}.db")
            connection.executescript("PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS t(a); INSERT INTO t VALUES(1)")
            connection.close()
        manager = make_manager(bucket, state_dir=state).start()
        manager.wait_stored([spelling, anchor])
        assert manager.stop() == 0
        (clients / f"{spelling}.db").rename(folder / f"{spelling}.db")

    def purge(client):
        return run_manager("purge", client, "-confirm", "-json", "-watch-dir", str(clients), "-state-dir", str(state),
                           *bucket.manager_arguments(), bucket=bucket)

    def stored(client):
        return [key for key in bucket.keys() if key.startswith(f"databases/{client}/")]

    kept = stored(lower)
    assert kept and stored(upper)
    (folder / f"{lower}.db").rename(clients / f"{lower}.db")
    assert purge(upper).returncode == 5, "the other spelling is there: one of them may have been renamed"
    (clients / f"{lower}.db").rename(folder / f"{lower}.db")
    done = purge(upper)
    assert done.returncode == 0 and json.loads(done.stdout)["id"] == upper, done
    assert stored(upper) == [] and stored(lower) == kept
    view = sqlite3.connect(f"file:{state}/state.db?mode=ro", uri=True)
    assert [row for (row,) in view.execute("SELECT client_id FROM clients ORDER BY 1")] == [lower, anchor]
    view.close()
    again = purge(upper)
    assert again.returncode == 3 and lower in again.stderr, "what is left is another one's"
    assert stored(lower) == kept
    assert purge(lower).returncode == 0
    assert stored(lower) == [] and stored(anchor)


@BOTH_STORES
def test_a_client_that_lives_on_another_host_is_not_purged_from_the_first(host, folder, make_manager, make_application):
    """Its last host remembers it, and finds no file: what is in the bucket is the live backup of the other one."""
    assert host.manager.stop() == 0
    there = folder / "other-host"
    there.mkdir()
    consistent_copy(host.dropped.database, there / host.dropped.database.name)
    remove(host.dropped)
    moved = make_application(2, inside=there)
    moved.write(3)
    other = make_manager(host.bucket, watch_dirs=[there], name="other").start()
    other.wait_stored([moved.client_id])
    assert other.stop() == 0
    before = host.bucket.keys()
    for arguments in ((), ("-gone",)):
        done = host.purge("-confirm", *arguments)
        assert done.returncode == 5 and "another host has gone on with it" in done.stdout, done.stdout + done.stderr
        assert host.bucket.keys() == before
    recorded = run_manager("purge", host.kept.client_id, "-gone", "-confirm", "-state-dir", str(host.state),
                           *host.bucket.manager_arguments(), bucket=host.bucket)
    assert recorded.returncode == 5 and "less than an hour ago" in recorded.stdout
    assert "another host" not in recorded.stdout and host.bucket.keys() == before


@pytest.mark.parametrize("bucket", ["file"], indirect=True)
def test_a_purge_that_was_killed_half_way_is_repeated_and_a_database_that_comes_back_gets_a_whole_backup(
        host, folder, make_manager):
    for _ in range(4):
        host.dropped.write(3)
        host.manager.wait_stored([host.dropped.client_id])
    source = consistent_copy(host.dropped.database, folder / "dropped.db")
    remove(host.dropped)
    wait_removed(host.manager, host.dropped)
    assert host.manager.stop() == 0
    # As if it had ended after its first deletions: the state has forgotten, the objects are there in part.
    held = {key: host.bucket.read(key) for key in host.keys(host.dropped)}
    oldest, *others = sorted(held)
    assert others
    assert host.purge("-confirm").returncode == 0
    newest = host.bucket.root / others[-1]
    newest.parent.mkdir(parents=True, exist_ok=True)
    newest.write_bytes(held[others[-1]])

    source.rename(host.dropped.database)
    manager = make_manager(host.bucket).start()
    manager.wait_stored([host.dropped.client_id])
    now = consistent_copy(host.dropped.database, folder / "now.db")
    for path in restore_all_both_ways(host.bucket, [host.dropped.client_id], folder / "restored")[host.dropped.client_id]:
        check_same_database(now, path)
    remove(host.dropped)
    wait_removed(manager, host.dropped)
    assert manager.stop() == 0
    assert host.purge("-confirm").returncode == 0
    assert host.keys(host.dropped) == []
