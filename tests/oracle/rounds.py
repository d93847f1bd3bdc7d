"""One round: a new bucket, new databases, a daemon, chaos, restores, and at the end a comparison of everything."""

import contextlib
import http.client
import os
import random
import shutil
import threading
import time
import traceback
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chaos import Chaos
from judge import Restored, Violation, examine, page_difference
from restorer import Restorer, now_ms
from workload import OracleDatabase, make_database

from harness.compare import consistent_copy
from harness.machine import Machine
from harness.manager import Manager
from harness.recorder import Recorder
from harness.restore import litestream_restore, manager_restore_all, restore_all_both_ways, verify
from harness.s3 import S3Account
from harness.settings import manager_binary, rough_machine_library
from harness.store import Bucket, FileBucket, S3Bucket, check_whole_history
from harness.wait import let_time_pass, wait_until

RESTORERS = {"all": 2, "kills": 1}


@dataclass(frozen=True)
class Plan:
    seed: int
    store: str
    seconds: float
    databases: int
    folder: Path
    actions_a_second: float = 0.5  # of chaos; 0: none
    profile: str = "all"  # or "kills": small databases and a daemon that is killed all the time


@dataclass
class Result:
    counts: Counter[str] = field(default_factory=Counter)
    lags: list[tuple[int, str]] = field(default_factory=list)
    problem: str = ""


class Round:
    def __init__(self, plan: Plan):
        self.plan, self.result = plan, Result()
        self.dice = random.Random(plan.seed)
        self.folder = plan.folder
        self.clients, self.work = self.folder / "clients", self.folder / "work"
        for path in (self.clients, self.work, self.folder / "restored"):
            path.mkdir(parents=True)
        self.recorder: Recorder | None = None
        self.bucket, self.managers_bucket = self._make_bucket()
        self.machine = Machine(self.folder / "machine", clients=self.clients, state=self.folder / "state",
                               bucket=self.folder / "bucket")
        self.manager = self._make_manager()
        self.databases = [make_database(self.dice, self.work, self.clients, huge=self._is_huge(n), small=plan.profile == "kills")
                          for n in range(plan.databases)]
        self.chaos = Chaos(random.Random(plan.seed + 1), self.manager, self.databases, self.recorder, self.work,
                           plan.profile, machine=self.machine, hold_restores=self._hold_restores)
        self.restorers = [Restorer(n, plan.seed + 2 + n, self.own_view(), self.databases, self.folder / "restored", self.fail,
                                   clock_was_set=lambda: self.machine.clock_was_set) for n in range(RESTORERS[plan.profile])]
        self._failed = threading.Event()
        self._ended = threading.Event()

    def _make_manager(self) -> Manager:
        """Root, or now and then somebody who may only read the databases."""
        arguments = ("-sync-interval", self.dice.choice(["1s", "300ms", "100ms", "20ms"]))
        user = "nobody" if self.plan.profile == "all" and self.dice.random() < 0.2 and os.geteuid() == 0 else None
        binary = None
        if user:
            binary = Path(shutil.copy(manager_binary(), self.folder / "litestream-manager"))
            self.machine.environment["LD_PRELOAD"] = str(shutil.copy(rough_machine_library(), self.folder / "machine.so"))
            (self.folder / "state").mkdir()
            for path in (self.folder / "state", self.folder / "bucket"):
                if path.exists():
                    shutil.chown(path, user, "nogroup")
            for path in (self.folder.parent, self.folder):
                path.chmod(0o755)
        return Manager([self.clients], self.managers_bucket, self.folder / "state", self.folder / "manager.log",
                       arguments=arguments, user=user, binary=binary, environment=self.machine.environment)

    @contextlib.contextmanager
    def _hold_restores(self) -> Iterator[None]:
        """None is under way, and none begins."""
        with contextlib.ExitStack() as held:
            for each in self.restorers:
                held.enter_context(each.turn)
            yield
            for each in self.restorers:
                each.bucket = self.own_view()  # the server may have forgotten the old connections

    def _is_huge(self, number: int) -> bool:
        return self.plan.profile == "all" and number == 0 and self.plan.seconds >= 30 and self.dice.random() < 0.15

    def _make_bucket(self) -> tuple[Bucket, Bucket]:
        """As the judge sees it, and as the daemon does: through a proxy that can misbehave."""
        if self.plan.store == "file":
            bucket = FileBucket(self.folder / "bucket")
            bucket.create()
            return bucket, bucket
        account = S3Account(os.environ["LM_S3_ENDPOINT"], os.environ["AWS_ACCESS_KEY_ID"],
                            os.environ["AWS_SECRET_ACCESS_KEY"])
        self.recorder = Recorder(account.endpoint)
        s3 = S3Bucket(account, f"oracle-{uuid.uuid4().hex[:12]}")
        s3.create()
        return s3, S3Bucket(account, s3.name, self.recorder.endpoint)

    def own_view(self) -> Bucket:
        """The judge's bucket for one more thread, on a connection that the server has not given up yet."""
        return S3Bucket(self.bucket.account, self.bucket.name) if isinstance(self.bucket, S3Bucket) else self.bucket

    def fail(self, database: OracleDatabase | None, problem: Exception) -> None:
        """The first one counts; everything else ends because of it."""
        if not self._failed.is_set():
            text = str(problem) if isinstance(problem, Violation) else "".join(traceback.format_exception(problem))
            self.result.problem = f"{database.client_id if database else 'round'}: {text}"
            self._failed.set()

    def run(self) -> Result:
        observer = threading.Thread(target=self._observe, name="observer")
        try:
            for database in self.databases:
                database.start()
            self.manager.start(60)
            for each in (observer, *self.restorers):
                each.start()
            self._let_it_run()
            for each in self.restorers:
                each.stop()
            if not self._failed.is_set():
                self._end()
        except Exception as problem:  # noqa: BLE001 the summary tells
            self.fail(None, problem)
        finally:
            self._ended.set()
            for each in self.restorers:
                each.stop() if each._thread.is_alive() else None
            self._tidy_up()
        return self.result

    def _let_it_run(self) -> None:
        until = time.monotonic() + self.plan.seconds
        while time.monotonic() < until and not self._failed.is_set():
            calm = self.chaos.dice.expovariate(self.plan.actions_a_second or 1) if self.plan.profile == "all" else 0
            let_time_pass(min(calm, max(0, until - time.monotonic())))
            if self.plan.actions_a_second and time.monotonic() < until:
                self.chaos.act()
            for database in self.databases:
                database.check_alive()

    def _observe(self) -> None:
        """Notes what the daemon reports as stored."""
        while not self._ended.wait(0.3):
            try:
                clients = self.manager.clients()
            except (OSError, http.client.HTTPException, ValueError):
                continue
            for database in self.databases:
                if database.client_id in clients:
                    database.judge.reported(now_ms(), clients[database.client_id]["txid"])

    def _end(self) -> None:
        """Everybody rests, the daemon ends with 0: now nothing may be missing."""
        self.manager.wait_ready(60)
        leftover = self.dice.random() < 0.5
        for database in self.databases:
            if leftover and self.dice.random() < 0.5 and not database.may_leave_journal:
                database.kill()  # its log stays behind
            else:
                database.stop()
        ids = [d.client_id for d in self.databases]
        if self.dice.random() < 0.5:
            self.manager.wait_stored(ids, 90)
            self.result.counts["ends after a quiet moment"] += 1
        else:
            self.result.counts["ends by SIGTERM at once"] += 1
        code = self.manager.stop(90)
        if code != 0:
            raise Violation(f"the daemon ended with {code}")
        self.bucket = self.own_view()
        restored = restore_all_both_ways(self.bucket, ids, self.folder / "end")
        self._prove_and_bring_back_all({client_id: ours for client_id, (_, ours) in restored.items()})
        for database in self.databases:
            try:
                self._compare_end(database, restored[database.client_id])
            except AssertionError as problem:
                raise Violation(f"{database.client_id}: {problem}") from problem

    def _prove_and_bring_back_all(self, restored: dict[str, Path]) -> None:
        """The drill that an operator would make, and what he would do after the loss of the host."""
        watched = ("-state-dir", str(self.folder / "state"), "-watch-dir", str(self.clients))
        verified = verify(self.bucket, "-all", *watched)
        for result in verified:
            self.result.counts[f"end: verified, {result['verdict']}, source {result['source'] or 'not compared'}"] += 1
        all_of_them = self.folder / "all"
        manager_restore_all(self.bucket, all_of_them)
        for client_id, alone in restored.items():
            together = all_of_them / f"{client_id}.db"
            if together.read_bytes() != alone.read_bytes():
                raise Violation(f"{client_id}: restore-all and restore differ")
        shutil.rmtree(all_of_them)

    def _compare_end(self, database: OracleDatabase, restored: tuple[Path, Path]) -> None:
        copy = consistent_copy(database.path, self.folder / "end" / f"{database.client_id}.source.db")
        source = examine(copy)
        database.judge.check_end(source)
        for path, who in zip(restored, ("litestream, end", "manager, end")):
            facts = database.judge.check(Restored(path, who))
            if facts["digest"] != source["digest"]:
                difference = page_difference(copy, path)
                if difference != "free pages":
                    raise Violation(f"{database.client_id}: {who}: {difference}; source {source}, restored {facts}")
                self.result.counts["end: equal but for free pages"] += 1
            path.unlink()
        objects = self.bucket.ltx_objects(database.client_id)
        check_whole_history(objects)
        # What a TXID holds never changes.
        for txid in self.dice.sample(sorted(database.judge.by_txid), min(3, len(database.judge.by_txid))):
            again = litestream_restore(self.bucket, database.client_id, self.folder / "end" / f"{txid}.db", txid=txid)
            database.judge.check(Restored(again, "litestream, TXID again", txid))
            again.unlink()

    def _tidy_up(self) -> None:
        # Nothing is left running, whatever the sums say.
        for database in self.databases:
            database.kill()
        if self.manager.user:
            self.result.counts["rounds as nobody"] += 1
        if self.result.problem:
            self.manager.save_status()
        self.manager.kill()
        self.bucket = self.own_view()
        for database in self.databases:
            database.judge.history.update()
            self.result.counts["transactions"] += database.judge.history.committed()
            self.result.counts["states rolled back"] += sum(s.rolled_back for s in database.judge.history.states.values())
            self.result.counts.update(database.judge.counts)
            self.result.lags += database.judge.lags
        self.result.counts.update({f"chaos, {name}": n for name, n in self.chaos.counts.items()})
        self.result.counts["databases"] += len(self.databases)
        if self.recorder is not None:
            self.recorder.close()
        if self.result.problem:
            self._keep_bucket()
        else:
            self._empty_bucket()
            shutil.rmtree(self.folder)

    def _keep_bucket(self) -> None:
        """An S3 server is gone after the run; its objects stay as files."""
        (self.folder / "problem.txt").write_text(self.result.problem + "\n")
        if isinstance(self.bucket, S3Bucket):
            for key in self.bucket.keys():
                path = self.folder / "bucket" / key
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.bucket.read(key))

    def _empty_bucket(self) -> None:
        if isinstance(self.bucket, S3Bucket):
            for key in self.bucket.keys():
                self.bucket.client.request("DELETE", f"/{self.bucket.name}/{key}")
