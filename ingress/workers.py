"""One process a core: the workers share the port, and each has all else to itself.

The parent opens one listening socket for each worker and keeps it (SO_REUSEPORT, so the kernel
spreads connections over them): a worker that ends takes no connection with it that it had not
accepted yet, its successor accepts them. The parent handles no event, and its death ends the
workers as SIGTERM would.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from socket import socket

import orjson
import structlog

from ingress.asking import OK, ask
from ingress.lifetime import RETIRE
from ingress.settings import EX_CONFIG, Misconfigured, Settings

log = structlog.get_logger(__name__)

ARGUMENT = "--worker"
START_SECONDS = 30.0
"""Longest wait for a successor to be ready; it needs about one."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
HEALTHY_SECONDS = 10.0
"""A worker that lived so long is started again at once."""
FAREWELL_SECONDS = 15.0
"""What an end may take beyond the drain; then a worker is killed."""
MOST = 256
_POLL_SECONDS = 0.02


def count(settings: Settings) -> int:
    """Return how many workers are wanted."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return min(settings.workers or cores, MOST)


class Worker:
    """One process, and where it serves."""

    def __init__(self, process: asyncio.subprocess.Process, ready: Path) -> None:
        self.process = process
        self._ready = ready
        self._admin_url: str | None = None

    @property
    def running(self) -> bool:
        return self.process.returncode is None

    @property
    def admin_url(self) -> str | None:
        """Where its admin port is; None until it serves."""
        if self._admin_url is None and self._ready.exists():
            self._admin_url = orjson.loads(self._ready.read_bytes())["admin_url"]
        return self._admin_url

    async def is_ready(self) -> bool:
        answer = await ask(self.admin_url, "/readyz") if self.admin_url else None
        return answer is not None and answer[0] == OK

    def tell(self, what: signal.Signals) -> None:
        if self.running:
            self.process.send_signal(what)

    async def ended(self, seconds: float) -> None:
        """Return once it has ended; kill it if that takes longer."""
        try:
            async with asyncio.timeout(seconds):
                await self.process.wait()
        except TimeoutError:
            log.error("worker_killed", pid=self.process.pid)  # noqa: TRY400 - a traceback says no more
            self.tell(signal.SIGKILL)
            await self.process.wait()


class Slot:
    """A place for one worker at a time: number, socket, and who is in it."""

    def __init__(
        self, number: int, listener: socket, lifeline: int, folder: Path, drain_seconds: float
    ) -> None:
        self.number = number
        self.patience_seconds = drain_seconds + FAREWELL_SECONDS
        self._listener = listener
        self._lifeline = lifeline
        self._folder = folder
        self._worker: Worker | None = None
        self._successor: Worker | None = None
        self._started: list[Worker] = []
        self._leaving = self._has_served = False

    @property
    def admin_url(self) -> str | None:
        """Where whoever answers for it is asked; None while nobody serves."""
        asked = self._successor or self._worker
        return asked.admin_url if asked else None

    async def keep(self) -> None:
        """Keep a worker in it until `leave`, and return once all it ever had have ended.

        Raises:
            Misconfigured: the first worker refuses its settings; its own words are on standard
                error.
        """
        pause = FIRST_PAUSE
        while not self._leaving:
            began = time.monotonic()
            code = await self._stay()
            if self._leaving or self._successor:
                continue
            if code == EX_CONFIG and not self._has_served:
                raise Misconfigured(f"worker {self.number} has refused its settings")
            pause = FIRST_PAUSE if time.monotonic() - began > HEALTHY_SECONDS else pause
            log.error("worker_ended", worker=self.number, exit_code=code, again_in_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        self._listener.close()
        await asyncio.gather(*(each.ended(self.patience_seconds) for each in self._started))

    async def renew(self) -> None:
        """Put a successor in once it is ready, and end the worker."""
        if self._leaving:
            return
        try:
            successor = await self._start()
        except OSError as error:
            log.error("worker_not_renewed", worker=self.number, error=str(error))  # noqa: TRY400 - it says it all
            return
        if not await self._becomes_ready(successor):
            log.error("worker_not_renewed", worker=self.number)
            successor.tell(signal.SIGTERM)
            await successor.ended(self.patience_seconds)
            return
        old, self._successor = self._worker, successor
        if old:
            old.tell(RETIRE)
            await old.ended(self.patience_seconds)
        log.info("worker_renewed", worker=self.number)

    def leave(self) -> None:
        """Have all its workers end, and no other follow."""
        self._leaving = True
        for each in self._started:
            each.tell(signal.SIGTERM)

    async def _stay(self) -> int | None:
        """Have a worker in it until that one ends; return its exit code, None if none started."""
        try:
            fresh = None if self._successor else await self._start()
        except OSError as error:
            log.error("worker_not_started", worker=self.number, error=str(error))  # noqa: TRY400 - it says it all
            return None
        if self._successor and fresh:
            fresh.tell(signal.SIGTERM)
        worker = self._worker = self._successor or fresh
        self._successor = None
        if worker is None:
            return None
        code = await worker.process.wait()
        self._has_served = self._has_served or worker.admin_url is not None
        return code

    async def _start(self) -> Worker:
        ready = self._folder / f"{self.number}-{time.monotonic_ns()}.json"
        files = (self._listener.fileno(), self._lifeline)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "ingress", ARGUMENT, *map(str, files)),
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
        self._started = [each for each in self._started if each.running]
        self._started.append(worker := Worker(process, ready))
        if self._leaving:
            worker.tell(signal.SIGTERM)
        return worker

    async def _becomes_ready(self, worker: Worker) -> bool:
        give_up = time.monotonic() + START_SECONDS
        while worker.running and not self._leaving and time.monotonic() < give_up:
            if await worker.is_ready():
                return True
            await asyncio.sleep(_POLL_SECONDS)
        return False


async def all_serve(slots: Sequence[Slot]) -> None:
    """Return once each slot has a worker that serves."""
    while not all(slot.admin_url for slot in slots):  # noqa: ASYNC110 - other processes write the files
        await asyncio.sleep(_POLL_SECONDS)


@contextmanager
def lifeline() -> Iterator[int]:
    """Yield the end of a pipe that closes when this process ends, however it ends."""
    read, write = os.pipe()
    try:
        yield read
    finally:
        os.close(read)
        os.close(write)
