#!/usr/bin/env python3
"""What does a start upload when state and bucket do not agree? A database is stored, then some of its pages are changed
while the daemon is down, then the daemon starts on what each case has left of its state and its bucket.

`changed` is the LZ4 size of the pages that were changed, `ratio` what was uploaded by it (where the bucket lost objects,
what stood in them is uploaded as well). Without its state the daemon also asks what the store can do: two PUTs of 44 bytes
and a DELETE. Every case ends with a restore by the
stock Litestream that has to equal the database page by page; the requests are those of the last start."""

import ctypes
import random
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from subjects import parser, print_table, progress, ratio, store, workspace

from harness.compare import check_same_database, consistent_copy, differing_pages, page_size
from harness.load import client_id
from harness.manager import Manager, run_manager
from harness.replicate import Litestream
from harness.restore import litestream_restore
from harness.s3 import S3Client
from harness.store import S3Bucket
from harness.wait import wait_until

ID = client_id(1)
ROW = 3800  # bytes: a page each


def body(dice: random.Random) -> str:
    """Text that compresses to about half."""
    return dice.randbytes(ROW // 4).hex() + "an invoice line like all the others; " * (ROW // 74)


class Scene:
    """One case: a database, a bucket behind a recording proxy, and the daemon that comes back."""

    def __init__(self, folder: Path, bucket, recorder, megabytes: float, share: float):
        self.folder, self.bucket, self.recorder, self.share = folder, bucket, recorder, share
        self.dice = random.Random(7)
        self.clients = folder / "clients"
        self.clients.mkdir()
        self.database = self.clients / f"{ID}.db"
        self.state = folder / "state"
        self.rows = int(megabytes * 256)
        self.server = S3Client(bucket.account)
        connection = self.open()
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, body)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO t(body) VALUES(?)", ((body(self.dice),) for _ in range(self.rows)))
        connection.execute("COMMIT")
        connection.close()

    def open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.database, isolation_level=None)
        connection.execute("PRAGMA synchronous=OFF")
        return connection

    def change(self, rows: int) -> None:
        connection = self.open()
        connection.execute("BEGIN")
        for row in self.dice.sample(range(1, self.rows + 1), rows):
            connection.execute("UPDATE t SET body=? WHERE id=?", (body(self.dice), row))
        connection.execute("COMMIT")
        connection.close()

    def daemon(self, name: str = "manager", state: Path | None = None) -> Manager:
        return Manager([self.clients], self.bucket, state or self.state, self.folder / f"{name}.log", log_level="info")

    def store_all(self, times: int = 2, end: str = "stop") -> None:
        """The first run: an image and some increments; ends cleanly or by SIGKILL."""
        daemon = self.daemon().start(120)
        daemon.wait_stored([ID], 300)
        for _ in range(times - 1):
            self.increment(daemon)
        daemon.stop() if end == "stop" else daemon.kill()

    def increment(self, daemon: Manager) -> None:
        before = daemon.client(ID)["txid"]
        self.change(3)
        wait_until(lambda: daemon.client(ID)["txid"] > before, 60, "another TXID")
        daemon.wait_stored([ID], 60)

    def newest(self):
        return max(self.bucket.ltx_objects(ID), key=lambda o: o.max_txid)

    def delete(self, key: str) -> None:
        self.server.request("DELETE", f"/{self.bucket.name}/{key}")

    def put(self, key: str, content: bytes) -> None:
        self.server.put(self.bucket.name, key, content)


def good_state(scene: Scene) -> None:
    scene.store_all()


def killed(scene: Scene) -> None:
    scene.store_all(end="kill")


def no_state(scene: Scene) -> None:
    scene.store_all()
    shutil.rmtree(scene.state)


def older_state(scene: Scene) -> None:
    """Acknowledgements of five objects are lost, as by a power cut."""
    daemon = scene.daemon().start(120)
    daemon.wait_stored([ID], 300)
    daemon.suspend()
    shutil.copytree(scene.state, scene.folder / "old")
    daemon.resume()
    for _ in range(5):
        scene.increment(daemon)
    daemon.kill()
    shutil.rmtree(scene.state)
    (scene.folder / "old").rename(scene.state)


def bucket_lost_newest(scene: Scene) -> None:
    scene.store_all(4)
    for _ in range(2):
        scene.delete(scene.newest().key)


def bucket_lost_image(scene: Scene) -> None:
    scene.store_all(3)
    scene.delete(min(scene.bucket.ltx_objects(ID), key=lambda o: o.min_txid).key)


def by_litestream(scene: Scene) -> None:
    straight = S3Bucket(scene.bucket.account, scene.bucket.name)  # its parts of an upload are too much for the proxy
    litestream = Litestream([scene.database], straight, scene.folder).start()
    wait_until(lambda: scene.bucket.ltx_objects(ID), 300, "Litestream's image", 0.5)
    litestream.stop()


def generations(scene: Scene) -> None:
    for name in ("snapshots/00000000.snapshot.lz4", "wal/00000000_00000000.wal.lz4"):
        scene.put(f"databases/{ID}/generations/0123456789abcdef/{name}", b"of Litestream 0.3")


def damaged_in_the_way(scene: Scene) -> None:
    no_state(scene)
    number = scene.newest().max_txid + 1
    scene.put(f"databases/{ID}/0000/{number:016x}-{number:016x}.ltx", b"no LTX file" * 50)


def foreign_in_the_way(scene: Scene) -> None:
    """Another Manager went on for a while; then this host takes over."""
    scene.store_all()
    other = scene.daemon("other", scene.folder / "other-state").start(120)
    other.wait_stored([ID], 300)
    scene.increment(other)
    other.stop()
    asked = run_manager("takeover", ID, "-state-dir", str(scene.state), *scene.bucket.manager_arguments(), "-confirm",
                        bucket=scene.bucket)
    assert asked.returncode == 0 and "next start" in asked.stdout, asked.stdout + asked.stderr


CASES: dict[str, tuple[Callable[[Scene], None], bool]] = {  # and whether pages are changed after it
    "good state": (good_state, True),
    "good state, nothing changed": (good_state, False),
    "killed": (killed, True),
    "no state": (no_state, True),
    "no state, nothing changed": (no_state, False),
    "state older than the bucket": (older_state, True),
    "bucket lost its newest objects": (bucket_lost_newest, True),
    "bucket lost its first image": (bucket_lost_image, True),
    "written by Litestream 0.5": (by_litestream, True),
    "Litestream 0.3 generations": (generations, True),
    "damaged object in the way": (damaged_in_the_way, True),
    "other writer, then takeover": (foreign_in_the_way, True),
}


def compressed_size(database: Path, pages: list[int]) -> int:
    library = ctypes.CDLL("liblz4.so.1")
    size, total = page_size(database), 0
    output = ctypes.create_string_buffer(size * 2)
    with database.open("rb") as file:
        for page in pages:
            file.seek((page - 1) * size)
            total += library.LZ4_compress_default(file.read(size), output, size, len(output))
    return total


def run(name: str, arguments) -> list:
    progress(name)
    prepare, changes = CASES[name]
    with workspace(arguments.folder) as folder, store("s3", folder) as (bucket, recorder):
        scene = Scene(folder, bucket, recorder, arguments.megabytes, arguments.share)
        prepare(scene)
        before = consistent_copy(scene.database, folder / "before.db")
        if changes:
            scene.change(max(1, int(scene.rows * arguments.share / 100)))
        after = consistent_copy(scene.database, folder / "after.db")
        changed = differing_pages(before, after)
        kept = {o.key: o.version for o in bucket.ltx_objects(ID)}
        first = len(recorder.requests)
        daemon = scene.daemon().start(120)
        try:
            daemon.wait_stored([ID], 300)
        finally:
            daemon.stop()
        requests = recorder.requests[first:]
        now = {o.key: o.version for o in bucket.ltx_objects(ID)}
        assert {key: now.get(key) for key in kept} == kept, "something was overwritten"
        source = consistent_copy(scene.database, folder / "source.db")
        check_same_database(source, litestream_restore(bucket, ID, folder / "restored.db"))
        methods = Counter("LIST" if "list-type" in r.target else r.method for r in requests)
        uploaded = sum(r.sent_bytes for r in requests if r.method == "PUT")
        packed = compressed_size(after, changed)
        return [name, len(changed), packed / 1e6, uploaded / 1e6, ratio(uploaded, packed) if changed else None,
                sum(r.received_bytes for r in requests if r.method == "GET" and "list-type" not in r.target) / 1e6,
                methods["PUT"], methods["GET"], methods["LIST"], methods["HEAD"], methods["POST"] + methods["DELETE"]]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--megabytes", type=float, default=100)
    options.add_argument("--share", type=float, default=1, help="per cent of the pages that are changed")
    options.add_argument("--cases", type=lambda text: text.split(","), default=list(CASES))
    arguments = options.parse_args()
    unknown = set(arguments.cases) - set(CASES)
    if unknown:
        sys.exit(f"no such case: {', '.join(unknown)}; there are {', '.join(CASES)}")
    rows = [run(name, arguments) for name in arguments.cases]
    print_table(f"A start after {arguments.share:g} % of {arguments.megabytes:g} MB were changed, S3 store",
                ["case", "pages", "changed MB", "uploaded MB", "ratio", "read MB", "PUT", "GET", "LIST", "HEAD", "other"],
                rows)


if __name__ == "__main__":
    try:
        main()
    except subprocess.SubprocessError as problem:
        sys.exit(str(problem))
