"""What the applications say they did: every state of one database, in the order of their commits."""

from dataclasses import dataclass, field
from pathlib import Path

NO_STATE = "0" * 32
SNAPSHOTS_KEPT = 40


@dataclass
class State:
    """One transaction. `committed_ms` is None while nobody has said that COMMIT returned."""

    number: int
    hash: str
    previous: str
    begun_ms: int
    committed_ms: int | None = None
    rolled_back: bool = False


@dataclass
class Snapshot:
    digest: str
    file: Path | None  # None: thrown away, the digest is left


@dataclass
class History:
    """Reads the journal that the writers and readers of one database share (worker/journal.h). One thread."""

    journal: Path
    states: dict[str, State] = field(default_factory=dict)
    children: dict[str, list[str]] = field(default_factory=dict)
    snapshots: dict[str, list[Snapshot]] = field(default_factory=dict)
    pages_rewritten: set[str] = field(default_factory=set)
    newest_committed: State | None = None
    _offset: int = 0
    _files: list[Snapshot] = field(default_factory=list)

    def update(self) -> None:
        """Takes in what was written since the last call."""
        if not self.journal.exists():
            return
        with self.journal.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        whole = text[:text.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.decode().splitlines():
            kind, _, rest = line.partition(" ")
            getattr(self, f"_on_{kind}")(rest.split(" "))

    def committed(self) -> int:
        return sum(s.committed_ms is not None for s in self.states.values())

    def _on_I(self, fields: list[str]) -> None:  # noqa: N802
        number, previous, name, begun = fields
        self.states[name] = State(int(number), name, previous, int(begun))
        self.children.setdefault(previous, []).append(name)

    def _on_C(self, fields: list[str]) -> None:  # noqa: N802
        self.newest_committed = self.states[fields[1]]
        self.newest_committed.committed_ms = int(fields[2])

    def _on_R(self, fields: list[str]) -> None:  # noqa: N802
        number, previous, name, begun = fields
        state = self.states.setdefault(name, State(int(number), name, previous, int(begun)))
        state.rolled_back = True

    def _on_P(self, fields: list[str]) -> None:  # noqa: N802
        self.pages_rewritten.add(fields[1])

    def _on_S(self, fields: list[str]) -> None:  # noqa: N802
        _, name, digest, file = fields
        snapshot = Snapshot(digest, Path(file))
        self.snapshots.setdefault(name, []).append(snapshot)
        self._files.append(snapshot)
        if len(self._files) > SNAPSHOTS_KEPT:
            oldest = self._files.pop(0)
            assert oldest.file is not None
            oldest.file.unlink(missing_ok=True)  # two readers may have had the same idea
            oldest.file = None
