"""One owned partition: the contiguity guard, turns, and letting go."""

import asyncio
import math
from collections.abc import Sequence

import pytest
from aiokafka import ConsumerRecord, TopicPartition

from streams.exit import Gap
from streams.ownership import First, Handler, Ownership
from tests.records import record

SOURCE = TopicPartition("seismic.raw", 3)


class Recorder(Handler):
    """Notes what it handled; waits at `gate` if it is closed."""

    def __init__(self, start: int = 0, answer: bool = True) -> None:  # noqa: FBT001, FBT002
        self.start, self.answer = start, answer
        self.handled: list[tuple[list[int], int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.closed = self.interrupted = False
        self.busy_until = -math.inf

    def active_at(self) -> float:
        return self.busy_until

    async def open(self, first: First) -> int:
        return await first(None)

    async def handle(self, records: Sequence[ConsumerRecord], next_offset: int) -> bool:
        self.entered.set()
        await self.gate.wait()
        assert not self.closed
        self.handled.append(([one.offset for one in records], next_offset))
        return self.answer

    def interrupt(self) -> None:
        self.interrupted = True

    async def close(self) -> None:
        self.closed = True


async def owned(handler: Handler, start: int, *, contiguous: bool = True) -> Ownership:
    async def first(committed: int | None) -> int:
        assert committed is None
        return start

    ownership = Ownership(SOURCE, handler, contiguous)
    await ownership.take_over(first)
    return ownership


def at(*offsets: int) -> list[ConsumerRecord]:
    return [record(b"x", offset) for offset in offsets]


async def test_batches_in_a_row_are_handled_and_the_next_offset_moves() -> None:
    handler = Recorder()
    ownership = await owned(handler, 5)
    assert await ownership.handle(at(5, 6))
    assert await ownership.handle(at(7))
    assert handler.handled == [([5, 6], 7), ([7], 8)]
    assert ownership.next_offset == 8


@pytest.mark.parametrize("offsets", [(6,), (4,), (5, 7), (5, 5), (5, 6, 4)])
async def test_a_hole_or_a_repeat_is_a_gap_and_nothing_is_handled(
    offsets: tuple[int, ...],
) -> None:
    handler = Recorder()
    ownership = await owned(handler, 5)
    with pytest.raises(Gap, match="expected offset"):
        await ownership.handle(at(*offsets))
    assert handler.handled == []


async def test_a_transactional_topic_may_have_holes() -> None:
    handler = Recorder()
    ownership = await owned(handler, 5, contiguous=False)
    assert await ownership.handle(at(6, 9))
    assert await ownership.handle(at(12))
    assert ownership.next_offset == 13


@pytest.mark.parametrize("offsets", [(4,), (6, 6), (8, 7)])
async def test_a_transactional_topic_must_not_go_back(offsets: tuple[int, ...]) -> None:
    ownership = await owned(Recorder(), 5, contiguous=False)
    with pytest.raises(Gap):
        await ownership.handle(at(*offsets))


async def test_a_batch_handled_twice_is_a_gap() -> None:
    ownership = await owned(Recorder(), 0)
    await ownership.handle(at(0))
    with pytest.raises(Gap):
        await ownership.handle(at(0))


async def test_a_batch_of_an_ended_ownership_is_discarded() -> None:
    handler = Recorder()
    ownership = await owned(handler, 0)
    await ownership.let_go()
    assert not await ownership.handle(at(0))
    assert handler.handled == []


async def test_letting_go_waits_for_the_batch_in_hand_and_not_for_the_next() -> None:
    handler = Recorder()
    ownership = await owned(handler, 0)
    handler.gate.clear()
    first = asyncio.create_task(ownership.handle(at(0)))
    await handler.entered.wait()
    leaving = asyncio.create_task(ownership.let_go())
    await asyncio.sleep(0)
    late = asyncio.create_task(ownership.handle(at(1)))
    await asyncio.sleep(0)
    assert handler.interrupted
    assert not handler.closed
    handler.gate.set()
    assert await first
    await leaving
    assert handler.closed
    assert not await late


async def test_an_interrupted_batch_does_not_move_the_offset() -> None:
    ownership = await owned(Recorder(answer=False), 0)
    moved_at = ownership.moved_at
    assert not await ownership.handle(at(0))
    assert (ownership.next_offset, ownership.moved_at) == (0, moved_at)


async def test_a_batch_that_failed_does_not_move_the_offset() -> None:
    class Broken(Recorder):
        async def handle(self, records: Sequence[ConsumerRecord], next_offset: int) -> bool:
            raise RuntimeError(len(records), next_offset)

    ownership = await owned(Broken(), 0)
    with pytest.raises(RuntimeError):
        await ownership.handle(at(0))
    assert ownership.next_offset == 0


async def test_a_handler_that_is_busy_without_moving_counts_as_progress() -> None:
    handler = Recorder()
    ownership = await owned(handler, 0)
    assert ownership.idle_since() == ownership.moved_at
    handler.busy_until = ownership.moved_at + 10
    assert ownership.idle_since() == handler.busy_until
