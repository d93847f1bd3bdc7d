"""Which databases there are in a round, and who writes to them and reads them. Everything is drawn from the seed."""

import random
import signal
import subprocess
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from settings import LIBRARIES, worker

from harness.load import PAGE_SIZES
from harness.settings import clean_environment
from history import History
from judge import Judge, Violation

MIX = "insert:6,update:6,remove:4,small:6,blob:2,pairs:4,savepoint:2,schema:1,shrink:2,bulk:1"
MIXES = [MIX, MIX, MIX, "small:1", "insert:5,update:5", "bulk:4,savepoint:3,clear:1", "blob:5,small:3,remove:2",
         "shrink:6,bulk:2,clear:1", "schema:5,pairs:5", "pairs:1"]
AFTER = ["", "", "", "passive:300", "full:100", "restart:100", "truncate:200", "vacuum:60", "reopen:300",
         "passive:50,full:30,restart:30,truncate:30,vacuum:10,reopen:50", "delete_mode:30,wal_mode:200",
         "page_size:30,reopen:100", "persist_mode:20,truncate_mode:20,wal_mode:100"]


@dataclass
class Worker:
    """One process and how it is started again."""

    library: str
    command: str
    settings: dict[str, Any]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    def start(self) -> None:
        assert self.process is None
        self.starts += 1
        settings = self.settings | {"seed": self.settings["seed"] * 1000 + self.starts}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([worker(self.library), self.command, *(f"{k}={v}" for k, v in settings.items())],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=clean_environment())

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def finish(self, timeout: float = 60) -> None:
        """After SIGTERM. An application that fails was harmed by somebody."""
        if self.process is not None:
            code = self.process.wait(timeout)
            self.process = None
            if code != 0:
                raise Violation(f"application {self.command} of {self.settings['database']} ended with {code}, see {self.log}")


@dataclass
class OracleDatabase:
    """A database, its applications, and its judge."""

    client_id: str
    path: Path
    judge: Judge
    writers: list[Worker] = field(default_factory=list)
    readers: list[Worker] = field(default_factory=list)
    copies: list[Path] = field(default_factory=list)  # older states that were put aside

    @property
    def workers(self) -> list[Worker]:
        return self.writers + self.readers

    @property
    def may_leave_journal(self) -> bool:
        """A writer that is killed in rollback mode leaves a journal that the daemon honestly waits for ever to see gone."""
        return any("_mode" in w.settings["after"] or "page_size" in w.settings["after"] or
                   w.settings["new_journal_mode"] != "wal" for w in self.writers)

    def start(self) -> None:
        for each in self.workers:
            if each.process is None:
                each.start()

    def kill(self) -> None:
        for each in self.workers:
            each.kill()

    def stop(self) -> None:
        for each in self.workers:
            each.signal(signal.SIGCONT)
            each.signal(signal.SIGTERM)
        for each in self.workers:
            each.finish()

    def check_alive(self) -> None:
        for each in self.workers:
            if each.process is not None and each.process.poll() is not None:
                each.finish()


def _writer_settings(dice: random.Random, first: bool, shared: dict[str, Any]) -> dict[str, Any]:
    settings = shared | {
        "seed": dice.randrange(1 << 30),
        "rate": round(dice.choice([2, 5, 10, 20, 40]) * dice.uniform(0.5, 1.5), 1),
        "synchronous": dice.choice(["FULL", "FULL", "NORMAL", "OFF"]),
        "autocheckpoint": dice.choice([0, 1, 50, 1000, 1000, 1000]),
        "cache_pages": dice.choice([0, 0, 10, 100]),
        "one_shot": int(dice.random() < 0.3),
        "rollback_percent": dice.choice([0, 5, 30]),
        "changes": dice.choice(MIXES),
        "after": dice.choice(AFTER),
        "sync_failures": dice.choice([0, 0, 0, 20, 200]),
        "write_failures": dice.choice([0, 0, 0, 1, 5]),
    }
    if settings["one_shot"]:
        settings["rate"] = min(settings["rate"], 15)
    if settings["autocheckpoint"] == 0 and "passive" not in settings["after"] and not settings["one_shot"]:
        settings["after"] = "passive:50,truncate:10"  # a log that nobody ever checkpoints fills the disk
    return settings if first else settings | {"after": settings["after"].replace("vacuum", "passive")}


def make_database(dice: random.Random, folder: Path, clients: Path, *, huge: bool = False, small: bool = False) -> OracleDatabase:
    client_id = str(uuid.UUID(int=dice.getrandbits(128), version=4))
    own = folder / client_id
    own.mkdir()
    path = clients / f"{client_id}.db"
    shared = {
        "database": path,
        "journal": own / "journal",
        "page_size": dice.choice(PAGE_SIZES),
        "auto_vacuum": dice.choice([0, 0, 1, 2]),
        "new_journal_mode": dice.choice(["wal", "wal", "wal", "delete"]),
        "bytes_max": 1 << 18 if small else dice.choice([1 << 18, 1 << 20, 4 << 20]),
    }
    exclusive = dice.random() < 0.08
    found = OracleDatabase(client_id, path, Judge(client_id, History(own / "journal"), replaced=dice.random() < 0.35))
    for number in range(1 if exclusive or huge else dice.choice([1, 1, 2, 3])):
        settings = _writer_settings(dice, number == 0, shared)
        if exclusive:
            settings |= {"locking": "EXCLUSIVE", "one_shot": 1}
        if small:
            settings["rate"] = min(settings["rate"], 15)
        if huge:
            settings |= {"changes": "huge:1,insert:8,clear:1", "rate": 1.5, "bytes_max": 120 << 20, "after": ""}
        found.writers.append(Worker(dice.choice(LIBRARIES), "write", settings, own / f"writer{number}.log"))
    for number in range(0 if exclusive or huge else dice.choice([0, 1, 1, 2])):
        settings = {"database": path, "journal": own / "journal", "snapshots": own, "seed": dice.randrange(1 << 30),
                    "rate": dice.choice([2, 10, 20])}
        found.readers.append(Worker(dice.choice(LIBRARIES), "read", settings, own / f"reader{number}.log"))
    mode = "exclusive" if exclusive else "huge" if huge else "rollback" if found.may_leave_journal else "log"
    found.judge.kind = f"{mode}, pages of {shared['page_size']}, {len(found.writers)} writers"
    return found
