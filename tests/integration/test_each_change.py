"""The world stops after each change of the bucket, whatever made it: a new object, a merge, a snapshot, in a directory each
single one of a batch of deletions, on an S3 server each batch. At that moment the stock Litestream restores the newest
state, and earlier ones of the window, as they were when they were stored."""

import json
import random
import re
import struct
from collections import Counter
from datetime import datetime, timezone

import pytest

from harness.compare import chain, check_integrity, check_prefix, check_same_database, consistent_copy
from harness.load import stop_all
from harness.machine import Judge, Machine
from harness.manager import run_manager
from harness.recorder import Recorder
from harness.restore import litestream_restore, manager_restore, restore_all_both_ways
from harness.store import S3Bucket
from harness.wait import wait_until

CLIENTS = 8
OLD_OBJECTS = 1400  # of all clients; a batch of deletions that does not wait for more has 1,000
WINDOW_SECONDS = 3600
KEEP_AN_HOUR = ("-retention-window", "1h", "-retention-hourly", "0s", "-retention-daily", "0s", "-retention-weekly", "0s",
                "-retention-monthly", "0s")
BATCH = 1000
ONE_REMOVAL_OF = 45  # is judged, and one upload of ten meanwhile: the batch has to be answered in time


class Chronicle:
    """What each state was when it was first seen, by client and TXID: it must never be anything else."""

    def __init__(self, world, folder, applications):
        self.world, self.bucket, self.folder = world, world.bucket, folder
        self.applications = {a.client_id: a for a in applications}
        self.chance = random.Random(4)
        self.states, self.times = {}, {}
        self.judged, self.removals = Counter(), 0

    def restore(self, client_id, restore=litestream_restore, **target):
        output = restore(self.bucket, client_id, self.folder / "judged.db", **target)
        check_integrity(output)
        rows = chain(output)
        output.unlink()
        return rows

    def enter_newest(self, client_id):
        """As Litestream restores it now; never less than before, never more than was committed."""
        rows = self.restore(client_id)
        raw = [o for o in self.bucket.ltx_objects(client_id) if o.level == 0]
        txid = raw[-1].max_txid
        known = self.states.setdefault(client_id, {})
        assert not known or max(known) <= txid, f"TXID {txid} is the newest, and {max(known)} was stored"
        assert known.setdefault(txid, rows) == rows, f"TXID {txid} of {client_id} is another state than before"
        if (client_id, txid) not in self.times:
            self.times[client_id, txid] = self.world.time_of(raw[-1].key)
        assert len(rows) <= self.applications[client_id].committed() + 1

    def check_earlier(self, client_id):
        txid = self.chance.choice(list(self.states[client_id]))
        assert self.restore(client_id, txid=txid) == self.states[client_id][txid], f"TXID {txid} of {client_id}"

    def check_time(self, client_id):
        """Between two neighbours that were stored at different moments, the older of them before the window perhaps."""
        begin = max(self.times.values()) - WINDOW_SECONDS + 60
        between = {txid: (max(at, begin), self.times[client_id, txid + 1]) for (of, txid), at in self.times.items()
                   if of == client_id and (of, txid + 1) in self.times}
        wide = {txid: (earlier + later) / 2 for txid, (earlier, later) in between.items() if later - earlier > 0.02}
        if not wide:
            return
        txid = self.chance.choice(list(wide))
        moment = datetime.fromtimestamp(wide[txid], timezone.utc)
        rows = self.restore(client_id, self.world.restore_at, timestamp=moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
        assert rows == self.states[client_id][txid], f"{moment}, TXID {txid} of {client_id}"

    def stored(self, client_id, level):
        if level == 0 and 0 < self.removals < BATCH and self.chance.random() > 0.1:
            return
        self.enter_newest(client_id)
        if level > 0 or self.chance.random() < 0.3:
            self.check_earlier(client_id)
        self._judged_one(client_id, level)

    def removed(self, client_id, count=1):
        self.removals += count
        if count == 1 and self.removals % ONE_REMOVAL_OF:
            return
        self.enter_newest(client_id)
        self.check_earlier(client_id)
        self._judged_one(client_id, "removed")

    def _judged_one(self, client_id, what):
        if self.chance.random() < 0.1:
            self.check_time(client_id)
        self.judged[what] += 1


class FolderWorld:
    """A directory, and a daemon that stops after each change of it."""

    restore_at = staticmethod(litestream_restore)

    def __init__(self, bucket, folder, environment):
        self.bucket = self.daemons_bucket = bucket
        self._judge = Judge(folder / "judge", bucket.root)
        environment |= self._judge.environment
        self.failures, self.close = self._judge.failures, self._judge.close

    def changes(self):
        return self._judge.changes

    def time_of(self, key):
        return (self.bucket.root / key).stat().st_mtime

    def tell(self, chronicle):
        def look(change, key):
            client_id, level = key.split("/")[1], int(key.split("/")[3])
            chronicle.removed(client_id) if change == "-" else chronicle.stored(client_id, level)
        self._judge.look = look


class ServerWorld:
    """An S3 server, and a gateway in between that stops after each request that changes something. The server's clock
    cannot be set, so the gateway signs for the daemon."""

    # Litestream takes no time that is later than the server's.
    restore_at = staticmethod(manager_restore)
    LTX = re.compile(r"databases/([0-9a-f-]{36})/(000[0-9])/[^/]*\.ltx$")

    def __init__(self, bucket):
        self.bucket = S3Bucket(bucket.account, bucket.name)  # its connection is the gateway's thread's
        self._gateway = Recorder(bucket.endpoint, sign_for=bucket.account)
        self.daemons_bucket = S3Bucket(bucket.account, bucket.name, self._gateway.endpoint)
        self.failures, self.close = self._gateway.failures, self._gateway.close

    def changes(self):
        return sum(1 for r in self._gateway.requests if r.method == "PUT" and r.status == 200)

    def time_of(self, key):
        return struct.unpack(">q", self.bucket.read(key)[32:40])[0] / 1000  # in the LTX header

    def tell(self, chronicle):
        def look(request):
            found = self.LTX.search(request.target)
            if request.status != 200:
                return
            if request.method == "PUT" and found:
                chronicle.stored(found[1], int(found[2]))
            elif request.method == "POST" and "delete" in request.target:
                for client_id in chronicle.applications:
                    chronicle.removed(client_id, BATCH // CLIENTS)
        self._gateway.between_requests = look


@pytest.fixture
def machine(folder, clients):
    return Machine(folder / "machine", clients=clients, state=folder / "later-state", bucket=folder / "bucket")


@pytest.fixture(params=["file", "s3"])
def world(request, folder, machine):
    if request.param == "s3":
        made = ServerWorld(request.getfixturevalue("s3_bucket"))
    else:
        made = FolderWorld(request.getfixturevalue("file_bucket"), folder, machine.environment)
    yield made
    made.close()


def test_after_each_change_of_the_bucket_litestream_restores_the_newest_state_and_earlier_ones(
        clients, folder, machine, world, make_manager, make_application):
    bucket = world.bucket if world.bucket.kind == "file" else S3Bucket(world.bucket.account, world.bucket.name)
    applications = [make_application(i, progress=str(folder / f"progress-{i}")) for i in range(CLIENTS)]
    ids = [a.client_id for a in applications]

    def start(name):
        return make_manager(world.daemons_bucket, name=name, environment=machine.environment,
                            arguments=("-sync-interval", "1ms", *KEEP_AN_HOUR)).start()

    def foretold(client_id):
        """What `retention` says that would go."""
        said = run_manager("retention", client_id, "-json", *KEEP_AN_HOUR, *world.daemons_bucket.manager_arguments(),
                           bucket=bucket, environment=machine.environment)
        assert said.returncode == 0, said.stderr
        return {(r["level"], int(r["min"], 16), int(r["max"], 16)) for r in json.loads(said.stdout)["clients"][0]["removals"]}

    def stored(client_id):
        return {(o.level, o.min_txid, o.max_txid) for o in bucket.ltx_objects(client_id)}

    first = start("first")
    for application in applications:
        application.start(rate=80.0)
    try:
        wait_until(lambda: world.changes() > OLD_OBJECTS, timeout=60, what="a history of some length")
    finally:
        stop_all(applications)
    first.wait_stored(ids)
    assert first.stop() == 0

    # Three hours later on another host that knows nothing of it: all of that but its last state is older than the window.
    machine.step_clock(3 * 3600)
    chronicle = Chronicle(world, folder, applications)
    for client_id in ids:
        chronicle.enter_newest(client_id)
    before = {client_id: stored(client_id) for client_id in ids}
    to_go = {client_id: foretold(client_id) for client_id in ids}
    assert sum(len(objects) for objects in to_go.values()) >= BATCH
    world.tell(chronicle)
    later = start("later")
    for i, application in enumerate(applications):
        application.start(rate=10.0 if i == 0 else 0.3, row_bytes=8_000 if i == 0 else 300)

    def enough():
        judged = chronicle.judged
        return judged["removed"] >= CLIENTS and judged[1] >= 3 and judged[9] >= 1 and judged[0] >= 60 \
            and later.counters()["removedObjects"] >= BATCH

    try:
        wait_until(lambda: world.failures or enough(), timeout=120, what="merges, a snapshot and removals")
    finally:
        stop_all(applications)
    assert not world.failures, world.failures[0]
    later.wait_stored(ids)
    assert not world.failures, world.failures[0]
    assert later.counters()["upkeepFailures"] == 0
    assert later.stop() == 0
    for client_id in ids:
        assert before[client_id] - stored(client_id) <= to_go[client_id], "something went that was not foretold"

    restored = restore_all_both_ways(bucket, ids, folder / "restored")
    for application in applications:
        source = consistent_copy(application.database, folder / f"{application.client_id}.source.db")
        for path in restored[application.client_id]:
            check_same_database(source, path)
        whole = chain(source)
        for rows in chronicle.states[application.client_id].values():
            check_prefix(rows, whole)
