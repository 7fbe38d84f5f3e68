"""Runs the two HTTP servers of the process, and stops them in the right order.

On the first SIGTERM or SIGINT the process becomes unready but goes on serving, so that load
balancers and keep-alive clients move on; then it stops accepting, finishes what is in flight, and
only then closes the sink. A second signal skips the wait.
"""

import asyncio
import contextlib
import os
import resource
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import structlog
import uvicorn
from starlette.types import ASGIApp

from ingress import metrics as table
from ingress.admin import create_admin
from ingress.app import create_app, create_reception
from ingress.doorway import SWEEP_SECONDS, Doorway
from ingress.fast_lane import FastLane
from ingress.gate import Gate
from ingress.kafka_sink import kafka_sink
from ingress.keyring import Keyring
from ingress.metrics import Metrics
from ingress.reception import State
from ingress.settings import Misconfigured, Settings

log = structlog.get_logger(__name__)

REREAD_SECONDS = 2.0
"""How late a changed file of secrets may be noticed."""

FINISH_SECONDS = 5
"""Longest wait for connections to end after the last accept: more than any answer takes."""

ANSWER_BYTES = 4 * 1024
"""What the kernel keeps of a connection's answers until they are read: a few. Left to itself it
keeps up to 4 MB for each caller that does not read."""

OTHER_FILES = 512
"""Open files beside the public port's connections within the limit: those that are told to go, the
admin port's, Kafka's."""

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Unbindable(Exception):
    """The operator's to mend: an address cannot be listened on."""


async def serve(settings: Settings) -> None:
    """Serve until told to stop, then stop cleanly.

    Raises:
        Misconfigured, Unbindable: before anything is connected to.
    """
    keyring = Keyring.of(settings)
    state, metrics = State(), Metrics()
    metrics.watch(table.SECRETS, lambda: len(keyring))
    _allow_files(settings.max_connections)
    public = _listen("GEOPHONE_PORT", settings.host, settings.port)
    public.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ANSWER_BYTES)
    operators = _listen("GEOPHONE_ADMIN_PORT", settings.admin_host, settings.admin_port)
    with _signals() as signals, public, operators:
        reread = repeated(keyring.refresh, REREAD_SECONDS)
        async with kafka_sink(settings, metrics) as sink, reread:
            reception = create_reception(
                settings, sink, keyring=keyring, metrics=metrics, state=state
            )
            app = create_app(reception)
            doorway = Doorway(reception)
            way = partial(FastLane if settings.fast_lane else Gate, doorway)
            admin = create_admin(sink, metrics, state)
            async with (
                repeated(doorway.sweep, SWEEP_SECONDS),
                _serving(admin, operators, settings),
                _serving(app, public, settings, way),
            ):
                with _announced(settings.ready_file, public, operators):
                    await signals.acquire()
                    state.draining = True
                    log.info("draining", seconds=settings.drain_seconds)
                    await _within(settings.drain_seconds, signals)
        log.info("stopped")


def _allow_files(connections: int) -> None:
    """Raise the soft limit of open files to what the connections need.

    Raises:
        Misconfigured: the hard limit is lower.
    """
    needed = connections + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise Misconfigured(
            f"GEOPHONE_MAX_CONNECTIONS: {connections} connections need {needed} open files and "
            f"this process may have {hard}; lower it, or raise the limit (ulimit -Hn)"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _listen(variable: str, host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        address = variable.replace("PORT", "HOST")
        raise Unbindable(
            f"{variable}: cannot listen on {host} port {port} ({error.strerror}); "
            f"choose another {variable} or {address}, or end what uses it"
        ) from error


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
            what()

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone: `serve` decides what they mean."""
        yield


@contextlib.asynccontextmanager
async def _serving(
    app: ASGIApp, listener: socket.socket, settings: Settings, http: Any = "httptools"
) -> AsyncIterator[None]:
    """Serve an application on a socket; at the end stop accepting and finish what is in flight."""
    config = uvicorn.Config(
        app,
        http=http,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=FINISH_SECONDS,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


@contextlib.contextmanager
def _announced(
    file: Path | None, public: socket.socket, operators: socket.socket
) -> Iterator[None]:
    """Tell the log, and a supervisor through a file, where this process serves."""
    where = {"url": _url(public), "admin_url": _url(operators), "pid": os.getpid()}
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


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
