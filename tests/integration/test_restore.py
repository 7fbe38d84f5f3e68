"""The changelog's reader when its broker is gone."""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from schemas.topics import Topics
from streams import restore
from streams.marks import MemoryMarks, Position
from streams.topics import ensure
from tests.kafka_fixture import OwnKafka

pytestmark = pytest.mark.kafka


async def test_a_restoration_that_fails_while_the_broker_is_down_says_so(
    own_kafka: OwnKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not: was cancelled. The process would not end, and the partition would stay as it is."""
    monkeypatch.setattr(restore, "STALL_SECONDS", 4.0)
    kafka = await own_kafka(1)
    client = {"bootstrap_servers": kafka.bootstrap_servers}
    topics = Topics("restored.")
    await ensure(client, [topics.dedup], 1, 1, create=True)
    async with AIOKafkaProducer(**client, transactional_id="undecided") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topics.dedup.name, b"0", b"mark", 0)
        reading = started(monkeypatch)
        changelog = TopicPartition(topics.dedup.name, 0)
        task = asyncio.create_task(
            restore.restored(client, changelog, Position(0, 0), lambda _: MemoryMarks())
        )
        await asyncio.wait_for(reading.wait(), 30)
        await asyncio.sleep(1)  # a fetch has to be under way when the broker dies
        kafka.kill(1)
        with pytest.raises(TimeoutError, match="short of its end"):
            await task
        await kafka.restart(1)


def started(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Return an event that is set when the changelog is about to be read."""
    event, read_until = asyncio.Event(), restore._read_until

    async def noted(*arguments: Any) -> int:
        event.set()
        return await read_until(*arguments)

    monkeypatch.setattr(restore, "_read_until", noted)
    return event
