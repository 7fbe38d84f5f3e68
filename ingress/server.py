"""Runs the two HTTP servers of the process, and stops them in the right order.

On the first SIGTERM or SIGINT the process becomes unready but goes on serving, so that load
balancers and keep-alive clients move on; then it stops accepting, finishes what is in flight, and
only then closes the sink. A second signal skips the wait.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

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
from ingress.lifetime import announced, ends, retiring, within
from ingress.listening import allow_files, listen, listen_publicly, url
from ingress.metrics import Metrics
from ingress.reception import State
from ingress.serving import serving
from ingress.settings import Settings
from ingress.tls import Tls

log = structlog.get_logger(__name__)

REREAD_SECONDS = 2.0
"""How late a changed file of secrets may be noticed."""


async def serve(
    settings: Settings, shared: socket.socket | None = None, lifeline: int | None = None
) -> None:
    """Serve until told to stop, then stop cleanly.

    A worker's socket is `shared` with its parent, which ends when its `lifeline` does.

    Raises:
        Misconfigured, Unbindable: before anything is connected to.
    """
    keyring, tls = Keyring.of(settings), Tls.of(settings)
    state, metrics = State(), Metrics()
    metrics.watch(table.SECRETS, lambda: len(keyring))
    allow_files(settings.max_connections)
    public = shared or listen_publicly(settings)[0]
    operators = listen("GEOPHONE_ADMIN_PORT", settings.admin_host, settings.admin_port)
    with ends(lifeline) as signals, public, operators:
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
                serving(app, public, settings, way, tls) as server,
            ):
                with (
                    retiring(server.stop_accepting, signals),
                    announced(
                        settings.ready_file, url(public, tls=tls is not None), url(operators)
                    ),
                ):
                    await signals.acquire()
                    state.draining = True
                    log.info("draining", seconds=settings.drain_seconds)
                    await within(settings.drain_seconds, signals)
        log.info("stopped")


def _refresh(files: Sequence[Changes]) -> None:
    for each in files:
        each.refresh()


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
