"""Who may touch a folder: an advisory lock that ends with its process, however that ends."""

import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import TextIO


def take(file: Path) -> TextIO | None:
    """The lock, held until it is closed; None when someone else holds it."""
    lock = _open(file)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def wait_for(file: Path, waiting: Callable[[], None]) -> TextIO:
    """The lock, held until it is closed. Calls `waiting` once before it blocks on a holder."""
    lock = take(file)
    if lock is None:
        waiting()
        lock = _open(file)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def _open(file: Path) -> TextIO:
    file.parent.mkdir(parents=True, exist_ok=True)
    return file.open("a", encoding="utf-8")
