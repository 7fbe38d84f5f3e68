"""Runs the two HTTP servers of the process, and stops them in the right order.

On the first SIGTERM or SIGINT the process becomes unready but goes on serving, so that load
balancers and keep-alive clients move on; then it stops accepting, finishes what is in flight, and
only then closes the sink. A second signal skips the wait.
"""

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import orjson
import structlog

from ingress import metrics as table
from ingress.admin import create_admin
from ingress.app import create_app, create_reception
from ingress.changes import Changes
from ingress.doorway import SWEEP_SECONDS, Doorway
from ingress.fast_lane import FastLane
from ingress.gate import Gate
from ingress.kafka_sink import kafka_sink
from ingress.keyring import Keyring
from ingress.listening import ANSWER_BYTES, REQUEST_BYTES, allow_files, listen, url
from ingress.metrics import Metrics
from ingress.reception import State
from ingress.serving import serving
from ingress.settings import Settings
from ingress.tls import Tls

log = structlog.get_logger(__name__)

REREAD_SECONDS = 2.0
"""How late a changed file of secrets may be noticed."""

SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def serve(settings: Settings) -> None:
    """Serve until told to stop, then stop cleanly.

    Raises:
        Misconfigured, Unbindable: before anything is connected to.
    """
    keyring, tls = Keyring.of(settings), Tls.of(settings)
    state, metrics = State(), Metrics()
    metrics.watch(table.SECRETS, lambda: len(keyring))
    allow_files(settings.max_connections)
    public = listen("GEOPHONE_PORT", settings.host, settings.port)
    public.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ANSWER_BYTES)
    public.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, REQUEST_BYTES)
    operators = listen("GEOPHONE_ADMIN_PORT", settings.admin_host, settings.admin_port)
    with _signals() as signals, public, operators:
        files = [keyring.changes, tls.changes] if tls else [keyring.changes]
        reread = repeated(partial(_refresh, files), REREAD_SECONDS)
        async with kafka_sink(settings, metrics) as sink, reread:
            reception = create_reception(
                settings, sink, keyring=keyring, metrics=metrics, state=state
            )
            app = create_app(reception)
            doorway = Doorway(reception)
            if tls:
                tls.context.began = doorway.began
            way = partial(FastLane if settings.fast_lane else Gate, doorway)
            admin = create_admin(sink, metrics, state)
            async with (
                repeated(doorway.sweep, SWEEP_SECONDS),
                serving(admin, operators, settings),
                serving(app, public, settings, way, tls),
            ):
                with _announced(
                    settings.ready_file, url(public, tls=tls is not None), url(operators)
                ):
                    await signals.acquire()
                    state.draining = True
                    log.info("draining", seconds=settings.drain_seconds)
                    await _within(settings.drain_seconds, signals)
        log.info("stopped")


def _refresh(files: Sequence[Changes]) -> None:
    for each in files:
        each.refresh()


@contextlib.contextmanager
def _signals() -> Iterator[asyncio.Semaphore]:
    """Count the signals that ask for an end."""
    loop = asyncio.get_running_loop()
    received = asyncio.Semaphore(0)
    for each in SIGNALS:
        loop.add_signal_handler(each, received.release)
    try:
        yield received
    finally:
        for each in SIGNALS:
            loop.remove_signal_handler(each)


async def _within(seconds: float, signals: asyncio.Semaphore) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await signals.acquire()


@contextlib.asynccontextmanager
async def repeated(what: Callable[[], None], seconds: float) -> AsyncIterator[None]:
    async def repeat() -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                what()
            except Exception:
                log.exception("bug")

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()


@contextlib.contextmanager
def _announced(file: Path | None, url: str, admin_url: str) -> Iterator[None]:
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
