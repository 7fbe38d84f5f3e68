"""Reads a stage's source topics and hands batches of one partition to its agent.

Faust opens no connection to Kafka here (see `streams.app`). This service owns the group consumer:

- assigned: the partition is paused, taken over in the background (heartbeats go on meanwhile),
  sought to its committed offset, and only then read;
- revoked: the batch in hand is finished or discarded, then the partition is let go;
- the consumer polls all the time, whatever the agent does, so it never leaves its group for
  being slow; of each partition one batch is handled at a time, and one that has a batch waiting
  is paused instead.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import faust
import structlog
from aiokafka import (
    AIOKafkaConsumer,
    ConsumerRebalanceListener,
    ConsumerRecord,
    TopicPartition,
)

from streams import metrics
from streams.exit import ending_process
from streams.ownership import Batch, Handler, Ownership
from streams.stop import stop

MAX_RECORDS = 500
"""Most records of one batch, so of one transaction: 500 cost about 20 ms, and a crash repeats
no more than that."""

STOP_SECONDS = 15.0
"""Longest a stop may take. Without a broker each step of it waits 40 s and more, longer than a
supervisor does; ending half-way is as safe as being killed."""

_POLL_MS = 100

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stage:
    """What a stage reads and how much of it at once.

    `transactional` says that its topics are written in transactions: they are read committed, and
    their offsets have holes. `at_once` is how many partitions are worked on at the same time,
    `fetch_bytes` how much of one partition is read ahead.
    """

    name: str
    topics: Sequence[str]
    transactional: bool
    at_once: int = 4
    max_records: int = MAX_RECORDS
    fetch_bytes: int = 4 * 1024 * 1024


class Source(faust.Service, ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka is untyped
    """The group consumer of one stage."""

    def __init__(
        self,
        stage: Stage,
        channel: faust.ChannelT[Any],
        handler: Callable[[TopicPartition], Handler],
        consumer: Callable[[], AIOKafkaConsumer],
    ) -> None:
        super().__init__()
        self.stage = stage.name
        self._limits = stage
        self._channel = channel
        self._handler = handler
        self._new_consumer = consumer
        self._owned: dict[TopicPartition, Ownership] = {}
        self._takeovers: set[asyncio.Task[None]] = set()
        self._arriving: dict[TopicPartition, Ownership] = {}
        self._has_joined = False

    async def on_start(self) -> None:
        self._consumer = self._new_consumer()
        with ending_process(f"{self.stage}: join the group"):
            await self._consumer.start()
            self._consumer.subscribe(self._limits.topics, listener=self)

    async def on_stop(self) -> None:
        with ending_process(f"{self.stage}: leave the group"):
            leaving = asyncio.create_task(self._leave())
            # Not asyncio.timeout: aiokafka swallows cancellation in the middle of a stop.
            await asyncio.wait({leaving}, timeout=STOP_SECONDS)
            if not leaving.done():
                raise TimeoutError(f"Kafka did not let go within {STOP_SECONDS:g} s")
            leaving.result()

    async def _leave(self) -> None:
        await self._let_all_go()
        await stop(self._consumer)

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        with ending_process(f"{self.stage}: let go"):
            await self._let_all_go()
            if revoked:
                log.info("revoked", stage=self.stage, partitions=_numbers(revoked))

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        if self.should_stop:
            return
        # The consumer sends no heartbeats before this returns, so the work goes to tasks.
        self._consumer.pause(*assigned)
        self._has_joined = True
        for source in assigned:
            # With any position at all the consumer looks for none by itself meanwhile.
            self._consumer.seek(source, 0)
            task = asyncio.create_task(self._take_over(source))
            self._takeovers.add(task)
            task.add_done_callback(self._takeovers.discard)
        log.info("assigned", stage=self.stage, partitions=_numbers(assigned))

    async def _take_over(self, source: TopicPartition) -> None:
        with ending_process(f"{self.stage}: take over {source}"):
            started = time.monotonic()
            ownership = Ownership(source, self._handler(source), not self._limits.transactional)
            self._arriving[source] = ownership
            try:
                await ownership.take_over(partial(self._first, source))
            except asyncio.CancelledError as error:
                await ownership.let_go()
                if not _asked_to_end():
                    raise RuntimeError("a client of Kafka was cancelled, and not by us") from error
                raise
            finally:
                del self._arriving[source]
            self._owned[source] = ownership
            self._consumer.seek(source, ownership.next_offset)
            self._consumer.resume(source)
            metrics.PARTITIONS.labels(self.stage).inc()
            metrics.TAKEOVER_SECONDS.labels(self.stage).observe(time.monotonic() - started)

    async def _first(self, source: TopicPartition, committed: int | None) -> int:
        """Return where the group stands, or where the log starts if that is later."""
        start: int = (await self._consumer.beginning_offsets([source]))[source]
        if committed is None:
            return start
        if lost := max(0, start - committed):
            log.error("records_expired", stage=self.stage, source=str(source), lost=lost)
            metrics.EXPIRED.labels(self.stage).inc(lost)
        return max(committed, start)

    async def _let_all_go(self) -> None:
        for task in self._takeovers:
            task.cancel()
        await asyncio.gather(*self._takeovers, return_exceptions=True)
        owned, self._owned = self._owned, {}
        metrics.PARTITIONS.labels(self.stage).set(0)
        await asyncio.gather(*(ownership.let_go() for ownership in owned.values()))
        for source in owned:
            metrics.LAG.remove(self.stage, source.topic, source.partition)

    @faust.Service.task
    async def _poll(self) -> None:
        with ending_process(f"{self.stage}: read"):
            while not self.should_stop:
                fetched = await self._consumer.getmany(timeout_ms=_POLL_MS)
                # No await between the read and the look-up: what was read belongs to these owners.
                # Records of a partition not (or no longer) owned are read again after its seek.
                received = [
                    (self._owned[source], records)
                    for source, records in fetched.items()
                    if source in self._owned
                ]
                for ownership, records in received:
                    await self._receive(ownership, records)
                await self._observe_lag()

    async def _receive(self, ownership: Ownership, records: Sequence[ConsumerRecord]) -> None:
        """Keep all that was fetched: of a paused partition the consumer throws away what it has."""
        ownership.pending.extend(records)
        if len(ownership.pending) >= self._limits.max_records and not ownership.ended:
            self._consumer.pause(ownership.source)
        await self._hand_out(ownership)

    async def _hand_out(self, ownership: Ownership) -> None:
        if batch := ownership.next_batch(self._limits.max_records):
            await self._channel.put(batch)  # type: ignore[arg-type] # it takes plain values too

    async def handle(self, batch: Batch) -> None:
        """Handle one batch on behalf of the agent; any failure ends the process."""
        ownership = batch.ownership
        with ending_process(f"{self.stage}: handle {ownership.source}"):
            handled = await ownership.handle(batch.records)
            ownership.in_flight = False
            if not handled:
                return
            metrics.RECORDS.labels(self.stage).inc(len(batch.records))
            await self._hand_out(ownership)
            if not ownership.ended and len(ownership.pending) < self._limits.max_records:
                self._consumer.resume(ownership.source)

    def ready(self) -> bool:
        """Whether the group has been joined and every assigned partition taken over."""
        return self._has_joined and not self._takeovers

    def stalled_for(self) -> float:
        """Return the seconds for which some partition had work and did not move.

        Taking over counts as work; a partition without lag is never stalled.
        """
        now = time.monotonic()
        waits = [now - own.idle_since() for own in self._owned.values() if own.lag > 0]
        waits += [now - own.arriving_since() for own in self._arriving.values()]
        return max([0.0, *waits])

    async def _observe_lag(self) -> None:
        for source, ownership in list(self._owned.items()):
            ownership.lag = self._lag(ownership, await self._consumer.position(source))
            if ownership.lag == 0:
                ownership.moved_at = time.monotonic()
            metrics.LAG.labels(self.stage, source.topic, source.partition).set(ownership.lag)

    def _lag(self, ownership: Ownership, read: int) -> int:
        """Records that readers may see and this stage has not handled; 0 while unknown.

        At the end of a transactional topic are markers, which are read and never handed out.
        """
        source = ownership.source
        end: int | None = self._consumer.highwater(source)
        if self._limits.transactional:
            end = self._consumer.last_stable_offset(source)
        if end is None or (read >= end and not (ownership.in_flight or ownership.pending)):
            return 0
        return max(0, end - ownership.next_offset)


def _asked_to_end() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _numbers(partitions: Iterable[TopicPartition]) -> list[str]:
    return sorted(f"{source.topic}-{source.partition}" for source in partitions)
