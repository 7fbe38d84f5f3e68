"""One connection of the live reader: it ends with an error as soon as anything is doubtful.

Positions are sought before the library comes to look for any, because a reset that is under way
undoes a seek, and one without a group may hang. Partitions are assigned before their ends are asked
for, because the library learns of the topics of others one by one, 0.1 s each. Whether it still
reads is measured by these ends: one that is ahead of a partition that stands has been forgotten.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from streams.stop import stop

Offsets = Mapping[TopicPartition, int]
Batch = Mapping[TopicPartition, list[ConsumerRecord]]

_POLL_MS = 200
_REQUEST_MS = 10_000
# Some 800 partitions are in each request and each answer: with one byte enough for an answer, a
# quiet run would cost a core. Nobody here minds 200 ms.
_FETCH_WAIT_MS = 200
_FETCH_BYTES = 1024 * 1024
_PARTITION_BYTES = 4 * 1024 * 1024


class Stalled(Exception):
    """Partitions did not move although there was something to read."""


class Session:
    """A started consumer of these partitions; it fetches nothing before `read_from`."""

    def __init__(self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> None:
        self._consumer = consumer
        self._partitions = partitions
        self._behind: Offsets = {}
        consumer.assign(partitions)
        consumer.pause(*partitions)
        self._seek(dict.fromkeys(partitions, 0))

    def read_from(self, offsets: Offsets) -> None:
        self._seek(offsets)
        self._consumer.resume(*self._partitions)

    def _seek(self, offsets: Offsets) -> None:
        for partition, offset in offsets.items():
            self._consumer.seek(partition, offset)

    async def starts(self) -> Offsets:
        offsets: Offsets = await self._consumer.beginning_offsets(self._partitions)
        return offsets

    async def ends(self) -> Offsets:
        """Return up to where everything is decided."""
        offsets: Offsets = await self._consumer.end_offsets(self._partitions)
        return offsets

    async def poll(self) -> Batch:
        batch: Batch = await self._consumer.getmany(timeout_ms=_POLL_MS)
        return batch

    async def behind(self, ends: Offsets) -> dict[TopicPartition, int]:
        """Return the position of each partition that has not come to its end."""
        positions = await asyncio.gather(*(self._consumer.position(one) for one in ends))
        pairs = zip(ends.items(), positions, strict=True)
        return {one: position for (one, end), position in pairs if position < end}

    async def check(self) -> None:
        """To be called every few seconds.

        Raises:
            Stalled: a partition stands where it stood, and was behind, at the last call.
            KafkaError: the cluster does not answer.
        """
        behind = await self.behind(await self.ends())
        stalled = [one for one, at in behind.items() if self._behind.get(one) == at]
        self._behind = behind
        if stalled:
            raise Stalled(f"{len(stalled)} partitions stand, e.g. {stalled[0]}")


@asynccontextmanager
async def session(
    bootstrap_servers: str, partitions: list[TopicPartition]
) -> AsyncIterator[Session]:
    """Connect; not `async with` the consumer itself, which leaves a failed start open.

    Raises:
        KafkaError: no broker answers.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        request_timeout_ms=_REQUEST_MS,
        fetch_max_wait_ms=_FETCH_WAIT_MS,
        fetch_min_bytes=_FETCH_BYTES,
        max_partition_fetch_bytes=_PARTITION_BYTES,
    )
    try:
        await consumer.start()
        yield Session(consumer, partitions)
    finally:
        await stop(consumer)
