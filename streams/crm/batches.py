"""Collects calls made at the same time into batches, without making an idle caller wait.

While a batch is under way the next one fills; what arrives when none is goes at once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

from streams.crm import Refused

Item = TypeVar("Item")
Result = TypeVar("Result")

SMALLER_SECONDS = 600.0
"""How long batches stay as small as they had to become; then the full size is tried again."""


class Shared(Exception):
    """An item's outcome that may be due to another item, or to how many they were.

    `alone` is what it means for an item that was sent by itself.
    """

    def __init__(self, alone: Exception) -> None:
        super().__init__(str(alone))
        self.alone = alone


class Batches(Generic[Item, Result]):
    """Sends items in batches of at most `most`, `at_once` batches under way.

    `send` gets the items of one batch and returns as many outcomes in their order; an exception
    among them is raised from that item's `add` alone, one that `send` raises from every `add`. But
    a batch that is `Refused` as a whole is sent again in halves, and so are those of its items
    whose outcome is `Shared`: one item must not take the others with it. Where it was their number,
    batches stay smaller for a while. Two items with the same `key` are never under way at the same
    time.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        most: int,
        key: Callable[[Item], Hashable],
        at_once: int = 1,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._full = most
        self._smaller, self._smaller_until = most, now()
        self._now = now
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

    @property
    def _most(self) -> int:
        return self._smaller if self._now() < self._smaller_until else self._full

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
        keys, left, most = set(self._under_way), [], self._most
        for item, future in self._waiting:
            if future.done():
                continue
            if len(batch) < most and self._key(item) not in keys:
                keys.add(self._key(item))
                batch.append((item, future))
            else:
                left.append((item, future))
        self._waiting = left
        return batch

    async def _deliver(self, batch: list[tuple[Item, "asyncio.Future[Result]"]]) -> None:
        if not batch:
            return
        sizes = _Sizes()
        outcomes = await self._outcomes([item for item, _ in batch], sizes)
        if smaller := sizes.bearable():
            self._smaller, self._smaller_until = smaller, self._now() + SMALLER_SECONDS
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if future.done():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

    async def _outcomes(
        self, items: Sequence[Item], sizes: "_Sizes"
    ) -> Sequence[Result | Exception]:
        outcomes = await self._sent(items)
        sizes.note(outcomes)
        if len(items) == 1:
            return [one.alone if isinstance(one, Shared) else one for one in outcomes]
        pairs = zip(items, outcomes, strict=True)
        left = [item for item, outcome in pairs if isinstance(outcome, Shared)]
        half = len(left) // 2
        halves = [part for part in (left[:half], left[half:]) if part]
        again = iter([one for part in halves for one in await self._outcomes(part, sizes)])
        return [next(again) if isinstance(one, Shared) else one for one in outcomes]

    async def _sent(self, items: Sequence[Item]) -> Sequence[Result | Exception]:
        try:
            return await self._send(items)
        except Refused as error:
            return [Shared(error)] * len(items)
        except Exception as error:  # noqa: BLE001 - it is raised from every `add` of the batch
            return [error] * len(items)


class _Sizes:
    """Which sizes were taken and which not, while one batch was sent in ever smaller parts."""

    def __init__(self) -> None:
        self._taken: set[int] = set()
        self._refused: set[int] = set()

    def note(self, outcomes: Sequence[object]) -> None:
        """Take note of a part's outcomes; those that are items' own errors say nothing."""
        if not all(isinstance(one, Exception) for one in outcomes):
            self._taken.add(len(outcomes))
        elif any(isinstance(one, Shared) for one in outcomes):
            self._refused.add(len(outcomes))

    def bearable(self) -> int | None:
        """Return the largest size that was taken, if it was for the size that others were not."""
        largest = max(self._taken, default=0)
        return largest if largest and largest < min(self._refused, default=0) else None
