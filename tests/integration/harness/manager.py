"""The daemon under test: start, watch, stop, kill."""

import contextlib
import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from harness.settings import clean_environment, manager_binary
from harness.store import Bucket
from harness.wait import wait_until

# Both log formats: `dashboard address=http://...` and `"address":"http://..."`.
DASHBOARD = re.compile(r"dashboard\b.*?\baddress[\"=:\s]+(http://[^\"\s]+)")
SETTLED_STATES = {"live", "idle"}


class Manager:
    """One daemon and the log of all its runs. `start` waits until it says that it is ready."""

    def __init__(self, watch_dirs: list[Path], bucket: Bucket, state_dir: Path, log: Path, *,
                 arguments: tuple[str, ...] = (), user: str | None = None, binary: Path | None = None,
                 log_level: str = "debug", environment: dict[str, str] | None = None):
        self.watch_dirs, self.bucket, self.state_dir, self.log = watch_dirs, bucket, state_dir, log
        self.arguments, self.user = arguments, user
        self.log_level = log_level
        self.environment = environment or {}
        self.binary = binary or manager_binary()
        self.process: subprocess.Popen[bytes] | None = None
        self.address = ""
        self._log_start = 0

    def command(self) -> list[str]:
        return [str(self.binary), "-watch-dir", ",".join(map(str, self.watch_dirs)), *self.bucket.manager_arguments(),
                "-port", "0", "-state-dir", str(self.state_dir), "-log-level", self.log_level, *self.arguments]

    def start(self, ready_timeout: float = 30) -> "Manager":
        self.spawn()
        self.wait_ready(ready_timeout)
        return self

    def spawn(self) -> None:
        assert self.process is None, "already started"
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        owner: dict[str, Any] = {"user": self.user, "group": "nogroup", "extra_groups": []} if self.user else {}
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            env=clean_environment() | self.bucket.environment() | self.environment,
                                            **owner)

    def wait_ready(self, timeout: float = 30) -> None:
        def ready() -> bool:
            assert self.process is not None
            if self.process.poll() is not None:
                raise RuntimeError(f"daemon ended with {self.process.returncode} before it was ready:\n{self.log_text()}")
            text = self.log_text()
            found = DASHBOARD.search(text)
            if found:
                self.address = found[1]
            return bool(found) and re.search(r"\bready\b", text) is not None

        wait_until(ready, timeout, f"daemon ready, log {self.log}", 0.01)

    def log_text(self) -> str:
        """What this run has logged so far."""
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self, timeout: float = 40) -> int:
        """SIGTERM, then the exit code. A daemon that does not end is killed and fails the test."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.wait_exit(timeout)

    def wait_exit(self, timeout: float) -> int:
        assert self.process is not None
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"daemon still running {timeout} s after it was asked to end, log {self.log}") from None
        finally:
            self.process = None if self.process.poll() is not None else self.process
        return code

    def kill(self) -> None:
        """SIGKILL: what a crash or the out-of-memory killer does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def suspend(self) -> None:
        """SIGSTOP, and back only once every thread stands still: one that waits for a disk stops no other before it is back."""
        def still() -> bool:
            with contextlib.suppress(OSError):  # a thread that ends meanwhile
                stats = [task.joinpath("stat").read_text() for task in Path(f"/proc/{self.pid}/task").iterdir()]
                return all(stat.rpartition(")")[2].split()[0] in "Tt" for stat in stats)
            return False

        os.kill(self.pid, signal.SIGSTOP)
        wait_until(still, 30, "every thread of the daemon stands still", 0.001)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def forget_end(self) -> None:
        """It has ended by itself, which was to be expected."""
        assert not self.running()
        self.process = None

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.address + path, timeout=20) as answer:
            return answer.read()

    def status(self) -> dict[str, Any]:
        return json.loads(self.get("/api/status"))

    def save_status(self) -> None:
        """What the daemon says of itself, beside its log, for whoever looks into a failure. Never fails."""
        if self.running() and self.address:
            with contextlib.suppress(OSError):
                self.log.with_suffix(".status.json").write_text(json.dumps(self.status(), indent=1))

    def clients(self) -> dict[str, dict[str, Any]]:
        return {c["clientId"]: c for c in self.status()["clients"]}

    def client(self, client_id: str) -> dict[str, Any] | None:
        return self.clients().get(client_id)

    def state(self, client_id: str) -> str:
        """A client that is gone may be shown as removed for a while or not at all: both are "removed"."""
        found = self.client(client_id)
        return found["state"] if found else "removed"

    def counters(self) -> dict[str, int]:
        return self.status()["counters"]

    def metrics(self) -> dict[str, float]:
        """Samples by name with labels as they stand in the text."""
        found = {}
        for line in self.get("/metrics").decode().splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                found[name] = float(value)
        return found

    def healthy(self) -> bool:
        try:
            self.get("/healthz")
            return True
        except urllib.error.HTTPError as answer:
            assert answer.code == 503
            return False

    def wait_state(self, client_id: str, *states: str, timeout: float = 20) -> dict[str, Any]:
        def reached() -> dict[str, Any] | None:
            seen = self.client(client_id)
            if seen is None or seen["state"] not in states:
                raise AssertionError(f"{client_id} is {seen}")
            return seen

        found = wait_until(reached, timeout, f"{client_id} becomes {' or '.join(states)}")
        assert found is not None
        return found

    def wait_stored(self, client_ids: list[str], timeout: float = 60) -> dict[str, dict[str, Any]]:
        """Every client has a backup and is not behind, and that stays so over several looks: an event of the last
        commit may still be on its way at the first."""
        calm = 0
        previous: dict[str, int] = {}

        def stored() -> dict[str, dict[str, Any]] | None:
            nonlocal calm, previous
            clients = self.clients()
            late = [f"{i}: {clients.get(i)}" for i in client_ids if not _is_stored(clients.get(i))]
            txids = {i: clients[i]["txid"] for i in client_ids if i in clients}
            calm = calm + 1 if not late and txids == previous else 0
            previous = txids
            if late:
                raise AssertionError(f"{len(late)} of {len(client_ids)} not stored, first: {late[:3]}")
            return clients if calm >= 5 else None

        found = wait_until(stored, timeout, f"everything stored, log {self.log}", 0.2)
        assert found is not None
        return found


def _is_stored(client: dict[str, Any] | None) -> bool:
    return client is not None and client["state"] in SETTLED_STATES and not client["behind"] and client["txid"] > 0


def run_manager(*arguments: str, bucket: Bucket | None = None, timeout: float = 60, cwd: Path | None = None,
                environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """A command of the binary that ends by itself: restore, version, wrong usage."""
    environment = clean_environment() | (bucket.environment() if bucket else {}) | (environment or {})
    return subprocess.run([str(manager_binary()), *arguments], capture_output=True, text=True, timeout=timeout, env=environment,
                          stdin=subprocess.DEVNULL, cwd=cwd or os.path.sep, check=False)
