"""Reads topics as any consumer of geophone's would: committed records only."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.connection import KafkaConnection
from streams.stop import stop

_POLL_MS = 200


class UnknownTopic(Exception):
    """The cluster has no topic of this name."""


@asynccontextmanager
async def _consumer(
    connection: KafkaConnection, topics: Sequence[str]
) -> AsyncIterator[tuple[AIOKafkaConsumer, list[TopicPartition]]]:
    partitions = await _partitions(connection, topics)
    consumer = AIOKafkaConsumer(
        **connection.client_arguments(),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        consumer.assign(partitions)
        yield consumer, partitions
    finally:
        await stop(consumer)


async def _partitions(connection: KafkaConnection, topics: Sequence[str]) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(**connection.client_arguments())
    await admin.start()
    try:
        described = await admin.describe_topics(list(topics))
        known = await admin.list_topics()
    finally:
        await admin.close()
    if missing := [one["topic"] for one in described if one["error_code"]]:
        raise UnknownTopic(f"no topic {', '.join(missing)} here; there are: {_listed(known)}")
    return [
        TopicPartition(one["topic"], partition["partition"])
        for one in described
        for partition in sorted(one["partitions"], key=lambda each: int(each["partition"]))
    ]


async def read_all(
    connection: KafkaConnection, topics: Sequence[str], seconds: float = 30
) -> list[ConsumerRecord]:
    """Return every committed record of the topics, per partition in order.

    Raises:
        UnknownTopic: one of them does not exist.
        TimeoutError: an undecided transaction stands in the way for `seconds`.
    """
    async with _consumer(connection, topics) as (consumer, partitions):
        ends = await consumer.end_offsets(partitions)
        records: list[ConsumerRecord] = []
        deadline = time.monotonic() + seconds
        while not await _reached(consumer, ends):
            if time.monotonic() > deadline:
                raise TimeoutError(f"could not read to the end of {', '.join(topics)}")
            for fetched in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
                records.extend(fetched)
        return records


async def follow(
    connection: KafkaConnection, topics: Sequence[str]
) -> AsyncIterator[ConsumerRecord]:
    """Yield the committed records of the topics from the beginning, and then as they come."""
    async with _consumer(connection, topics) as (consumer, _):
        async for record in consumer:
            yield record


async def _reached(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    positions = await asyncio.gather(*(consumer.position(partition) for partition in ends))
    return all(position >= end for position, end in zip(positions, ends.values(), strict=True))


def _listed(topics: Iterable[str]) -> str:
    return ", ".join(sorted(name for name in topics if not name.startswith("__"))) or "none"
