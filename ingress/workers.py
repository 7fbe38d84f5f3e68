"""One process a core: the workers share the port, and each has all else to itself.

The parent opens one listening socket for each worker and keeps it (SO_REUSEPORT, so the kernel
spreads connections over them): a worker that ends takes no connection with it that it had not
accepted yet, its successor accepts them. The parent handles no event, and its death ends the
workers as SIGTERM would. SIGHUP renews them one after the other, each only once its successor
serves.
"""

import asyncio
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket

import orjson
import structlog

from ingress.settings import Misconfigured, Settings

log = structlog.get_logger(__name__)

ARGUMENT = "--worker"
START_SECONDS = 30.0
"""Longest wait for a successor to serve; it needs about one."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
HEALTHY_SECONDS = 10.0
"""A worker that lived so long is started again at once."""
EX_CONFIG = 78
_POLL_SECONDS = 0.02


def count(settings: Settings) -> int:
    """Return how many workers are wanted."""
    return settings.workers or len(os.sched_getaffinity(0))


@dataclass(slots=True)
class Worker:
    """One process, and the file in which it says where it serves."""

    process: asyncio.subprocess.Process
    ready: Path

    @property
    def admin_url(self) -> str | None:
        """Where its admin port is; None as long as it does not serve."""
        try:
            url: str = orjson.loads(self.ready.read_bytes())["admin_url"]
        except FileNotFoundError:
            return None
        return url


class Slot:
    """A place for one worker at a time: number, socket, and who is in it."""

    def __init__(self, number: int, listener: socket, lifeline: int, folder: Path) -> None:
        self.number = number
        self.worker: Worker | None = None
        self._listener = listener
        self._lifeline = lifeline
        self._folder = folder
        self._started = 0
        self._successor: Worker | None = None
        self._leaving = False

    async def keep(self) -> None:
        """Keep a worker in it until `leave`.

        Raises:
            Misconfigured: a worker refuses its settings; its own words are on standard error.
        """
        pause = FIRST_PAUSE
        while not self._leaving:
            began = time.monotonic()
            worker = self.worker = self._successor or await self._start()
            self._successor = None
            if self._leaving:
                _terminate(worker)
            code = await worker.process.wait()
            worker.ready.unlink(missing_ok=True)
            if self._leaving or self._successor:
                continue
            if code == EX_CONFIG:
                raise Misconfigured(f"worker {self.number} has refused its settings")
            pause = FIRST_PAUSE if time.monotonic() - began > HEALTHY_SECONDS else pause
            log.error("worker_ended", worker=self.number, exit_code=code, again_in_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def renew(self) -> None:
        """Put a successor in, and end the worker once that one serves."""
        successor = await self._start()
        if not await _serves(successor) or self._leaving:
            log.error("worker_not_renewed", worker=self.number)
            _terminate(successor)
            return
        old, self._successor = self.worker, successor
        if old:
            _terminate(old)
            await old.process.wait()
        log.info("worker_renewed", worker=self.number)

    def leave(self) -> None:
        """Have the worker end, and no other follow."""
        self._leaving = True
        for each in (self.worker, self._successor):
            if each:
                _terminate(each)

    async def _start(self) -> Worker:
        self._started += 1
        ready = self._folder / f"{self.number}-{self._started}.json"
        files = (self._listener.fileno(), self._lifeline)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ingress", ARGUMENT, *map(str, files)),
            pass_fds=files,
            # Ctrl-C in a terminal is the parent's to pass on.
            start_new_session=True,
            env={
                **os.environ,
                "GEOPHONE_WORKERS": "1",
                "GEOPHONE_ADMIN_HOST": "127.0.0.1",
                "GEOPHONE_ADMIN_PORT": "0",
                "GEOPHONE_READY_FILE": str(ready),
            },
        )
        return Worker(process, ready)


async def _serves(worker: Worker) -> bool:
    """Wait until it serves; say whether it does."""
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and worker.process.returncode is None:
        if worker.admin_url:
            return True
        await asyncio.sleep(_POLL_SECONDS)
    return False


async def all_serve(slots: Sequence[Slot]) -> None:
    """Return once each slot has a worker that serves."""
    while not all(slot.worker and slot.worker.admin_url for slot in slots):  # noqa: ASYNC110 - other processes write the files
        await asyncio.sleep(_POLL_SECONDS)


def _terminate(worker: Worker) -> None:
    if worker.process.returncode is None:
        worker.process.terminate()


@contextmanager
def lifeline() -> Iterator[int]:
    """Yield the end of a pipe that closes when this process ends, however it ends."""
    read, write = os.pipe()
    try:
        yield read
    finally:
        os.close(read)
        os.close(write)
