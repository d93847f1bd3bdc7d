"""Is a restored database a state that the application committed, whole, and as new as it has to be?"""

import json
import struct
import subprocess
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from settings import worker

from harness.compare import differing_pages, page_size
from history import History, State

# Bytes of page 1 that a change of journal mode writes: versions, change counter, version-valid-for, library version.
JOURNAL_MODE_BYTES = {18, 19, *range(24, 28), *range(92, 100)}
# Between a clock that was read and the COMMIT or the capture that it belongs to.
CLOCK_SLACK_MS = 5


class Violation(Exception):
    """The backup is not what it has to be."""


@dataclass(frozen=True)
class Restored:
    """A restored file and what was known of the bucket before the restore began."""

    path: Path
    way: str  # who restored what, for people
    txid: int | None = None  # the TXID that it is the state of, where that is certain
    at_least_txid: int = 0  # it must hold this one
    at_ms: int | None = None  # nothing that was committed after this time may be in it


def examine(path: Path) -> dict[str, Any]:
    """What the file says of itself (worker/examine.h)."""
    done = subprocess.run([worker("own"), "examine", str(path)], capture_output=True, text=True, timeout=300, check=True)
    return json.loads(done.stdout)


def free_leaves(database: Path) -> set[int]:
    """Pages of the free list that hold nothing: SQLite need not write them, so their bytes mean nothing."""
    size = page_size(database)
    found: set[int] = set()
    with database.open("rb") as file:
        trunk = struct.unpack(">I", file.read(36)[32:36])[0]
        while trunk:
            file.seek((trunk - 1) * size)
            page = file.read(size)
            following, count = struct.unpack(">II", page[:8])
            found |= set(struct.unpack(f">{count}I", page[8:8 + 4 * count]))
            trunk = following
    return found


@dataclass
class Judge:
    """Of one database. Thread safe. `replaced`: its file may be exchanged for another or an older one, so that newer
    TXIDs may hold older states."""

    name: str
    history: History
    replaced: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    by_txid: dict[int, tuple[str, int, str]] = field(default_factory=dict)  # hash, number, digest
    in_doubt: set[str] = field(default_factory=set)
    stored_at: list[tuple[int, int]] = field(default_factory=list)  # (ms, TXID) as the daemon reported
    lags: list[tuple[int, str]] = field(default_factory=list)  # ms, and whose
    kind: str = ""  # what sort of database it is, for people
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reported(self, at_ms: int, txid: int) -> None:
        """The daemon said at that time that this TXID is stored."""
        with self.lock:
            if txid > (self.stored_at[-1][1] if self.stored_at else 0):
                self.stored_at.append((at_ms, txid))

    def reported_txid(self, before_ms: int | None = None) -> int:
        with self.lock:
            return max((txid for at, txid in self.stored_at if before_ms is None or at < before_ms), default=0)

    def check(self, restored: Restored, began_ms: int = 0) -> dict[str, Any]:
        """Raises Violation with everything that is wrong with it. Returns what the file says of itself."""
        facts = examine(restored.path)
        with self.lock:
            self.history.update()
            problems = list(facts["problems"]) or self._membership(facts)
            if not problems:
                problems = self._order(restored, facts) + self._pages(restored, facts)
            self.counts[restored.way] += 1
            if began_ms and not self.replaced:
                self._note_lag(facts, began_ms)
        if problems:
            raise Violation(f"{self.name}: {restored.way}, {restored}: {'; '.join(problems)}; it says {facts}")
        return facts

    def _membership(self, facts: dict[str, Any]) -> list[str]:
        if facts["number"] == -1:  # a database before its first transaction
            return []
        state = self.history.states.get(facts["hash"])
        if state is None:
            return ["no application ever made this state"]
        if state.rolled_back:
            return ["this state was rolled back"]
        if state.committed_ms is None:
            self.in_doubt.add(state.hash)
        return []

    def _order(self, restored: Restored, facts: dict[str, Any]) -> list[str]:
        problems = []
        state = self.history.states.get(facts["hash"])
        if restored.at_ms is not None and state is not None and state.begun_ms > restored.at_ms + CLOCK_SLACK_MS:
            problems.append(f"its COMMIT began {state.begun_ms - restored.at_ms} ms after the time that was asked for")
        if restored.txid is not None:
            known = self.by_txid.setdefault(restored.txid, (facts["hash"], facts["number"], facts["digest"]))
            if known != (facts["hash"], facts["number"], facts["digest"]):
                problems.append(f"the same TXID was {known} before")
        if not self.replaced:
            problems += self._not_older(restored, facts["number"])
        return problems

    def _not_older(self, restored: Restored, number: int) -> list[str]:
        least = restored.txid - 1 if restored.txid is not None else restored.at_least_txid
        older = max(((t, known) for t, known in self.by_txid.items() if t <= least), default=None)
        if older is not None and older[1][1] > number:
            return [f"TXID {older[0]} already held transaction {older[1][1]}, this holds {number}"]
        if restored.txid is not None:
            newer = min(((t, known) for t, known in self.by_txid.items() if t > restored.txid), default=None)
            if newer is not None and newer[1][1] < number:
                return [f"TXID {newer[0]} holds transaction {newer[1][1]} only, this older one {number}"]
        return []

    def _pages(self, restored: Restored, facts: dict[str, Any]) -> list[str]:
        snapshots = self.history.snapshots.get(facts["hash"])
        if not snapshots:
            self.counts["pages: no snapshot"] += 1
            return []
        if any(s.digest == facts["digest"] for s in snapshots):
            self.counts["pages: equal to a reader's snapshot"] += 1
            return []
        found = "pages: snapshot not kept"
        for snapshot in snapshots:
            if snapshot.file is not None:
                difference = page_difference(snapshot.file, restored.path)
                if difference in ("free pages", "journal mode"):
                    self.counts[f"pages: equal but for {difference}"] += 1
                    return []
                found = difference
        if facts["hash"] in self.history.pages_rewritten or found == "pages: snapshot not kept":
            self.counts["pages: rewritten meanwhile"] += 1
            return []
        return [found]

    def _note_lag(self, facts: dict[str, Any], began_ms: int) -> None:
        following = [self.history.states[h] for h in self.history.children.get(facts["hash"], ())]
        missed = [s.committed_ms for s in following if s.committed_ms is not None and not s.rolled_back]
        lag = max([began_ms - m for m in missed if m < began_ms], default=0)
        self.lags.append((lag, f"{self.name} ({self.kind}) at {began_ms}"))

    def check_end(self, source: dict[str, Any]) -> None:
        """`source` is the database itself at the end: nothing that was seen in a backup or that an application was told
        is committed may be missing in it. Not for a database whose file was replaced."""
        with self.lock:
            self.history.update()
            if source["problems"]:
                raise Violation(f"{self.name}: the source itself: {source}")
            if self.replaced:
                return
            ancestors = self._ancestors(source["hash"])
            newest = self.history.newest_committed
            if newest is not None and newest.hash not in ancestors:
                raise Violation(f"{self.name}: the source lost transaction {newest}; it says {source}")
            ghosts = self.in_doubt - ancestors
            if ghosts:
                raise Violation(f"{self.name}: a backup held what was never committed: {[self.history.states[g] for g in ghosts]}")

    def _ancestors(self, name: str) -> set[str]:
        found: set[str] = set()
        while name in self.history.states and name not in found:
            found.add(name)
            state: State = self.history.states[name]
            name = state.previous
        return found


def page_difference(source: Path, restored: Path) -> str:
    """"free pages" and "journal mode": they differ only where SQLite does not care. Else what differs, for people."""
    pages = set(differing_pages(source, restored))
    real = pages - (free_leaves(restored) if source.stat().st_size == restored.stat().st_size else set())
    if not real:
        return "free pages"
    if real == {1}:
        with source.open("rb") as a, restored.open("rb") as b:
            size = page_size(restored)
            if {i for i, (x, y) in enumerate(zip(a.read(size), b.read(size))) if x != y} <= JOURNAL_MODE_BYTES:
                return "journal mode"
    return f"pages {sorted(real)[:20]} ({len(real)} in all) differ from {source}"
