"""When the next call to a CRM may begin: rate, calls under way, and the CRM's own wish to rest."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiolimiter import AsyncLimiter

from streams.crm import Unavailable
from streams.crm.limits import Limits
from streams.crm.retry import RETRY_AFTER_CAP_SECONDS
from streams.crm.window import Window


class Call:
    """One call under way; its `overtaxed` is set by whoever has read the answer."""

    overtaxed: bool | None = None


class Pace:
    """Shared by all calls to one CRM; made in the event loop that uses it."""

    def __init__(self, limits: Limits, now: Callable[[], float] = time.monotonic) -> None:
        self._window = Window(limits.concurrency)
        self._bucket = AsyncLimiter(limits.burst, limits.burst / limits.per_second)
        self._patience = limits.timeout
        self._now = now
        self._rested_at = now()
        self._changed = asyncio.Event()
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def call(self) -> AsyncIterator[Call]:
        """Wait for one's turn, then hold it.

        Raises:
            Unavailable: the CRM wants a longer rest than one call may take.
        """
        while not self._window.open:
            self._changed.clear()
            await self._changed.wait()
        ticket, call = self._window.begin(), Call()
        try:
            await self._wait()
            yield call
        finally:
            self._window.end(ticket, overtaxed=call.overtaxed)
            self._changed.set()

    def rest(self, seconds: float) -> None:
        """Let no further call begin for so long, but for ten minutes at most."""
        rested_at = self._now() + min(seconds, RETRY_AFTER_CAP_SECONDS)
        self._rested_at = max(self._rested_at, rested_at)

    async def _wait(self) -> None:
        # One at a time: those behind take nothing from the bucket while the first has to rest.
        async with self._turn:
            await self._rest()
            await self._bucket.acquire()
            await self._rest()  # an answer may have asked for it meanwhile

    async def _rest(self) -> None:
        while (left := self._rested_at - self._now()) > 0:
            if left > self._patience:
                raise Unavailable("the CRM asked for a rest", left)
            await asyncio.sleep(left)
