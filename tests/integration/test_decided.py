"""A takeover sees what is undecided in its reach, and does not begin before it is decided."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from schemas.topics import Topics
from streams import transaction
from streams.decided import until_decided
from streams.topics import ensure
from streams.transaction import TransactionalProducer
from tests.kafka_fixture import OwnKafka, RunningKafka

pytestmark = pytest.mark.kafka


@pytest.fixture
async def topic(kafka: RunningKafka) -> str:
    return await created(kafka.bootstrap_servers, 1)


async def created(bootstrap: str, replicas: int) -> str:
    raw = Topics(f"{uuid.uuid4().hex[:8]}.").raw
    await ensure({"bootstrap_servers": bootstrap}, [raw], 2, replicas, create=True)
    return raw.name


async def test_a_takeover_waits_for_whoever_else_writes_there(
    kafka: RunningKafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "NEIGHBOUR_SECONDS", 60.0)
    async with open_transaction(kafka.bootstrap_servers, topic) as other:
        taking_over = producer(kafka, topic)
        starting = asyncio.create_task(taking_over.start([], [topic]))
        await asyncio.wait({starting}, timeout=2)
        assert not starting.done()
        await other.commit_transaction()
        await asyncio.wait_for(starting, 30)
        await taking_over.stop()
    assert await end(kafka.bootstrap_servers, topic) == 2, "their record and its marker, no touch"


async def test_whoever_else_hangs_there_keeps_nobody_from_starting(
    kafka: RunningKafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "NEIGHBOUR_SECONDS", 0.5)
    own = await created(kafka.bootstrap_servers, 1)
    async with open_transaction(kafka.bootstrap_servers, topic):
        taking_over = producer(kafka, topic)
        await asyncio.wait_for(taking_over.start([own], [topic]), 30)
        await taking_over.stop()


async def test_a_takeover_that_stays_undecided_fails_by_name(
    kafka: RunningKafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the broker dies before it has written the markers and skips them afterwards."""
    monkeypatch.setattr(transaction, "STEP_SECONDS", 3.0)
    async with open_transaction(kafka.bootstrap_servers, topic):
        taking_over = producer(kafka, topic)
        with pytest.raises(TimeoutError, match=rf"hang in {topic}-1: .*find-hanging"):
            await taking_over.start([topic])
        await taking_over.stop()


async def test_what_is_not_replicated_yet_counts_as_well(own_kafka: OwnKafka) -> None:
    """A consumer is not shown how far the log goes beyond what all in-sync replicas have."""
    local = await own_kafka(3)
    topic = await created(local.bootstrap_servers, 3)
    where = TopicPartition(topic, 1)
    async with AIOKafkaProducer(bootstrap_servers=local.bootstrap_servers, acks=1) as writer:
        await writer.send_and_wait(topic, b"everywhere", partition=1)
        await until_decided(writer.client, [where], 30)
        followers = {1, 2, 3} - {writer.client.cluster.leader_for_partition(where)}
        for broker in followers:
            local.pause(broker)
        await writer.send_and_wait(topic, b"only at the leader", partition=1)
        with pytest.raises(TimeoutError, match=f"{topic}-1"):
            await until_decided(writer.client, [where], 2)
        for broker in followers:
            local.resume(broker)
        await until_decided(writer.client, [where], 30)


@asynccontextmanager
async def open_transaction(bootstrap: str, topic: str) -> AsyncIterator[AIOKafkaProducer]:
    """Somebody else with a record in a transaction that is under way."""
    other = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=f"{topic}-other")
    async with other:
        await other.begin_transaction()
        await other.send_and_wait(topic, b"theirs", partition=1)
        yield other


async def end(bootstrap: str, topic: str) -> int:
    partition = TopicPartition(topic, 1)
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        return int((await consumer.end_offsets([partition]))[partition])


def producer(kafka: RunningKafka, topic: str) -> TransactionalProducer:
    client = {"bootstrap_servers": kafka.bootstrap_servers}
    return TransactionalProducer(client, f"{topic}-group", TopicPartition(topic, 1))
