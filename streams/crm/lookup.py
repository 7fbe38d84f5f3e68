"""Ids looked up in the CRM: many at a time, each once, remembered for a while.

What was not found is remembered too, but shortly: a person who is missing is often added soon.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

from streams.crm.batches import Batches

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

_ABSENT_SHARE = 0.1  # of the time that what was found is remembered


class Lookup(Generic[Key, Value]):
    """Remembers what `find` found: `seconds` long, `size` keys at most, the oldest forgotten.

    `find` gets at most `most` different keys and returns those that it found.
    """

    def __init__(
        self,
        find: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Value]]],
        most: int,
        seconds: float,
        size: int = 10_000,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find = find
        self._batches: Batches[Key, Value | None] = Batches(self._send, most, key=_same)
        self._seconds = seconds
        self._size = size
        self._now = now
        self._known: OrderedDict[Key, tuple[Value | None, float]] = OrderedDict()
        self._sought: dict[Key, asyncio.Task[Value | None]] = {}

    async def get(self, key: Key) -> Value | None:
        """Return what belongs to the key, or None if the CRM has nothing.

        Raises:
            Exception: what `find` raised; nothing is remembered then.
        """
        value, until = self._known.get(key, (None, 0.0))
        if self._now() < until:
            return value
        if key not in self._sought:
            self._sought[key] = asyncio.ensure_future(self._batches.add(key))
            self._sought[key].add_done_callback(lambda found: self._found(key, found))
        # One caller's cancellation must not take the answer from the others.
        return await asyncio.shield(self._sought[key])

    def forget(self, key: Key) -> None:
        """Ask the CRM again the next time: the id turned out to be no good."""
        self._known.pop(key, None)

    def refuse(self, key: Key, values: Collection[object]) -> None:
        """Believe shortly that the CRM has nothing, if it was one of these, which it does not take.

        Asked again at once, it would name the same.
        """
        value, _ = self._known.get(key, (None, 0.0))
        if value is not None and value in values:
            self._remember(key, None)

    async def close(self) -> None:
        """Give up what is being looked up."""
        await self._batches.close()

    def _found(self, key: Key, found: "asyncio.Task[Value | None]") -> None:
        del self._sought[key]
        if found.cancelled() or found.exception():
            return
        self._remember(key, found.result())

    def _remember(self, key: Key, value: Value | None) -> None:
        seconds = self._seconds * (_ABSENT_SHARE if value is None else 1)
        self._known.pop(key, None)
        self._known[key] = (value, self._now() + seconds)
        if len(self._known) > self._size:
            self._known.popitem(last=False)

    async def _send(self, keys: Sequence[Key]) -> Sequence[Value | None]:
        found = await self._find(keys)
        return [found.get(key) for key in keys]


def _same(key: Key) -> Key:
    return key
