"""The source: who gets what was read, when it is paused, ready and stalled."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition

from streams import metrics
from streams import source as module
from streams.ownership import Batch, First, Handler
from streams.source import Source, Stage
from tests.records import record

P0, P1 = TopicPartition("raw", 0), TopicPartition("raw", 1)


class Consumer:
    """Stands for the group consumer."""

    def __init__(self) -> None:
        self.paused: set[TopicPartition] = set()
        self.sought: list[tuple[TopicPartition, int]] = []
        self.positions: dict[TopicPartition, int] = {}
        self.ends: dict[TopicPartition, int] = {}
        self.start = 0

    def pause(self, *partitions: TopicPartition) -> None:
        self.paused |= set(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        self.paused -= set(partitions)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.sought.append((partition, offset))
        self.positions[partition] = offset

    async def position(self, partition: TopicPartition) -> int:
        return self.positions[partition]

    def highwater(self, partition: TopicPartition) -> int | None:
        return self.ends.get(partition)

    last_stable_offset = highwater

    async def beginning_offsets(self, asked: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(asked, self.start)

    async def stop(self) -> None: ...


class Channel:
    def __init__(self) -> None:
        self.batches: list[Batch] = []

    async def put(self, batch: Batch) -> None:
        self.batches.append(batch)


class Work(Handler):
    """Takes over when let; handles when let."""

    def __init__(self, committed: int | None = 5) -> None:
        self.committed = committed
        self.may_open, self.may_handle = asyncio.Event(), asyncio.Event()
        self.may_open.set()
        self.may_handle.set()
        self.closed = 0
        self.busy_until = self.opened_at = -math.inf

    def active_at(self) -> float:
        return self.busy_until

    def opening_at(self) -> float:
        return self.opened_at

    async def open(self, first: First) -> int:
        await self.may_open.wait()
        return await first(self.committed)

    async def handle(self, records: Sequence[ConsumerRecord], next_offset: int) -> bool:
        await self.may_handle.wait()
        return bool(records and next_offset)

    async def close(self) -> None:
        self.closed += 1


class Bench:
    """A source with everything around it made up."""

    def __init__(self, *, transactional: bool = False, most: int = 500) -> None:
        self.consumer, self.channel = Consumer(), Channel()
        self.work: dict[TopicPartition, Work] = {}
        stage = Stage("dedup", ["raw"], transactional=transactional, max_records=most)
        made: Any = self.channel
        self.source = Source(stage, made, self._handler, lambda: self.consumer)
        self.source._consumer = self.consumer

    def _handler(self, partition: TopicPartition) -> Handler:
        return self.work.setdefault(partition, Work())

    async def assigned(self, *partitions: TopicPartition) -> None:
        await self.source.on_partitions_assigned(set(partitions))
        await turns()

    async def read(self, partition: TopicPartition, *offsets: int) -> list[Batch]:
        """Receive records as the poll loop would; return the batches handed out for them."""
        before = len(self.channel.batches)
        fetched = [record(b"x", offset) for offset in offsets]
        self.consumer.positions[partition] = offsets[-1] + 1
        await self.source._receive(self.source._owned[partition], fetched)
        return self.channel.batches[before:]

    async def handle(self, batch: Batch) -> list[Batch]:
        """Handle a batch; return the batches handed out because of it."""
        before = len(self.channel.batches)
        await self.source.handle(batch)
        return self.channel.batches[before:]

    def expected(self, partition: TopicPartition) -> int:
        return self.source._owned[partition].next_offset


@asynccontextmanager
async def bench(**limits: Any) -> AsyncIterator[Bench]:
    made = Bench(**limits)
    yield made
    await made.source.on_partitions_revoked(set())


def offsets(batch: Batch) -> list[int]:
    return [one.offset for one in batch.records]


async def turns() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def test_a_partition_is_read_only_after_it_has_been_taken_over() -> None:
    async with bench() as b:
        b.work[P0] = Work()
        b.work[P0].may_open.clear()
        await b.assigned(P0)
        assert b.consumer.paused == {P0}
        assert P0 not in b.source._owned
        b.work[P0].may_open.set()
        await turns()
        assert b.consumer.paused == set()
        assert b.consumer.sought[-1] == (P0, 5)
        assert b.expected(P0) == 5


async def test_a_group_without_offset_starts_where_the_log_does() -> None:
    async with bench() as b:
        b.consumer.start = 3
        b.work[P0] = Work(committed=None)
        await b.assigned(P0)
        assert b.expected(P0) == 3


async def test_expired_records_are_counted_and_skipped_loudly() -> None:
    async with bench() as b:
        before = _expired()
        b.consumer.start = 9
        await b.assigned(P0)
        assert b.expected(P0) == 9
        assert _expired() - before == 4


def _expired() -> float:
    return float(metrics.EXPIRED.labels("dedup")._value.get())


async def test_it_is_ready_once_every_assigned_partition_is_taken_over() -> None:
    async with bench() as b:
        assert not b.source.ready(), "the group has not been joined"
        b.work[P0], b.work[P1] = Work(), Work()
        b.work[P1].may_open.clear()
        await b.assigned(P0, P1)
        assert not b.source.ready()
        b.work[P1].may_open.set()
        await turns()
        assert b.source.ready()


async def test_a_member_without_partitions_is_ready() -> None:
    async with bench() as b:
        await b.assigned()
        assert b.source.ready()


async def test_of_each_partition_one_batch_is_handed_out_at_a_time() -> None:
    """Else its batches would keep every worker from the other partitions."""
    async with bench(most=2) as b:
        await b.assigned(P0, P1)
        (first,) = await b.read(P0, 5, 6, 7, 8, 9)
        assert offsets(first) == [5, 6]
        assert await b.read(P0, 10) == []
        (other,) = await b.read(P1, 5)
        assert other.ownership.source == P1
        (second,) = await b.handle(first)
        (third,) = await b.handle(second)
        assert (offsets(second), offsets(third)) == ([7, 8], [9, 10])
        assert await b.handle(third) == []
        assert b.expected(P0) == 11


async def test_a_partition_with_a_batch_waiting_is_paused_until_it_is_under_way() -> None:
    async with bench(most=2) as b:
        await b.assigned(P0)
        (first,) = await b.read(P0, 5)
        assert b.consumer.paused == set()
        await b.read(P0, 6, 7)
        assert b.consumer.paused == {P0}
        await b.handle(first)
        assert b.consumer.paused == set()


async def test_what_was_read_before_a_rebalance_is_discarded_after_it() -> None:
    async with bench(most=2) as b:
        await b.assigned(P0)
        (old,) = await b.read(P0, 5, 6, 7)
        await b.source.on_partitions_revoked({P0})
        await b.assigned(P0)
        assert await b.handle(old) == [], "nor is what was pending handed out"
        assert b.expected(P0) == 5
        (new,) = await b.read(P0, 5, 6)
        await b.handle(new)
        assert b.expected(P0) == 7
        assert b.work[P0].closed == 1


async def test_a_discarded_batch_does_not_keep_the_next_owner_paused() -> None:
    async with bench(most=1) as b:
        await b.assigned(P0)
        (old,) = await b.read(P0, 5, 6)
        assert b.consumer.paused == {P0}
        await b.source.on_partitions_revoked({P0})
        await b.assigned(P0)
        await b.handle(old)
        assert b.consumer.paused == set()
        (new,) = await b.read(P0, 5)
        await b.handle(new)
        assert b.consumer.paused == set()


async def test_revocation_waits_for_the_batch_in_hand() -> None:
    async with bench() as b:
        await b.assigned(P0)
        b.work[P0].may_handle.clear()
        (batch,) = await b.read(P0, 5)
        handling = asyncio.create_task(b.source.handle(batch))
        await turns()
        revoking = asyncio.create_task(b.source.on_partitions_revoked({P0}))
        await turns()
        assert not revoking.done()
        b.work[P0].may_handle.set()
        await asyncio.gather(handling, revoking)
        assert b.work[P0].closed == 1


async def test_revocation_breaks_a_takeover_off_and_lets_its_handler_go() -> None:
    async with bench() as b:
        b.work[P0] = Work()
        b.work[P0].may_open.clear()
        await b.assigned(P0)
        await b.source.on_partitions_revoked({P0})
        assert b.work[P0].closed == 1
        assert b.source._owned == {}
        assert b.source.ready(), "nothing is being taken over any more"


async def test_a_takeover_that_is_cancelled_from_within_ends_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only we break takeovers off. Taken for that, the partition would be nobody's from then on."""
    ended: list[int] = []
    monkeypatch.setattr("os._exit", ended.append)

    class Cancelled(Work):
        async def open(self, first: First) -> int:
            await first(None)
            raise asyncio.CancelledError

    async with bench() as b:
        b.work[P0] = Cancelled()
        await b.assigned(P0)
        assert ended == [70]
        assert b.work[P0].closed == 1


async def test_an_assignment_after_the_stop_is_not_taken_over() -> None:
    async with bench() as b:
        b.source._stopped.set()
        await b.assigned(P0)
        assert b.work == {}


async def test_a_partition_without_work_is_never_stalled() -> None:
    async with bench() as b:
        await b.assigned(P0)
        b.consumer.ends[P0] = 5
        b.source._owned[P0].moved_at -= 1000
        await b.source._observe_lag()
        assert b.source.stalled_for() < 1


async def test_work_that_does_not_move_is_a_stall_until_it_moves() -> None:
    async with bench() as b:
        await b.assigned(P0)
        b.consumer.ends[P0] = 9
        (batch,) = await b.read(P0, 5)
        b.source._owned[P0].moved_at -= 1000
        await b.source._observe_lag()
        assert b.source.stalled_for() > 999
        await b.source.handle(batch)
        assert b.source.stalled_for() < 1


async def test_the_longest_stall_of_any_partition_counts() -> None:
    async with bench() as b:
        await b.assigned(P0, P1)
        b.consumer.ends = {P0: 9, P1: 9}
        await b.source._observe_lag()
        b.source._owned[P1].moved_at -= 500
        assert 499 < b.source.stalled_for() < 600


async def test_markers_at_the_end_of_a_transactional_topic_are_no_work() -> None:
    async with bench(transactional=True) as b:
        await b.assigned(P0)
        b.consumer.ends[P0] = 8
        (batch,) = await b.read(P0, 5, 6)
        b.consumer.positions[P0] = 8
        await b.source._observe_lag()
        assert b.source._owned[P0].lag == 3, "what was read is not done yet"
        await b.source.handle(batch)
        await b.source._observe_lag()
        assert b.source._owned[P0].lag == 0


async def test_a_takeover_that_does_not_end_is_a_stall() -> None:
    async with bench() as b:
        b.work[P0] = Work()
        b.work[P0].may_open.clear()
        await b.assigned(P0)
        b.source._arriving[P0].moved_at -= 700
        assert b.source.stalled_for() > 699


async def test_a_takeover_that_moves_is_no_stall_however_long_it_takes() -> None:
    async with bench() as b:
        b.work = {P0: Work(), P1: Work()}
        for work in b.work.values():
            work.may_open.clear()
        await b.assigned(P0, P1)
        for taken in b.source._arriving.values():
            taken.moved_at -= 700
        b.work[P0].opened_at = time.monotonic()
        assert b.source.stalled_for() > 699, "the other one does not move"
        b.work[P1].opened_at = time.monotonic()
        assert b.source.stalled_for() < 1
        assert not b.source.ready()


async def test_a_takeover_that_hangs_is_a_stall_though_its_handler_may_wait_with_records() -> None:
    """A CRM's throttling holds for every partition of it, and for no takeover."""
    async with bench() as b:
        b.work[P0] = Work()
        b.work[P0].may_open.clear()
        await b.assigned(P0)
        b.source._arriving[P0].moved_at -= 700
        b.work[P0].busy_until = time.monotonic() + 300
        assert b.source.stalled_for() > 699


async def test_a_takeover_that_was_broken_off_is_no_stall() -> None:
    async with bench() as b:
        b.work[P0] = Work()
        b.work[P0].may_open.clear()
        await b.assigned(P0)
        b.source._arriving[P0].moved_at -= 700
        await b.source.on_partitions_revoked({P0})
        assert b.source.stalled_for() == 0


async def test_a_handler_that_waits_as_it_was_told_is_not_stalled() -> None:
    async with bench() as b:
        await b.assigned(P0)
        b.consumer.ends[P0] = 9
        await b.read(P0, 5)
        b.source._owned[P0].moved_at -= 1000
        await b.source._observe_lag()
        b.work[P0].busy_until = time.monotonic() + 300
        assert b.source.stalled_for() == 0


async def test_a_stop_that_kafka_holds_up_ends_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Ended(BaseException): ...

    def end(code: int) -> None:
        raise Ended(code)

    monkeypatch.setattr(module, "STOP_SECONDS", 0.05)
    monkeypatch.setattr("os._exit", end)
    b = Bench()
    await b.assigned(P0)
    b.work[P0].may_handle.clear()
    (batch,) = await b.read(P0, 5)
    stuck = asyncio.create_task(b.source.handle(batch))
    await turns()
    with pytest.raises(Ended, match="70"):
        await b.source.on_stop()
    b.work[P0].may_handle.set()
    await stuck
    await turns()
