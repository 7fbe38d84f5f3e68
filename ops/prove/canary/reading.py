"""Reads along as a consumer would: read committed, no group, from where the topics end now."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from ops.prove.canary.access import KAFKA_SECONDS, explained, partition_count
from ops.prove.canary.observed import Sighting
from ops.prove.canary.plan import TYPE, CanaryPlan, Prepared
from ops.prove.history import Record, digest
from schemas.headers import CE_ID, CE_TYPE
from schemas.partitioner import partition_for
from streams.stop import stop

_FETCH_WAIT_MS = 100
_POLL_MS = 200


@dataclass(slots=True)
class Reader:
    """`raw` and `outputs` hold the records of this run, and grow while `follow` runs."""

    partitions: int
    _names: "_Names"
    _consumer: AIOKafkaConsumer
    _raw_topic: str
    raw: list[Sighting] = field(default_factory=list)
    outputs: list[Sighting] = field(default_factory=list)

    async def follow(self) -> None:
        """Read until cancelled."""
        while True:
            await self._poll()

    async def catch_up(self) -> int:
        """Wait until all that readers may see by now was seen, beside `follow`.

        Returns:
            How many records of the event topic an open transaction hides.

        Raises:
            CannotJudge: Kafka does not answer or hands nothing out.
        """
        ends = await self._consumer.end_offsets(list(self._consumer.assignment()))
        while any([await self._consumer.position(each) < end for each, end in ends.items()]):
            await asyncio.sleep(_POLL_MS / 1000)
        return sum(self._hidden(each) for each in ends if each.topic != self._raw_topic)

    def _hidden(self, partition: TopicPartition) -> int:
        high = self._consumer.highwater(partition)
        stable = self._consumer.last_stable_offset(partition)
        return max(0, high - stable) if high is not None and stable is not None else 0

    async def _poll(self) -> None:
        fetched = await self._consumer.getmany(timeout_ms=_POLL_MS)
        now = monotonic()
        for partition, records in fetched.items():
            raw = partition.topic == self._raw_topic
            for each in records:
                self._note(each, now, "raw" if raw else f"event.{TYPE}")

    def _note(self, found: ConsumerRecord, now: float, kind: str) -> None:
        body, headers = found.value or b"", dict(found.headers)
        ce_id = _text(headers.get(CE_ID))
        event = self._names.event_of(digest(body), ce_id)
        if event is None:
            return
        record = Record(kind, found.partition, found.offset, digest(body), found.key)
        sighting = Sighting(event, now, record, ce_id, _text(headers.get(CE_TYPE)))
        (self.raw if kind == "raw" else self.outputs).append(sighting)


@dataclass(frozen=True, slots=True)
class _Names:
    """Recognises an event of this run by its bytes, and by its header if they were altered."""

    by_digest: Mapping[bytes, int]
    by_id: Mapping[str, int]

    @classmethod
    def of(cls, prepared: Sequence[Prepared]) -> "_Names":
        events = [each.event for each in prepared]
        return cls(
            {each.digest: each.number for each in events},
            {each.event_id: each.number for each in events},
        )

    def event_of(self, name: bytes, ce_id: str | None) -> int | None:
        number = self.by_digest.get(name)
        return self.by_id.get(ce_id or "") if number is None else number


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")


@asynccontextmanager
async def reading(plan: CanaryPlan, prepared: Sequence[Prepared]) -> AsyncIterator[Reader]:
    """Hand out a reader that stands at the ends of the topics.

    It reads all of the event topic, which is quiet, but of the raw topic only the tenant's
    partition: all events of the installation go through it.

    Raises:
        CannotJudge: also for whatever Kafka refuses within the context.
    """
    with explained(plan):
        client = plan.kafka.client_arguments()
        async with asyncio.timeout(KAFKA_SECONDS):
            count = await partition_count(client, plan)
        mine = TopicPartition(plan.raw_topic, partition_for(plan.tenant.encode(), count))
        others = [TopicPartition(plan.output_topic, each) for each in range(count)]
        consumer = _consumer(client)
        try:
            async with asyncio.timeout(KAFKA_SECONDS):
                await _stand_at_the_ends(consumer, [mine, *others])
            yield Reader(count, _Names.of(prepared), consumer, plan.raw_topic)
        finally:
            await stop(consumer)


def _consumer(client: Mapping[str, Any]) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        **client,
        isolation_level="read_committed",
        enable_auto_commit=False,
        # Records that are gone before they were read make the judgement void, never a loss.
        auto_offset_reset="none",
        fetch_max_wait_ms=_FETCH_WAIT_MS,
    )


async def _stand_at_the_ends(
    consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]
) -> None:
    await consumer.start()
    consumer.assign(partitions)
    for partition, end in (await consumer.end_offsets(partitions)).items():
        consumer.seek(partition, end)
    # What this user may not read is refused here, before anything was sent.
    await consumer.getmany(timeout_ms=2 * _FETCH_WAIT_MS)
