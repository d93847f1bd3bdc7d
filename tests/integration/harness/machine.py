"""The machine below the daemon: its wall clock is set, its disk fails, its descriptors run out, while the daemon runs.

Nothing but the daemon sees it; it is preloaded into that one (tests/support/rough_machine.cpp has the control file)."""

import contextlib
import enum
import mmap
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.settings import rough_machine_library

STEPS_MAX = 200


class Fault(enum.IntFlag):
    READ_CLIENTS = 1  # EIO
    OPEN_CLIENTS = 2  # EMFILE
    WRITE_STATE = 4  # ENOSPC
    SYNC_STATE = 8  # EIO
    READ_STATE = 16  # EIO
    WRITE_BUCKET = 32  # ENOSPC
    SYNC_BUCKET = 64  # EIO
    SYNC_BUCKET_FOLDERS = 128  # EIO


class Machine:
    """`control` is made; `environment` is for the daemon. One thread."""

    def __init__(self, control: Path, *, clients: Path, state: Path, bucket: Path | None = None):
        control.write_bytes(bytes(24 + STEPS_MAX * 16))
        with control.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self.environment = {"LD_PRELOAD": str(rough_machine_library()), "LM_ROUGH_CONTROL": str(control),
                            "LM_ROUGH_CLIENTS": str(clients), "LM_ROUGH_STATE": str(state)}
        if bucket is not None:
            self.environment["LM_ROUGH_BUCKET"] = str(bucket)
        self._steps = 0
        self.added_ns = 0

    @property
    def clock_was_set(self) -> bool:
        return self._steps > 0

    @contextlib.contextmanager
    def failing(self, faults: Fault, permille: int = 1000) -> Iterator[None]:
        """So many of the calls concerned fail."""
        struct.pack_into("=QQ", self._map, 0, faults, permille)
        try:
            yield
        finally:
            struct.pack_into("=Q", self._map, 0, 0)

    def step_clock(self, seconds: float) -> None:
        """The wall clock jumps by so much from where it is now; files that are written from now on get its stamps."""
        assert self._steps < STEPS_MAX, "too many steps of the clock"
        self.added_ns += int(seconds * 1e9)
        struct.pack_into("=qq", self._map, 24 + 16 * self._steps, time.time_ns(), self.added_ns)
        self._steps += 1
        struct.pack_into("=Q", self._map, 16, self._steps)


class Judge:
    """Stops the world of a daemon that writes to a directory: `look` is called with each backup file that has come into
    the bucket ("+", key) or gone from it ("-", key), and the daemon changes nothing more in it until that returns. What
    it raises is kept in `failures`. `environment` is for the daemon, beside that of its Machine."""

    def __init__(self, address: Path, bucket: Path):
        self.environment = {"LM_ROUGH_JUDGE": str(address)}
        self.look: Callable[[str, str], None] | None = None
        self.failures: list[BaseException] = []
        self.changes = 0
        self._bucket = bucket
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(address))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._listener.accept()[0],), daemon=True).start()

    def _serve(self, daemon: socket.socket) -> None:
        with daemon, daemon.makefile("r") as lines, contextlib.suppress(OSError):
            for line in lines:
                self._judge(line[0], str(Path(line[1:].rstrip("\n")).relative_to(self._bucket)))
                daemon.sendall(b".")

    def _judge(self, change: str, key: str) -> None:
        self.changes += 1
        if self.look is None:
            return
        try:
            self.look(change, key)
        except Exception as failure:  # noqa: BLE001: the test that asked for the call looks at it
            self.failures.append(failure)
