"""The stores that backups go to, seen with the judge's own eyes: an S3 bucket and a directory."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from harness.s3 import S3Account, S3Client

LTX_NAME = re.compile(r"([0-9a-f]{16})-([0-9a-f]{16})\.ltx")


@dataclass(frozen=True, order=True)
class LtxObject:
    """One LTX file of a replica. `version` differs if the object was ever written again."""

    level: int
    min_txid: int
    max_txid: int
    key: str
    size: int
    version: str


def _parse(keys: list[tuple[str, int, str]], prefix: str, level_base: int) -> list[LtxObject]:
    found = []
    for key, size, version in keys:
        level, _, name = key.removeprefix(prefix).partition("/")
        match = LTX_NAME.fullmatch(name)
        if match:
            found.append(LtxObject(int(level, level_base), int(match[1], 16), int(match[2], 16), key, size, version))
    return sorted(found)


class S3Bucket:
    """A bucket of its own on the test server. `endpoint` may name a proxy in front of it; the judge's own requests
    always go to the server itself."""

    kind = "s3"

    def __init__(self, account: S3Account, name: str, endpoint: str | None = None):
        self.account, self.name = account, name
        self.endpoint = endpoint or account.endpoint
        self.client = S3Client(account)

    def create(self) -> None:
        self.client.create_bucket(self.name)

    def manager_arguments(self) -> list[str]:
        return ["-bucket", self.name, "-endpoint", self.endpoint, "-region", self.account.region, "-force-path-style"]

    def environment(self) -> dict[str, str]:
        return self.account.environment()

    def replica_url(self, client_id: str) -> str:
        """For the stock Litestream, always straight to the server."""
        return (f"s3://{self.name}/databases/{client_id}?endpoint={quote(self.account.endpoint, safe='')}"
                f"&forcePathStyle=true&region={self.account.region}")

    def manager_url(self, client_id: str) -> str:
        return f"s3://{self.name}/databases/{client_id}"

    def ltx_objects(self, client_id: str) -> list[LtxObject]:
        prefix = f"databases/{client_id}/"
        return _parse(self.client.list(self.name, prefix), prefix, 16)

    def keys(self) -> list[str]:
        return [key for key, _, _ in self.client.list(self.name, "")]

    def read(self, key: str) -> bytes:
        return self.client.get(self.name, key)


class FileBucket:
    """A directory laid out as Litestream's file replicas are."""

    kind = "file"

    def __init__(self, root: Path):
        self.root = root

    def create(self) -> None:
        self.root.mkdir(parents=True)

    def manager_arguments(self) -> list[str]:
        return ["-bucket", f"file://{self.root}"]

    def environment(self) -> dict[str, str]:
        return {}

    def replica_url(self, client_id: str) -> str:
        return f"file://{self.root}/databases/{client_id}"

    def manager_url(self, client_id: str) -> str:
        return self.replica_url(client_id)

    def ltx_objects(self, client_id: str) -> list[LtxObject]:
        prefix = f"databases/{client_id}/ltx/"
        listing = []
        for key in self.keys():
            if key.startswith(prefix) and LTX_NAME.fullmatch(key.rpartition("/")[2]):  # not what is being written
                facts = (self.root / key).stat()
                listing.append((key, facts.st_size, f"{facts.st_ino} {facts.st_mtime_ns} {facts.st_ctime_ns}"))
        return _parse(listing, prefix, 10)

    def keys(self) -> list[str]:
        found = []
        for folder, _, names in os.walk(self.root):
            found += [str((Path(folder) / name).relative_to(self.root)) for name in names]
        return sorted(found)

    def read(self, key: str) -> bytes:
        return (self.root / key).read_bytes()


Bucket = S3Bucket | FileBucket


def delete(bucket: Bucket, key: str) -> None:
    """Behind everybody's back."""
    if isinstance(bucket, FileBucket):
        (bucket.root / key).unlink()
    else:
        bucket.client.request("DELETE", f"/{bucket.name}/{key}")


def put(bucket: Bucket, key: str, content: bytes) -> None:
    """Likewise."""
    if isinstance(bucket, FileBucket):
        (bucket.root / key).parent.mkdir(parents=True, exist_ok=True)
        (bucket.root / key).write_bytes(content)
    else:
        bucket.client.put(bucket.name, key, content)


def check_whole_history(objects: list[LtxObject]) -> None:
    """TXIDs follow one another without gap or overlap from 1 to the last. Level 0 holds each of them, except those that an
    image of the whole database (1 to N, at a higher level) stands for."""
    reached = 0
    images = {o.max_txid for o in objects if o.level > 0 and o.min_txid == 1}
    for raw in (o for o in objects if o.level == 0):
        while reached + 1 < raw.min_txid and any(reached < image < raw.min_txid for image in images):
            reached = min(image for image in images if reached < image)
        assert raw.min_txid == reached + 1, f"gap or overlap: {raw.key} follows TXID {reached}; {objects}"
        reached = raw.max_txid


def check_nothing_rewritten(before: list[LtxObject], after: list[LtxObject]) -> None:
    """Objects are written once: whatever is still there is the very object that was there."""
    later = {o.key: o for o in after}
    for old in before:
        new = later.get(old.key)
        assert new is None or new.version == old.version, f"{old.key} was written twice: {old.version} / {new.version}"
    for old in (o for o in before if o.level == 0 and o.key not in later):
        covering = [o for o in after if o.level > 0 and o.min_txid <= old.min_txid and old.max_txid <= o.max_txid]
        assert covering, f"{old.key} vanished and nothing covers it"
