"""Where a group stands, asked of three brokers, of which one knows."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import NotCoordinatorForGroupError

from schemas.topics import Topics
from streams import transaction
from streams.standing import committed, coordinator
from streams.topics import ensure
from streams.transaction import TransactionalProducer
from tests.kafka_fixture import OwnKafka

pytestmark = pytest.mark.kafka

RAW, GROUP, OFFSET = Topics("t.").raw, "app-dedup", 42
SOURCE = TopicPartition(RAW.name, 1)


async def committed_some(bootstrap: str) -> None:
    """Commit an offset, and take over: only then is the commit sure to be visible."""
    await ensure({"bootstrap_servers": bootstrap}, [RAW], 2, 3, create=True)
    producer = TransactionalProducer({"bootstrap_servers": bootstrap}, GROUP, SOURCE)
    assert (await producer.start([RAW.name])).committed is None
    await producer.commit([], OFFSET)
    await producer.stop()
    successor = TransactionalProducer({"bootstrap_servers": bootstrap}, GROUP, SOURCE)
    assert (await successor.start([RAW.name])).committed == OFFSET
    await successor.stop()


@asynccontextmanager
async def connected(bootstrap: str) -> AsyncIterator[AIOKafkaClient]:
    client = AIOKafkaClient(bootstrap_servers=bootstrap)
    await client.bootstrap()
    try:
        yield client
    finally:
        await client.close()


async def test_one_that_is_no_coordinator_is_not_taken_for_one_that_knows_no_offset(
    own_kafka: OwnKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = await own_kafka(3)
    await committed_some(kafka.bootstrap_servers)
    async with connected(kafka.bootstrap_servers) as client:
        node = await coordinator(client, GROUP)
        assert (await committed(client, node, GROUP, SOURCE)).offset == OFFSET
        unheard = uuid.uuid4().hex
        theirs = await coordinator(client, unheard)
        assert (await committed(client, theirs, unheard, SOURCE)).offset is None
        for stranger in {1, 2, 3} - {node}:
            with pytest.raises(NotCoordinatorForGroupError):
                await committed(client, stranger, GROUP, SOURCE)

    # A takeover that is told of a broker that is none any more asks anew.
    told = [*({1, 2, 3} - {node}), node]

    async def stale(_: AIOKafkaClient, __: str) -> int:
        return told.pop(0)

    monkeypatch.setattr(transaction, "coordinator", stale)
    producer = TransactionalProducer({"bootstrap_servers": kafka.bootstrap_servers}, GROUP, SOURCE)
    standing = await asyncio.wait_for(producer.start([RAW.name]), 30)
    await producer.stop()
    assert standing.committed == OFFSET
    assert told == []


async def test_aiokafka_itself_takes_it_for_that(own_kafka: OwnKafka) -> None:
    """If this fails, aiokafka looks at the error, and `streams.standing` may go."""
    kafka = await own_kafka(3)
    await committed_some(kafka.bootstrap_servers)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap_servers, group_id=GROUP, enable_auto_commit=False
    )
    async with consumer:
        assert await consumer.committed(SOURCE) == OFFSET
        group = consumer._coordinator
        node = group.coordinator_id
        group.coordinator_id = min({1, 2, 3} - {node})
        assert await consumer.committed(SOURCE) is None
