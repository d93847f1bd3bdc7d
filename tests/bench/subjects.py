"""What the benchmarks compare, and the folder, store and table that they share.

    nobody       the application alone
    manager      our daemon with its default settings
    litestream   the real Litestream 0.5.17 with its default settings (monitor-interval 1s, sync-interval 1s)
    litestream-fast  the same with both intervals at their most eager useful setting

Every benchmark runs all subjects in one go, on one machine, with the same databases and the same kind of store."""

import argparse
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))

from harness.manager import Manager  # noqa: E402
from harness.recorder import Recorder  # noqa: E402
from harness.replicate import Litestream  # noqa: E402
from harness.s3 import S3Account  # noqa: E402
from harness.store import Bucket, FileBucket, S3Bucket  # noqa: E402
from harness.wait import wait_until  # noqa: E402

FAST = {"database": {"monitor-interval": "10ms"}, "replica": {"sync-interval": "10ms"}}


def parser(description: str | None) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--subjects", type=lambda text: text.split(","), help="comma-separated, default all")
    made.add_argument("--folder", type=Path, help="where databases and file stores are made")
    return made


def load_generator(name: str) -> Path:
    """A program of this folder's CMakeLists.txt, in the build directory beside the daemon's."""
    folder = Path(os.environ.get("LM_BENCH_BINARIES", Path(os.environ["LM_BINARY"]).resolve().parent.parent / "bench"))
    return folder / f"bench_{name}"


@contextmanager
def workspace(parent: Path | None) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="lm-bench-", dir=parent))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def store(kind: str, folder: Path) -> Iterator[tuple[Bucket, Recorder | None]]:
    """A new file store, or a new bucket of the test server behind a proxy that notes every request."""
    if kind == "file":
        bucket = FileBucket(folder / "bucket")
        bucket.create()
        yield bucket, None
        return
    account = S3Account(os.environ["LM_S3_ENDPOINT"], os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    recorder = Recorder(account.endpoint)
    s3 = S3Bucket(account, f"bench-{uuid.uuid4().hex[:12]}", recorder.endpoint)
    s3.create()
    try:
        yield s3, recorder
    finally:
        recorder.close()


class Subject:
    """One program under measurement; `pid` is None for nobody."""

    def __init__(self, name: str, databases: Path, bucket: Bucket, folder: Path):
        self.name, self.databases, self.bucket, self.folder = name, databases, bucket, folder
        self.manager: Manager | None = None
        self.litestream: Litestream | None = None

    def start(self) -> None:
        if self.name == "manager":
            self.manager = Manager([self.databases], self.bucket, self.folder / "state", self.folder / "manager.log",
                                   log_level="info").start(120)
        elif self.name.startswith("litestream"):
            options: dict[str, Any] = FAST if self.name == "litestream-fast" else {}
            self.litestream = Litestream(sorted(self.databases.glob("*.db")), self.bucket, self.folder, **options).start()

    @property
    def pid(self) -> int | None:
        running = self.manager or self.litestream
        return running.pid if running else None

    def wait_first_backups(self, client_ids: list[str], timeout: float = 300) -> None:
        """Every database has an object. Asked of the store in one listing, alike for all subjects."""
        if self.pid is None:
            return
        wanted = set(client_ids)

        def all_there() -> bool:
            present = {key.split("/")[1] for key in self.bucket.keys() if key.endswith(".ltx")}
            return wanted <= present

        wait_until(all_there, timeout, f"{self.name} made first backups", 0.5)

    def stop(self) -> None:
        if self.manager:
            self.manager.stop(120)
        elif self.litestream:
            self.litestream.stop(300)


@contextmanager
def running(name: str, databases: Path, bucket: Bucket, folder: Path) -> Iterator[Subject]:
    subject = Subject(name, databases, bucket, folder)
    subject.start()
    try:
        yield subject
    finally:
        subject.stop()


def print_table(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    """A table in Markdown, numbers right-aligned, ready for a document."""
    texts = [[cell if isinstance(cell, str) else _number(cell) for cell in row] for row in rows]
    widths = [max(len(line[i]) for line in [columns, *texts]) for i in range(len(columns))]
    print(f"\n{title}\n")
    print("| " + " | ".join(c.ljust(w) for c, w in zip(columns, widths)) + " |")
    print("|" + "|".join("-" * (w + 1) + ("-" if i == 0 else ":") for i, w in enumerate(widths)) + "|")
    for line in texts:
        print("| " + " | ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths))) + " |")
    sys.stdout.flush()


def _number(value: float | int | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def progress(text: str) -> None:
    """For whoever waits for the table."""
    print(f"... {text}", file=sys.stderr, flush=True)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[round(share * (len(ordered) - 1))]


def ratio(value: float, reference: float) -> float | None:
    return value / reference if reference else None
