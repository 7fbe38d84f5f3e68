"""Several workers as one process to its operator: started, renewed, ended, asked together."""

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from socket import socket
from typing import Any

import structlog

from ingress.lifetime import announced, ends
from ingress.listening import listen, listen_publicly, url
from ingress.pool_admin import create_pool_admin
from ingress.reception import State
from ingress.serving import serving
from ingress.settings import Misconfigured, Settings
from ingress.workers import Slot, all_serve, lifeline

log = structlog.get_logger(__name__)


async def serve_pool(settings: Settings, workers: int) -> None:
    """Serve with so many workers until told to stop.

    Raises:
        Misconfigured: a worker refuses its settings, or there is nowhere to write.
        Unbindable: an address cannot be listened on.
    """
    state = State()
    with contextlib.ExitStack() as opened:
        listeners = [opened.enter_context(each) for each in listen_publicly(settings, workers)]
        operators = opened.enter_context(
            listen("GEOPHONE_ADMIN_PORT", settings.admin_host, settings.admin_port)
        )
        signals = opened.enter_context(ends())
        slots = _slots(listeners, settings, opened)
        opened.enter_context(_renewing(slots))
        where = url(listeners[0], tls=settings.tls_certificate_file is not None), url(operators)
        async with serving(create_pool_admin(slots, state), operators, settings):
            await _run(
                slots,
                _pass_on(signals, slots, state),
                _announce(slots, settings.ready_file, *where),
            )
    log.info("stopped")


def _slots(
    listeners: Sequence[socket], settings: Settings, opened: contextlib.ExitStack
) -> list[Slot]:
    try:
        folder = tempfile.TemporaryDirectory(prefix="geophone-ingress-")
    except OSError as error:
        raise Misconfigured(f"GEOPHONE_WORKERS: {error}; name a folder in TMPDIR") from error
    named = Path(opened.enter_context(folder))
    line = opened.enter_context(lifeline())
    return [
        Slot(number, listener, line, named, settings.drain_seconds)
        for number, listener in enumerate(listeners)
    ]


async def _run(slots: Sequence[Slot], *beside: Coroutine[Any, Any, None]) -> None:
    """Return once every worker has ended for good; what runs beside is ended then."""
    try:
        async with asyncio.TaskGroup() as tasks:
            others = [tasks.create_task(each) for each in beside]
            await _kept(slots)
            for each in others:
                each.cancel()
    except* Misconfigured as refused:
        raise Misconfigured(str(refused.exceptions[0])) from None


async def _kept(slots: Sequence[Slot]) -> None:
    tasks = [asyncio.create_task(slot.keep()) for slot in slots]
    try:
        await asyncio.gather(*tasks)
    finally:
        for slot in slots:
            slot.leave()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pass_on(signals: asyncio.Semaphore, slots: Sequence[Slot], state: State) -> None:
    """Have the workers end, and not wait if told again."""
    while True:
        await signals.acquire()
        state.draining = True
        log.info("draining")
        for slot in slots:
            slot.leave()


async def _announce(slots: Sequence[Slot], file: Path | None, url: str, admin_url: str) -> None:
    await all_serve(slots)
    with announced(file, url, admin_url):
        await asyncio.Event().wait()


@contextlib.contextmanager
def _renewing(slots: Sequence[Slot]) -> Iterator[None]:
    """Renew the workers one by one at each SIGHUP; one that comes meanwhile asks for the same."""
    loop = asyncio.get_running_loop()
    task: asyncio.Task[None] | None = None

    async def renew() -> None:
        for slot in slots:
            await slot.renew()

    def begin() -> None:
        nonlocal task
        if task is None or task.done():
            task = loop.create_task(renew())

    loop.add_signal_handler(signal.SIGHUP, begin)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if task:
            task.cancel()
