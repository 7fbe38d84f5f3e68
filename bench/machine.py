"""Where things run, and what they cost there."""

import os
import platform
import socket
from collections.abc import Sequence

import psutil

CORES: Sequence[int] = sorted(psutil.Process().cpu_affinity() or range(os.cpu_count() or 1))
SERVER = CORES[:1]
"""What is measured has this core to itself; all else shares the others."""
OTHERS = CORES[1:] or CORES


def pin(pid: int, cores: Sequence[int]) -> None:
    """Keep a process, and what it starts from now on, on these cores."""
    process = psutil.Process(pid)
    for thread in process.threads():
        os.sched_setaffinity(thread.id, cores)


def cpu_seconds(pid: int) -> float:
    """Return the user and system time of a process so far."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def resident_mib(pid: int) -> float:
    """Return what a process has in memory."""
    return float(psutil.Process(pid).memory_info().rss) / 1024 / 1024


def shape() -> str:
    """Say what machine this is."""
    gib = psutil.virtual_memory().total / 1024**3
    return f"{len(CORES)} cores, {gib:.0f} GiB, {platform.system()} {platform.release()}"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
