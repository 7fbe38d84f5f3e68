"""How a process is told to end, and how it tells where it serves."""

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import structlog

log = structlog.get_logger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)
RETIRE = signal.SIGUSR1
"""Tells a worker to accept no more and to end: its successor has the same socket."""


@contextlib.contextmanager
def ends(lifeline: int | None = None) -> Iterator[asyncio.Semaphore]:
    """Count what asks for an end: signals, and the end of a pipe whose other one is a parent's."""
    loop = asyncio.get_running_loop()
    received = asyncio.Semaphore(0)
    if lifeline is not None:
        loop.add_reader(lifeline, _cut, loop, lifeline, received)
    for each in SIGNALS:
        loop.add_signal_handler(each, received.release)
    try:
        yield received
    finally:
        for each in SIGNALS:
            loop.remove_signal_handler(each)


@contextlib.contextmanager
def retiring(stop_accepting: Callable[[], None], received: asyncio.Semaphore) -> Iterator[None]:
    """End at once for new connections, and after the drain for the others, when told to retire."""
    loop = asyncio.get_running_loop()

    def retire() -> None:
        stop_accepting()
        received.release()

    loop.add_signal_handler(RETIRE, retire)
    try:
        yield
    finally:
        signal.signal(RETIRE, signal.SIG_IGN)


def _cut(loop: asyncio.AbstractEventLoop, lifeline: int, received: asyncio.Semaphore) -> None:
    loop.remove_reader(lifeline)
    received.release()


async def within(seconds: float, signals: asyncio.Semaphore) -> None:
    """Wait for a further one, but not for longer than so many seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await signals.acquire()


@contextlib.contextmanager
def announced(file: Path | None, url: str, admin_url: str) -> Iterator[None]:
    """Tell the log, and a supervisor through a file, where this process serves."""
    where = {"url": url, "admin_url": admin_url, "pid": os.getpid()}
    log.info("serving", **where)
    if not file:
        yield
        return
    _write(file, orjson.dumps(where))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _write(file: Path, content: bytes) -> None:
    """Write in one step: nobody sees half a file."""
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as scratch:
        scratch.write(content)
    Path(scratch.name).replace(file)
