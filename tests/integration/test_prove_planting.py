"""Poison that is put into the raw topic past the ingress: each body once, whatever Kafka does."""

import asyncio
import json
import sys
import uuid
from asyncio.subprocess import DEVNULL
from collections import Counter
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from ops.prove.history import Outcome
from ops.prove.ledger import read
from ops.prove.load import Workload
from ops.prove.sender.plan import Planting
from ops.prove.sender.plant import ROUTE, planter
from schemas.topics import Topics
from streams.topics import ensure
from tests.kafka_fixture import OwnKafka, RunningKafka

PARTITIONS = 3
WITHIN_SECONDS = 240
LOAD = Workload(seed=3, events=1_500, name="p")


async def raw_topic(bootstrap_servers: str) -> Planting:
    topic = Topics(f"prove-{uuid.uuid4().hex[:8]}.").raw
    client = {"bootstrap_servers": bootstrap_servers}
    assert not await ensure(client, [topic], PARTITIONS, 1, create=True)
    return Planting(bootstrap_servers=bootstrap_servers, topic=topic.name, partitions=PARTITIONS)


async def values(planting: Planting) -> Counter[bytes]:
    partitions = [TopicPartition(planting.topic, number) for number in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=planting.bootstrap_servers, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found: Counter[bytes] = Counter()
        while any([await consumer.position(each) < ends[each] for each in partitions]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found.update(record.value for record in records)
        return found
    finally:
        await consumer.stop()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read anything, refuse nothing: the ends of requests are where the reads end."""
    while await reader.read(65_536):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    writer.close()


async def test_planted_poison_is_in_the_raw_topic_once_and_nothing_else_is(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    planting = await raw_topic(kafka.bootstrap_servers)
    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    (tmp_path / "secret").write_text("secret")
    plan = {
        "seed": LOAD.seed,
        "name": LOAD.name,
        "events": LOAD.events,
        "rate": 1_000,
        "routes": {"ingress-1": f"http://127.0.0.1:{port}/webhook"},
        "secret_file": str(tmp_path / "secret"),
        "ledger": str(tmp_path / "ledger"),
        "planting": planting.model_dump(),
    }
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    async with listener, asyncio.timeout(WITHIN_SECONDS):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ops.prove.sender", str(tmp_path / "plan.json"), stdout=DEVNULL
        )
        assert await process.wait() == 0
    planted = [number for number in range(LOAD.events) if LOAD.planted(number)]
    attempts = [attempt for attempt in read(tmp_path / "ledger") if attempt.route == ROUTE]
    assert planted
    assert sorted(attempt.event for attempt in attempts) == planted
    assert {attempt.outcome for attempt in attempts} == {Outcome.OK}
    assert await values(planting) == Counter(LOAD.body(number) for number in planted)


async def test_planting_outlives_the_brokers(own_kafka: OwnKafka) -> None:
    local = await own_kafka(1)
    planting = await raw_topic(local.bootstrap_servers)
    async with planter(planting, WITHIN_SECONDS) as one, asyncio.timeout(WITHIN_SECONDS):
        assert await one.plant(0, b"before") == 200
        local.kill(1)
        during = [asyncio.create_task(one.plant(n, b"during %d" % n)) for n in range(9)]
        done, _ = await asyncio.wait(during, timeout=8)
        assert not done
        await local.restart(1)
        assert await asyncio.gather(*during) == [200] * 9
        assert await one.plant(1, b"after") == 200
    expected = [b"before", b"after", *(b"during %d" % n for n in range(9))]
    assert await values(planting) == Counter(expected)


async def test_what_is_not_acknowledged_in_time_is_unknown(own_kafka: OwnKafka) -> None:
    local = await own_kafka(1)
    planting = await raw_topic(local.bootstrap_servers)
    async with planter(planting, 0.5) as one, asyncio.timeout(WITHIN_SECONDS):
        local.kill(1)
        assert await one.plant(0, b"lost or not") is None
