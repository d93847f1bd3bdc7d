"""What the kernel knows about a process: memory, processor time, threads, descriptors, locks."""

import os
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def rss_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no VmRSS for process {pid}")


def peak_rss_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no VmHWM for process {pid}")


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def thread_count(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))


def context_switches(pid: int) -> int:
    """Voluntary switches of all threads: each wake-up of an idle process is one."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        for line in Path(f"/proc/{pid}/task/{task}/status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                total += int(line.split()[1])
    return total


def open_paths(pid: int) -> list[str]:
    """Targets of all descriptors; deleted files carry the kernel's ' (deleted)'."""
    found = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            found.append(os.readlink(f"/proc/{pid}/fd/{name}"))
        except FileNotFoundError:
            continue
    return found


@dataclass(frozen=True)
class KernelLock:
    kind: str  # POSIX, OFDLCK, FLOCK, LEASE
    access: str  # READ or WRITE
    pid: int  # -1 for locks of open file descriptions: the kernel names no owner
    inode: int


def kernel_locks() -> list[KernelLock]:
    found = []
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if "->" in fields:
            continue
        found.append(KernelLock(fields[1], fields[3], int(fields[4]), int(fields[5].split(":")[2])))
    return found
