"""Restores with both programs: the stock Litestream, which is the judge of our format, and our own command."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.manager import run_manager
from harness.settings import clean_environment, litestream_binary
from harness.store import Bucket


def litestream_restore(bucket: Bucket, client_id: str, output: Path, *, txid: int | None = None,
                       timestamp: str | None = None) -> Path:
    """The newest state, the one of `txid`, or the newest one at `timestamp` (RFC 3339)."""
    command = [str(litestream_binary()), "restore", "-o", str(output)]
    if txid is not None:
        command += ["-txid", f"{txid:016x}"]
    if timestamp is not None:
        command += ["-timestamp", timestamp]
    done = subprocess.run([*command, bucket.replica_url(client_id)], capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL, env=clean_environment() | bucket.environment(), check=False)
    assert done.returncode == 0, f"litestream restore of {client_id} failed: {done.stderr}{done.stdout}"
    return output


def manager_restore(bucket: Bucket, client_id: str, output: Path, *, txid: int | None = None,
                    timestamp: str | None = None) -> Path:
    """The same by us; `timestamp` as the command's -at takes it."""
    state = ["-txid", f"{txid:016x}"] if txid is not None else ["-at", timestamp] if timestamp is not None else []
    done = run_manager("restore", client_id, "-o", str(output), *state, *bucket.manager_arguments(), bucket=bucket, timeout=120)
    assert done.returncode == 0, f"restore of {client_id} ended with {done.returncode}: {done.stderr}{done.stdout}"
    return output


def manager_restore_all(bucket: Bucket, folder: Path) -> None:
    """Every client of the bucket, by one command."""
    done = run_manager("restore-all", "-o", str(folder), "-json", *bucket.manager_arguments(), bucket=bucket, timeout=300)
    assert done.returncode == 0, f"restore-all ended with {done.returncode}: {done.stderr}{done.stdout}"


def verify(bucket: Bucket, *arguments: str) -> list[dict]:
    """What our drill says of each client. Fails if it found that something is lost."""
    done = run_manager("verify", *arguments, "-json", *bucket.manager_arguments(), bucket=bucket, timeout=300)
    assert done.returncode == 0, f"verify ended with {done.returncode}: {done.stderr}{done.stdout}"
    return json.loads(done.stdout)["results"]


def restore_all_both_ways(bucket: Bucket, client_ids: list[str], folder: Path) -> dict[str, tuple[Path, Path]]:
    """Each client restored by Litestream and by us, in that order."""
    folder.mkdir(parents=True, exist_ok=True)

    def both(client_id: str) -> tuple[Path, Path]:
        return (litestream_restore(bucket, client_id, folder / f"{client_id}.litestream.db"),
                manager_restore(bucket, client_id, folder / f"{client_id}.manager.db"))

    with ThreadPoolExecutor(4) as pool:
        return dict(zip(client_ids, pool.map(both, client_ids)))
