"""One source partition while this process owns it: what is next, and who may still work on it."""

import asyncio
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aiokafka import ConsumerRecord, TopicPartition

from streams.exit import Gap


class Handler(ABC):
    """A stage's work on one partition."""

    @abstractmethod
    async def open(self, first: "First") -> int:
        """Take the partition over; return the offset to start from.

        Raises:
            Exception: the partition cannot be taken over safely; the process ends.
        """

    @abstractmethod
    async def handle(self, records: Sequence[ConsumerRecord], next_offset: int) -> bool:
        """Handle `records` to the end and commit `next_offset`; False if interrupted before.

        Raises:
            Exception: nothing may be assumed; the process ends.
        """

    def interrupt(self) -> None:  # noqa: B027 - most stages wait for nobody but the broker
        """Make a `handle` that waits for somebody else return soon."""

    def active_at(self) -> float:
        """Return until when what `handle` does counts as progress although no offset moves.

        Monotonic; a wait that somebody else asked for lies in the future.
        """
        return -math.inf

    def opening_at(self) -> float:
        """Return when `open` last made progress, monotonic: one may take minutes.

        What partitions share says nothing here: others may move while this one hangs.
        """
        return -math.inf

    @abstractmethod
    async def close(self) -> None:
        """Let go; no call of `handle` is under way."""


class First(Protocol):
    """Turns the group's committed offset, if there is one, into the first one to be read."""

    async def __call__(self, committed: int | None) -> int: ...


@dataclass(slots=True, eq=False)
class Ownership:
    """Serialises the work on one partition, guards its contiguity, and knows its progress."""

    source: TopicPartition
    handler: Handler
    contiguous: bool
    next_offset: int = -1
    pending: list[ConsumerRecord] = field(default_factory=list)
    in_flight: bool = False
    lag: int = 0
    ended: bool = False
    moved_at: float = field(default_factory=time.monotonic)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def take_over(self, first: First) -> None:
        """Open the handler and expect the offset it says."""
        self.next_offset = await self.handler.open(first)
        self.moved_at = time.monotonic()

    def next_batch(self, most: int) -> "Batch | None":
        """Return at most `most` pending records; None while a batch is under way."""
        if self.in_flight or not self.pending:
            return None
        records, self.pending = self.pending[:most], self.pending[most:]
        self.in_flight = True
        return Batch(self, records)

    async def handle(self, records: Sequence[ConsumerRecord]) -> bool:
        """Handle one batch in its turn; False if the partition was let go meanwhile.

        A batch of an ended ownership is not lost: the next owner starts at the committed offset.

        Raises:
            Gap: the batch does not start where the last one ended.
        """
        async with self._turn:
            if self.ended:
                return False
            self._guard(records)
            following = records[-1].offset + 1
            if not await self.handler.handle(records, following):
                return False
            self.next_offset = following
            self.moved_at = time.monotonic()
        return True

    async def let_go(self) -> None:
        """Wait for the batch in hand, then let the partition go for good."""
        self.handler.interrupt()
        async with self._turn:
            self.ended = True
            await self.handler.close()

    def idle_since(self) -> float:
        """Return the monotonic time of the last progress with records."""
        return max(self.moved_at, self.handler.active_at())

    def arriving_since(self) -> float:
        """Return the monotonic time of the last progress of the takeover."""
        return max(self.moved_at, self.handler.opening_at())

    def _guard(self, records: Sequence[ConsumerRecord]) -> None:
        """A commit must never pass a record that was not handled.

        A topic without transactions and compaction has no holes. In one with transactions the
        markers take offsets, so there only going back can be told.
        """
        expected = self.next_offset
        for record in records:
            if record.offset < expected or (self.contiguous and record.offset != expected):
                raise Gap(f"{self.source}: expected offset {expected}, got {record.offset}")
            expected = record.offset + 1


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition, with the ownership under which they were read."""

    ownership: Ownership
    records: Sequence[ConsumerRecord]
