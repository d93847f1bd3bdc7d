"""The world stops after each change of the bucket, whatever made it: a new object, a merge, a snapshot, each single one of a
batch of deletions. At that moment the stock Litestream restores the newest state, and earlier ones of the window, as they
were when they were stored."""

import json
import random
from collections import Counter
from datetime import datetime, timezone

import pytest

from harness.compare import chain, check_integrity, check_prefix, check_same_database, consistent_copy
from harness.load import stop_all
from harness.machine import Judge, Machine
from harness.manager import run_manager
from harness.restore import litestream_restore, restore_all_both_ways
from harness.wait import wait_until

CLIENTS = 8
OLD_OBJECTS = 1400  # of all clients; a batch of deletions that does not wait for more has 1,000
KEEP_AN_HOUR = ("-retention-window", "1h", "-retention-hourly", "0s", "-retention-daily", "0s", "-retention-weekly", "0s",
                "-retention-monthly", "0s")
BATCH = 1000
ONE_REMOVAL_OF = 45  # is judged, and one upload of ten meanwhile: the batch has to be answered in time


class Chronicle:
    """What each state was when it was first seen, by client and TXID: it must never be anything else."""

    def __init__(self, bucket, folder, applications):
        self.bucket, self.folder = bucket, folder
        self.applications = {a.client_id: a for a in applications}
        self.chance = random.Random(4)
        self.states, self.times = {}, {}
        self.judged, self.removals = Counter(), 0

    def restore(self, client_id, **target):
        output = litestream_restore(self.bucket, client_id, self.folder / "judged.db", **target)
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
        self.times.setdefault((client_id, txid), (self.bucket.root / raw[-1].key).stat().st_mtime)
        assert len(rows) <= self.applications[client_id].committed() + 1

    def check_earlier(self, client_id):
        txid = self.chance.choice(list(self.states[client_id]))
        assert self.restore(client_id, txid=txid) == self.states[client_id][txid], f"TXID {txid} of {client_id}"

    def check_time(self, client_id):
        """Between two neighbours that were stored at different moments."""
        times = self.times
        pairs = [t for t in self.states[client_id]
                 if (client_id, t + 1) in times and times[client_id, t + 1] - times[client_id, t] > 0.02]
        if not pairs:
            return
        txid = self.chance.choice(pairs)
        middle = datetime.fromtimestamp((times[client_id, txid] + times[client_id, txid + 1]) / 2, timezone.utc)
        rows = self.restore(client_id, timestamp=middle.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
        assert rows == self.states[client_id][txid], f"{middle}, TXID {txid} of {client_id}"

    def look(self, change, key):
        client_id, level = key.split("/")[1], int(key.split("/")[3])
        if change == "-":
            self.removals += 1
            if self.removals % ONE_REMOVAL_OF:
                return
        elif level == 0 and 0 < self.removals < BATCH and self.chance.random() > 0.1:
            return
        self.enter_newest(client_id)
        if change == "-" or level > 0 or self.chance.random() < 0.3:
            self.check_earlier(client_id)
        if self.chance.random() < 0.1:
            self.check_time(client_id)
        self.judged["removed" if change == "-" else level] += 1


@pytest.fixture
def world(file_bucket, clients, folder):
    judge = Judge(folder / "judge", file_bucket.root)
    machine = Machine(folder / "machine", clients=clients, state=folder / "later-state", bucket=file_bucket.root)
    machine.environment |= judge.environment
    yield machine, judge
    judge.close()


def test_after_each_change_of_the_bucket_litestream_restores_the_newest_state_and_earlier_ones(
        file_bucket, clients, folder, world, make_manager, make_application):
    machine, judge = world
    applications = [make_application(i, progress=str(folder / f"progress-{i}")) for i in range(CLIENTS)]
    ids = [a.client_id for a in applications]

    def start(name):
        return make_manager(file_bucket, name=name, environment=machine.environment,
                            arguments=("-sync-interval", "1ms", *KEEP_AN_HOUR)).start()

    def foretold(client_id):
        """What `retention` says that would go."""
        said = run_manager("retention", client_id, "-json", *KEEP_AN_HOUR, *file_bucket.manager_arguments(),
                           environment=machine.environment)
        assert said.returncode == 0, said.stderr
        return {(r["level"], int(r["min"], 16), int(r["max"], 16)) for r in json.loads(said.stdout)["clients"][0]["removals"]}

    def stored(client_id):
        return {(o.level, o.min_txid, o.max_txid) for o in file_bucket.ltx_objects(client_id)}

    first = start("first")
    for application in applications:
        application.start(rate=80.0)
    try:
        wait_until(lambda: judge.changes > OLD_OBJECTS, timeout=60, what="a history of some length")
    finally:
        stop_all(applications)
    first.wait_stored(ids)
    assert first.stop() == 0

    # Three hours later on another host that knows nothing of it: all of that but its last state is older than the window.
    machine.step_clock(3 * 3600)
    chronicle = Chronicle(file_bucket, folder, applications)
    for client_id in ids:
        chronicle.enter_newest(client_id)
    judge.look = chronicle.look
    before = {client_id: stored(client_id) for client_id in ids}
    to_go = {client_id: foretold(client_id) for client_id in ids}
    assert sum(len(objects) for objects in to_go.values()) >= BATCH
    later = start("later")
    for i, application in enumerate(applications):
        application.start(rate=10.0 if i == 0 else 0.3, row_bytes=8_000 if i == 0 else 300)

    def enough():
        judged = chronicle.judged
        return judged["removed"] >= 20 and judged[1] >= 3 and judged[9] >= 1 and judged[0] >= 60 \
            and later.counters()["removedObjects"] >= BATCH

    try:
        wait_until(lambda: judge.failures or enough(), timeout=120, what="merges, a snapshot and removals")
    finally:
        stop_all(applications)
    assert not judge.failures, judge.failures[0]
    later.wait_stored(ids)
    assert not judge.failures, judge.failures[0]
    assert later.counters()["upkeepFailures"] == 0
    assert later.stop() == 0
    for client_id in ids:
        assert before[client_id] - stored(client_id) <= to_go[client_id], "something went that was not foretold"

    restored = restore_all_both_ways(file_bucket, ids, folder / "restored")
    for application in applications:
        source = consistent_copy(application.database, folder / f"{application.client_id}.source.db")
        for path in restored[application.client_id]:
            check_same_database(source, path)
        whole = chain(source)
        for rows in chronicle.states[application.client_id].values():
            check_prefix(rows, whole)
