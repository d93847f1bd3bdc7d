"""The machine below the daemon: its wall clock is set, its disk fails, its descriptors run out, while the daemon runs.

Nothing but the daemon sees it; it is preloaded into that one (tests/support/rough_machine.cpp has the control file)."""

import contextlib
import enum
import mmap
import struct
import time
from collections.abc import Iterator
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
