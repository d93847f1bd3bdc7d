"""Restores databases while everything goes on, in every way there is, and hands each result to the judge."""

import random
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from harness.restore import litestream_restore, manager_restore, verify
from harness.store import Bucket
from judge import Restored, Violation
from workload import OracleDatabase

WAYS = [("manager, latest", 3), ("manager, TXID", 3), ("manager, time", 2), ("litestream, latest", 3), ("litestream, TXID", 3), ("litestream, time", 1),
        ("manager, verify", 2)]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def rfc3339(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Restorer:
    """One thread. Ends at the first violation, which it hands to `fail` with the database."""

    def __init__(self, number: int, seed: int, bucket: Bucket, databases: list[OracleDatabase], folder: Path,
                 fail: Callable[[OracleDatabase, Exception], None], clock_was_set: Callable[[], bool] = lambda: False):
        self.number, self.bucket, self.databases, self.folder, self.fail = number, bucket, databases, folder, fail
        self.clock_was_set = clock_was_set
        self.turn = threading.Lock()  # held while it restores
        self.dice = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"restorer{number}")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            database = self.dice.choice(self.databases)
            way = self.dice.choices([w for w, _ in WAYS], [n for _, n in WAYS])[0]
            # Once the daemon's clock was set, its times are not the applications' any more.
            way = way.replace(", time", ", TXID") if self.clock_was_set() else way
            try:
                with self.turn:
                    restored = self.restore(database, way)
                if not restored:
                    self._stop.wait(0.1)
            except Exception as problem:  # noqa: BLE001 whatever it is, the run ends with it
                self.fail(database, problem)
                return

    def restore(self, database: OracleDatabase, way: str) -> bool:
        """False: there is nothing to restore yet."""
        reported = database.judge.reported_txid()
        began = now_ms()
        txids = sorted({o.max_txid for o in self.bucket.ltx_objects(database.client_id)})
        newest = txids[-1] if txids else 0
        if newest < reported:
            raise Violation(f"{database.client_id}: TXID {reported} was reported as stored, the bucket ends at {newest}")
        if not txids:
            return False
        if way == "manager, verify":
            self.verify(database.client_id, newest)
            return True
        output = self.folder / f"{database.client_id}.{self.number}.db"
        output.unlink(missing_ok=True)
        if way == "manager, latest":
            restored = Restored(manager_restore(self.bucket, database.client_id, output), way, at_least_txid=newest)
        elif way == "litestream, latest":
            restored = Restored(litestream_restore(self.bucket, database.client_id, output), way, at_least_txid=newest)
        elif way.endswith(", TXID"):
            # The newest ones are the likeliest to be wrong.
            txid = self.dice.choice(txids if self.dice.random() < 0.5 else txids[-4:])
            restore = manager_restore if way.startswith("manager") else litestream_restore
            restored = Restored(restore(self.bucket, database.client_id, output, txid=txid), way, txid)
        else:
            first = database.judge.stored_at[0][0] + 1 if database.judge.stored_at else began
            if first >= began:
                return False
            at = self.dice.randrange(first, began)
            restore = manager_restore if way.startswith("manager") else litestream_restore
            try:
                path = restore(self.bucket, database.client_id, output, timestamp=rfc3339(at))
            except AssertionError as problem:
                # Litestream's command refuses times that are not between the first and the last object's.
                if "timestamp does not exist" not in str(problem):
                    raise
                return False
            restored = Restored(path, way, at_ms=at, at_least_txid=database.judge.reported_txid(before_ms=at))
        database.judge.check(restored, began if "latest" in way else 0)
        output.unlink()
        return True

    def verify(self, client_id: str, at_least_txid: int) -> None:
        """From the bucket alone. It may be older than what is stored meanwhile, never than what was there before."""
        result = verify(self.bucket, client_id)[0]
        if result["verdict"] == "failure" or int(result["txid"], 16) < at_least_txid:
            raise Violation(f"{client_id}: TXID {at_least_txid} is in the bucket, the drill says {result}")
