"""Several workers as one process to its operator: started, renewed, ended, asked together."""

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from socket import socket

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
        Misconfigured: a worker refuses its settings.
        Unbindable: an address cannot be listened on.
    """
    state = State()
    with contextlib.ExitStack() as opened:
        listeners = [opened.enter_context(each) for each in listen_publicly(settings, workers)]
        operators = opened.enter_context(
            listen("GEOPHONE_ADMIN_PORT", settings.admin_host, settings.admin_port)
        )
        signals = opened.enter_context(ends())
        slots = _slots(listeners, opened)
        where = url(listeners[0], tls=settings.tls_certificate_file is not None), url(operators)
        async with serving(create_pool_admin(slots, state), operators, settings):
            background = [
                asyncio.create_task(_pass_on(signals, slots, state)),
                asyncio.create_task(_announce(slots, settings.ready_file, *where)),
            ]
            with _renewing(slots):
                await _kept(slots)
            for task in background:
                task.cancel()
    log.info("stopped")


def _slots(listeners: Sequence[socket], opened: contextlib.ExitStack) -> list[Slot]:
    folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="geophone-ingress-"))
    line = opened.enter_context(lifeline())
    return [Slot(number, listener, line, Path(folder)) for number, listener in enumerate(listeners)]


async def _kept(slots: Sequence[Slot]) -> None:
    """Return once every worker has ended for good."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for slot in slots:
                tasks.create_task(slot.keep())
    except* Misconfigured as refused:
        raise Misconfigured(str(refused.exceptions[0])) from None


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
    """Renew the workers one after the other at each SIGHUP."""
    loop, one_at_a_time = asyncio.get_running_loop(), asyncio.Lock()
    tasks: set[asyncio.Task[None]] = set()

    async def renew() -> None:
        async with one_at_a_time:
            for slot in slots:
                await slot.renew()

    def begin() -> None:
        tasks.add(task := loop.create_task(renew()))
        task.add_done_callback(tasks.discard)

    loop.add_signal_handler(signal.SIGHUP, begin)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        for task in tasks:
            task.cancel()
