"""What goes wrong while the oracle watches. Each action is drawn from the seed and leaves things running again."""

import math
import os
import random
import resource
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from harness.load import overflow_events
from harness.machine import Fault, Machine
from harness.manager import Manager
from harness.recorder import Recorder
from harness.wait import let_time_pass
from judge import Violation
from workload import OracleDatabase

S3_SERVER = Path(__file__).resolve().parent.parent / "support" / "s3-server.sh"
SUFFIXES = ("", "-wal", "-shm", "-journal")


def beside(database: Path, suffix: str) -> Path:
    return Path(str(database) + suffix)


def change_modes(paths: list[Path], mode: int | None) -> None:
    """None: as usual again, the database first, since SQLite gives its log the same mode."""
    for path in paths:
        with suppress(FileNotFoundError):
            path.chmod(mode if mode is not None else 0o755 if path.is_dir() else 0o644)


class Chaos:
    """`counts` says what was done and how often. One thread."""

    def __init__(self, dice: random.Random, manager: Manager, databases: list[OracleDatabase], recorder: Recorder | None,
                 folder: Path, profile: str = "all", *, machine: Machine, hold_restores: Callable[[], AbstractContextManager[None]]):
        self.dice, self.manager, self.databases, self.recorder, self.folder = dice, manager, databases, recorder, folder
        self.machine, self.hold_restores = machine, hold_restores
        self.counts: Counter[str] = Counter()
        self._actions: list[tuple[int, Callable[[], None]]] = [
            (6, self.manager_killed), (3, self.manager_ended), (3, self.manager_stopped), (2, self.manager_killed_in_a_burst),
            (6, self.writer_killed), (3, self.all_workers_killed), (3, self.writer_stopped), (3, self.workers_ended),
            (2, self.state_wiped), (2, self.state_cut),
            (3, self.clock_set), (4, self.disk_fails), (2, self.events_overflow),
            (3, self.database_deleted), (3, self.state_of_database_put_aside), (4, self.older_database_put_back)]
        if recorder is not None:
            self._actions += [(4, self.store_misbehaves), (1, self.store_killed)]
        if manager.user:
            self._actions += [(8, self.permissions_taken)]
        else:
            self._actions += [(2, self.descriptors_run_out)]
        if profile == "kills":
            self._actions = [(1, self.manager_killed_soon)]

    def act(self) -> None:
        action = self.dice.choices([a for _, a in self._actions], [w for w, _ in self._actions])[0]
        action()

    def _done(self, what: str) -> None:
        self.counts[what] += 1

    def _kill_manager(self) -> None:
        if self.manager.running():
            self.manager.kill()
            self._done("kills: manager")

    def _pause(self, longest: float) -> None:
        let_time_pass(self.dice.uniform(0, longest))

    def _start_manager(self) -> None:
        self.manager.start(60)

    def manager_killed(self) -> None:
        self._kill_manager()
        self._pause(1.5)
        self._start_manager()

    def manager_killed_in_a_burst(self) -> None:
        for _ in range(self.dice.randint(2, 6)):
            self._kill_manager()
            self.manager.spawn()
            self._pause(0.4)
        self.manager.wait_ready(60)

    def manager_killed_soon(self) -> None:
        """It lives for 0.1 to 3 s from its start, shorter lives more often, ready or not; the last one stays."""
        if not self.manager.running():
            raise Violation("the daemon ended by itself")
        self._pause(0.1)
        let_time_pass(math.exp(self.dice.uniform(math.log(0.05), math.log(2.9))))
        self._kill_manager()
        self.manager.spawn()

    def manager_ended(self) -> None:
        code = self.manager.stop(60)
        self._done(f"manager ended with {code}")
        self._pause(1)
        self._start_manager()

    def manager_stopped(self) -> None:
        assert self.manager.process is not None
        self.manager.suspend()
        self._pause(3)
        self.manager.resume()
        self._done("manager stopped for a while")

    def descriptors_run_out(self) -> None:
        """The daemon gets no new ones for a while."""
        usual = resource.prlimit(self.manager.pid, resource.RLIMIT_NOFILE)
        room = len(os.listdir(f"/proc/{self.manager.pid}/fd")) + self.dice.randint(0, 6)
        resource.prlimit(self.manager.pid, resource.RLIMIT_NOFILE, (room, usual[1]))
        self._pause(3)
        resource.prlimit(self.manager.pid, resource.RLIMIT_NOFILE, usual)
        self._done("daemon without descriptors for a while")

    def _any(self) -> OracleDatabase:
        return self.dice.choice(self.databases)

    def writer_killed(self) -> None:
        each = self.dice.choice(self._any().workers)
        each.kill()
        self._done("kills: writer" if each.command == "write" else "kills: reader")
        self._pause(0.3)
        each.start()

    def all_workers_killed(self) -> None:
        database = self._any()
        database.kill()
        self._done("kills: all applications of a database")
        self._pause(1)
        database.start()

    def workers_ended(self) -> None:
        database = self._any()
        database.stop()
        self._done("last close")
        self._pause(1)
        database.start()

    def writer_stopped(self) -> None:
        each = self.dice.choice(self._any().workers)
        each.signal(signal.SIGSTOP)
        self._pause(2.5)
        each.signal(signal.SIGCONT)
        self._done("application stopped for a while")

    def state_wiped(self) -> None:
        self._kill_manager()
        shutil.rmtree(self.manager.state_dir)
        if self.manager.user:  # may not make it by himself
            self.manager.state_dir.mkdir()
            shutil.chown(self.manager.state_dir, self.manager.user, "nogroup")
        self._done("state directory wiped")
        self._start_manager()

    def state_cut(self) -> None:
        self._kill_manager()
        files = sorted(p for p in self.manager.state_dir.rglob("*") if p.is_file() and p.stat().st_size > 0)
        for file in self.dice.sample(files, min(len(files), 2)):
            os.truncate(file, self.dice.randrange(file.stat().st_size))
        self._done("state directory cut short")
        self._start_manager()

    def store_misbehaves(self) -> None:
        assert self.recorder is not None
        mode = self.dice.choice(["hang", "refuse", "unavailable", "lose_answers"])
        self.recorder.set_mode(mode)
        self._pause(4)
        if self.dice.random() < 0.4:
            self._kill_manager()
            self._start_manager()
        self._pause(1)
        self.recorder.set_mode("pass")
        self._done(f"store: {mode}")

    def store_killed(self) -> None:
        """The S3 server itself, by SIGKILL. What it had answered is there again afterwards; what was under way may be."""
        server = os.environ.get("LM_S3_SERVER_DIR")
        if server is None:
            return  # it is not ours
        with self.hold_restores():
            subprocess.run([S3_SERVER, "crash", server], check=True)
            self._pause(2)
            subprocess.run([S3_SERVER, "revive", server], check=True)
        self._done("kills: store")

    def clock_set(self) -> None:
        """The wall clock jumps, forward or back. S3 refuses requests that are 15 minutes off; a directory takes any time."""
        furthest = 600 if self.recorder is not None else 86400 * 400
        seconds = self.dice.choice([-1, 1]) * math.exp(self.dice.uniform(math.log(0.05), math.log(furthest)))
        if abs(self.machine.added_ns / 1e9 + seconds) > furthest:
            seconds = -self.machine.added_ns / 1e9
        self.machine.step_clock(seconds)
        self._done(f"clock set {'forward' if seconds > 0 else 'back'}")

    def disk_fails(self) -> None:
        """Some or all calls of one kind fail for a while: the client's files, the state, or the bucket where it is a folder."""
        fault = self.dice.choice([f for f in Fault if self.recorder is None or "BUCKET" not in str(f.name)])
        with self.machine.failing(fault, self.dice.choice([30, 300, 1000])):
            self._pause(3)
            if self.dice.random() < 0.2:
                self._kill_manager()
                if self.dice.random() < 0.5:
                    self.manager.spawn()  # it may say that it cannot start so, and end
                    self._pause(1)
                    self._kill_manager()
        if not self.manager.running():
            self.manager.forget_end()
            self._start_manager()
        self._done(f"disk: {str(fault.name).lower().replace('_', ' of ')}")

    def events_overflow(self) -> None:
        """More events than the kernel keeps for a daemon that stands still."""
        most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        assert self.manager.process is not None
        self.manager.suspend()
        overflow_events(self.databases[0].path.parent, most)
        self._pause(1)
        self.manager.resume()
        self._done("events overflow")

    def permissions_taken(self) -> None:
        """The daemon is not root in such a round; the applications are."""
        database = self._any().path
        files = [database, beside(database, "-wal"), beside(database, "-shm")]
        what = self.dice.choice([[database.parent], files, [database], files[1:], [self.manager.state_dir]])
        change_modes(what, 0o500 if what == [self.manager.state_dir] else 0)
        self._pause(3)
        change_modes(what, None)
        self._done("permissions taken away")

    def _replaceable(self) -> OracleDatabase | None:
        found = [d for d in self.databases if d.judge.replaced]
        return self.dice.choice(found) if found else None

    def _quiet(self, database: OracleDatabase) -> None:
        """No application has it open; a killed one leaves its log behind."""
        if self.dice.random() < 0.5:
            database.stop()
        else:
            database.kill()

    def database_deleted(self) -> None:
        database = self._replaceable()
        if database is None:
            return
        self._quiet(database)
        for suffix in self.dice.sample(SUFFIXES, len(SUFFIXES)):
            beside(database.path, suffix).unlink(missing_ok=True)
        self._done("database deleted and made anew")
        self._pause(0.5)
        database.start()

    def state_of_database_put_aside(self) -> None:
        database = self._replaceable()
        if database is None or not database.path.exists():
            return
        self._quiet(database)
        copy = self.folder / f"{database.client_id}.older{len(database.copies)}"
        for suffix in ("", "-wal", "-journal"):
            if beside(database.path, suffix).exists():
                shutil.copyfile(beside(database.path, suffix), beside(copy, suffix))
        database.copies.append(copy)
        database.start()

    def older_database_put_back(self) -> None:
        """In place or by rename, with the log that belonged to it; the newer log is gone, or SQLite itself would mix."""
        database = self._replaceable()
        if database is None or not database.copies:
            return
        with_manager_down = self.dice.random() < 0.3
        if with_manager_down:
            self._kill_manager()
        self._quiet(database)
        copy = self.dice.choice(database.copies)
        for suffix in ("-wal", "-shm", "-journal"):
            beside(database.path, suffix).unlink(missing_ok=True)
        in_place = self.dice.random() < 0.5
        for suffix in ("", "-wal", "-journal"):
            if beside(copy, suffix).exists():
                target = beside(database.path, suffix)
                if not in_place:
                    shutil.copyfile(beside(copy, suffix), self.folder / "new")
                    os.rename(self.folder / "new", target)
                else:
                    shutil.copyfile(beside(copy, suffix), target)
        self._done(f"older database {'written' if in_place else 'renamed'} over the newer")
        if with_manager_down:
            self._start_manager()
        database.start()
