"""What every sink promises, held against the tests' own fake and against Kafka."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

import pytest

from ingress import answers
from ingress.kafka_sink import kafka_sink
from ingress.metrics import Metrics
from ingress.record import Record
from ingress.settings import Settings
from ingress.sink import Sink
from tests.ingress_rig import FakeSink, on_kafka, records, until
from tests.kafka_fixture import RunningKafka

# An older time would be past the topics' retention, and the record gone within the test.
NOW_MS = int(time.time() * 1000)

Stored = list[tuple[bytes | None, bytes, list[tuple[str, bytes]], int]]


def record(topic: str, number: int, key: bytes | None = b"tenant") -> Record:
    headers = [("ce_id", b"%d" % number), ("ce_type", b"x")]
    return Record(topic, key, b"body %d" % number, headers, NOW_MS, answers.STORED)


def soon() -> float:
    return asyncio.get_running_loop().time() + 2.5


class SinkContract(ABC):
    """Inherit and give `sink`, `topic` and `stored`."""

    async def test_what_was_stored_is_there_as_it_was_given(self, sink: Sink, topic: str) -> None:
        given = record(topic, 1)
        await sink.store(given, soon())
        assert await self.stored(sink, topic) == [
            (given.key, given.value, given.headers, given.timestamp_ms)
        ]

    async def test_records_of_one_key_keep_their_order(self, sink: Sink, topic: str) -> None:
        given = [record(topic, number) for number in range(500)]
        await asyncio.gather(*(sink.store(each, soon()) for each in given))
        values = [value for _, value, _, _ in await self.stored(sink, topic)]
        assert values == [each.value for each in given]

    async def test_a_record_may_have_no_key(self, sink: Sink, topic: str) -> None:
        await sink.store(record(topic, 1, key=None), soon())
        assert [key for key, *_ in await self.stored(sink, topic)] == [None]

    async def test_a_cancelled_caller_does_not_hurt_the_next(self, sink: Sink, topic: str) -> None:
        first = asyncio.create_task(sink.store(record(topic, 1), soon()))
        await asyncio.sleep(0)
        first.cancel()
        await sink.store(record(topic, 2), soon())
        assert b"body 2" in [value for _, value, _, _ in await self.stored(sink, topic)]

    async def test_a_working_sink_has_no_trouble(self, sink: Sink, topic: str) -> None:
        await sink.store(record(topic, 1), soon())
        assert sink.trouble() is None

    @abstractmethod
    async def stored(self, sink: Sink, topic: str) -> Stored: ...


class TestFakeSink(SinkContract):
    @pytest.fixture
    async def sink(self) -> FakeSink:
        return FakeSink()

    @pytest.fixture
    def topic(self) -> str:
        return "seismic.raw"

    async def stored(self, sink: Sink, topic: str) -> Stored:
        assert isinstance(sink, FakeSink)
        return [
            (each.key, each.value, each.headers, each.timestamp_ms)
            for each in sink.stored
            if each.topic == topic
        ]


class TestKafkaSink(SinkContract):
    @pytest.fixture
    def chosen(self, kafka: RunningKafka) -> Settings:
        return on_kafka(kafka.bootstrap_servers)

    @pytest.fixture
    def topic(self, chosen: Settings) -> str:
        return chosen.topics().raw.name

    @pytest.fixture
    async def sink(self, chosen: Settings) -> AsyncIterator[Sink]:
        self.used = chosen
        async with kafka_sink(chosen, Metrics()) as sink:
            await until(lambda: sink.trouble() is None)
            yield sink

    async def stored(self, sink: Sink, topic: str) -> Stored:
        assert sink
        return [
            (each.key, each.value, list(each.headers), each.timestamp)
            for each in await records(self.used, topic)
        ]


async def test_keyless_records_are_spread_over_all_partitions(kafka: RunningKafka) -> None:
    chosen = on_kafka(kafka.bootstrap_servers)
    topic = chosen.topics().quarantine.name
    async with kafka_sink(chosen, Metrics()) as sink:
        for number in range(8):
            await sink.store(record(topic, number, key=None), soon())
    assert {each.partition for each in await records(chosen, topic)} == {0, 1, 2, 3}
