"""When a lane may close its batch: together with all others that wait, as soon as a broker is free.

aiokafka has one produce request at a time under way for each broker. A batch that is closed in the
meantime waits in there without taking any more records; a lane that waits here goes on taking them,
and its batch travels with all the others' in one request. So under load there are fewer and larger
requests. A quick broker would be asked for every record or two by itself: rounds that follow each
other keep a distance. With no load there is nobody to wait for, and nobody waits.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

ROUND_SECONDS = 0.005
"""Longest wait for a broker: it may be another one's answer that does not come."""

APART_SECONDS = 0.002
"""From the beginning of a round to that of the next one, if somebody waits when it is answered."""

Lane = TypeVar("Lane")


class Rounds(Generic[Lane]):
    """Starts lanes; a lane that has been started joins again when it has something to send.

    `_next` is the beginning of the next round, None while nobody waits for one. `_awaited` says
    that the last round has no answer yet, so that the first one brings `_next` forward.
    """

    def __init__(self, start: Callable[[Lane], None]) -> None:
        self._start = start
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Lane] = []
        self._next: asyncio.Handle | None = None
        self._awaited = False
        self._ended = False
        self._begun_at = 0.0

    def join(self, lane: Lane) -> None:
        """Let a lane take part in the next round, which is at the end of this turn or soon."""
        self._waiting.append(lane)
        if self._next is None:
            self._next = self._loop.call_soon(self._begin)

    def answered(self) -> None:
        """Begin the next round soon: of the last one a lane has its answer, so a broker is free."""
        if self._awaited and self._next:
            self._awaited = False
            self._next.cancel()
            self._next = self._loop.call_soon(self._follow)

    def end(self) -> None:
        """Begin no more rounds."""
        self._ended = True

    def _follow(self) -> None:
        at = self._begun_at + APART_SECONDS
        self._next = self._loop.call_at(at, self._begin) if self._waiting else None

    def _begin(self) -> None:
        if self._ended:
            return
        lanes, self._waiting = self._waiting, []
        self._awaited = bool(lanes)
        self._begun_at = self._loop.time()
        self._next = self._loop.call_later(ROUND_SECONDS, self._begin) if lanes else None
        for lane in lanes:
            self._start(lane)
