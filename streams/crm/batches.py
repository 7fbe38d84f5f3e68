"""Collects calls made at the same time into batches, without making an idle caller wait.

While a batch is under way the next one fills; what arrives when none is goes at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

from streams.crm import Refused

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batches(Generic[Item, Result]):
    """Sends items in batches of at most `most`, `at_once` batches under way.

    `send` gets the items of one batch and returns as many outcomes in their order; an exception
    among them is raised from that item's `add` alone, one that `send` raises from every `add`. But
    a batch that is `Refused` as a whole is sent again in halves: one item must not take the others
    with it. Two items with the same `key` are never under way at the same time.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        most: int,
        key: Callable[[Item], Hashable],
        at_once: int = 1,
    ) -> None:
        self._send = send
        self._most = most
        self._key = key
        self._at_once = at_once
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._under_way: set[Hashable] = set()
        self._flights: set[asyncio.Task[None]] = set()

    async def add(self, item: Item) -> Result:
        """Return the item's outcome, or raise it.

        Cancelling takes an item out that is not under way yet, and nobody else with it.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._start()
        return await future

    async def close(self) -> None:
        """Give up what is under way; nothing may be added afterwards."""
        for flight in self._flights:
            flight.cancel()
        await asyncio.gather(*self._flights, return_exceptions=True)

    def _start(self) -> None:
        # A second flight is worth its call only when it is full.
        enough = self._most if self._flights else 1
        ready = sum(self._key(item) not in self._under_way for item, _ in self._waiting)
        if ready >= enough and len(self._flights) < self._at_once:
            flight = asyncio.ensure_future(self._fly())
            self._flights.add(flight)
            flight.add_done_callback(self._landed)

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self._flights.discard(flight)
        if not flight.cancelled():
            self._start()

    async def _fly(self) -> None:
        """Take a batch now, when all who called in the same turn of the loop have added theirs."""
        batch = self._take()
        keys = {self._key(item) for item, _ in batch}
        self._under_way |= keys
        try:
            await self._deliver(batch)
        finally:
            self._under_way -= keys
            for _, future in batch:
                future.cancel()

    def _take(self) -> list[tuple[Item, "asyncio.Future[Result]"]]:
        batch: list[tuple[Item, asyncio.Future[Result]]] = []
        keys, left = set(self._under_way), []
        for item, future in self._waiting:
            if future.done():
                continue
            if len(batch) < self._most and self._key(item) not in keys:
                keys.add(self._key(item))
                batch.append((item, future))
            else:
                left.append((item, future))
        self._waiting = left
        return batch

    async def _deliver(self, batch: list[tuple[Item, "asyncio.Future[Result]"]]) -> None:
        if not batch:
            return
        outcomes = await self._outcomes([item for item, _ in batch])
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if future.done():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

    async def _outcomes(self, items: Sequence[Item]) -> Sequence[Result | Exception]:
        try:
            return await self._send(items)
        except Refused as error:
            if len(items) == 1:
                return [error]
        except Exception as error:  # noqa: BLE001 - it is raised from every `add` of the batch
            return [error] * len(items)
        half = len(items) // 2
        return [*await self._outcomes(items[:half]), *await self._outcomes(items[half:])]
