"""Micro-batches: order, one in flight per partition, each caller its own outcome, bounded."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ingress import answers, batcher, rounds
from ingress.batcher import Batcher
from ingress.budget import Budget
from ingress.metrics import Metrics
from ingress.record import Record
from ingress.sink import Cause, Unavailable
from tests.ingress_rig import until

PARTITIONS = 4


class FakeBatch:
    """Takes `room` records."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.values: list[bytes] = []

    def append(self, *, value: bytes, **_: Any) -> object:
        if len(self.values) == self.room:
            return None
        self.values.append(value)
        return self


class FakeProducers:
    """One producer at a time, whose batches wait in `sent` until the test resolves them."""

    partitions = PARTITIONS

    def __init__(self) -> None:
        self.producer = FakeProducer()
        self.replaced = asyncio.Event()
        self.failures: list[BaseException] = []

    def ready(self, avoid: Any) -> Any:
        return None if self.producer is avoid else self.producer

    async def current(self, avoid: Any) -> Any:
        while self.producer is avoid:
            await self.replaced.wait()
        return self.producer

    def failed(self, producer: Any, error: BaseException) -> None:
        assert producer is self.producer
        self.failures.append(error)

    def acknowledged(self) -> None:
        pass

    def replace(self) -> None:
        self.producer = FakeProducer()
        self.replaced.set()


class FakeProducer:
    def __init__(self, room: int = 100) -> None:
        self.room = room
        self.sent: list[tuple[list[bytes], str, int, asyncio.Future[None]]] = []

    def new_batch(self) -> Any:
        return FakeBatch(self.room)

    def send(self, batch: FakeBatch, topic: str, partition: int) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sent.append((batch.values, topic, partition, future))
        return future

    def values(self) -> list[list[bytes]]:
        return [values for values, *_ in self.sent]

    def resolve(self, number: int, error: Exception | None = None) -> None:
        future = self.sent[number][3]
        if error:
            future.set_exception(error)
        else:
            future.set_result(None)


class Outcomes(dict[int, Unavailable | None]):
    """What each caller was told; being told twice is a bug."""

    def of(self, number: int) -> Any:
        def settle(_: Record, outcome: Unavailable | None) -> None:
            assert number not in self
            self[number] = outcome

        return settle


class Bench:
    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self.producers = FakeProducers()
        self.budget = Budget(10, 1000)
        self.batcher = Batcher(self.producers, self.budget, Metrics(), tasks)
        self.outcomes = Outcomes()

    def put(self, number: int, key: bytes | None = b"k", deadline: float = 10.0) -> None:
        record = Record("raw", key, b"%d" % number, [], 1, answers.STORED)
        self.batcher.put(record, deadline, self.outcomes.of(number))

    async def sent(self, batches: int) -> FakeProducer:
        await until(lambda: len(self.producers.producer.sent) == batches)
        return self.producers.producer

    async def told(self, *numbers: int) -> None:
        await until(lambda: set(numbers) <= set(self.outcomes))


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with asyncio.TaskGroup() as tasks:
        bench = Bench(tasks)
        yield bench
        bench.batcher.end()


async def test_what_comes_together_travels_together_at_once(bench: Bench) -> None:
    for number in range(3):
        bench.put(number)
    producer = await bench.sent(1)
    assert producer.values() == [[b"0", b"1", b"2"]]
    producer.resolve(0)
    await bench.told(0, 1, 2)
    assert set(bench.outcomes.values()) == {None}


async def test_one_batch_is_in_flight_and_the_next_one_fills_behind_it(bench: Bench) -> None:
    bench.put(0)
    producer = await bench.sent(1)
    for number in (1, 2, 3):
        bench.put(number)
        await asyncio.sleep(0)
    assert len(producer.sent) == 1
    producer.resolve(0)
    await bench.sent(2)
    assert producer.values() == [[b"0"], [b"1", b"2", b"3"]]
    producer.resolve(1)
    await bench.told(3)


async def test_partitions_do_not_wait_for_each_other(bench: Bench) -> None:
    for number in range(PARTITIONS):
        bench.put(number, key=None)
    producer = await bench.sent(PARTITIONS)
    assert {partition for _, _, partition, _ in producer.sent} == set(range(PARTITIONS))
    producer.resolve(2)
    await until(lambda: len(bench.outcomes) == 1)


async def test_a_full_batch_is_followed_by_another_in_order(bench: Bench) -> None:
    bench.producers.producer.room = 2
    for number in range(5):
        bench.put(number)
    for batch in range(3):
        (await bench.sent(batch + 1)).resolve(batch)
    await bench.told(4)
    assert bench.producers.producer.values() == [[b"0", b"1"], [b"2", b"3"], [b"4"]]


async def test_a_refused_batch_is_refused_for_its_own_callers_only(bench: Bench) -> None:
    bench.put(0)
    producer = await bench.sent(1)
    bench.put(1)
    producer.resolve(0, RuntimeError("refused for good"))
    await bench.told(0)
    refused = bench.outcomes[0]
    assert refused
    assert refused.cause is Cause.REFUSED
    assert len(bench.producers.failures) == 1
    bench.producers.replace()
    successor = await bench.sent(1)
    successor.resolve(0)
    await bench.told(1)
    assert bench.outcomes[1] is None
    assert len(producer.sent) == 1, "the failed producer got another batch"


async def test_a_record_that_waits_past_its_deadline_is_withdrawn(bench: Bench) -> None:
    bench.put(0, deadline=9.0)
    producer = await bench.sent(1)
    bench.put(1, deadline=5.0)
    bench.put(2, deadline=9.0)
    assert bench.batcher.expire(6.0) == 1
    late = bench.outcomes[1]
    assert late
    assert late.cause is Cause.LATE
    assert bench.budget.records == 2
    producer.resolve(0)
    await bench.sent(2)
    assert producer.values() == [[b"0"], [b"2"]]


async def test_a_record_in_flight_counts_until_its_batch_is_resolved(bench: Bench) -> None:
    bench.put(0, deadline=5.0)
    producer = await bench.sent(1)
    assert bench.batcher.expire(6.0) == 1
    assert bench.outcomes[0]
    assert bench.batcher.expire(7.0) == 0
    assert bench.budget.records == 1
    producer.resolve(0)
    await until(lambda: bench.budget.records == 0)
    assert bench.budget.bytes == 0


async def test_when_all_that_waits_has_expired_nothing_is_sent(bench: Bench) -> None:
    first = bench.producers.producer
    bench.put(0)
    producer = await bench.sent(1)
    producer.resolve(0, RuntimeError())
    await bench.told(0)
    bench.put(1, deadline=5.0)
    await asyncio.sleep(0)
    bench.batcher.expire(6.0)
    bench.producers.replace()
    bench.put(2)
    successor = await bench.sent(1)
    assert successor.values() == [[b"2"]]
    assert first.values() == [[b"0"]]


async def test_beyond_the_budget_nothing_is_taken(bench: Bench) -> None:
    for number in range(10):
        bench.put(number)
    with pytest.raises(Unavailable) as caught:
        bench.put(10)
    assert caught.value.cause is Cause.FULL
    (await bench.sent(1)).resolve(0)
    await bench.told(9)
    bench.put(11)


async def test_the_budget_counts_bytes_too(bench: Bench) -> None:
    record = Record("raw", b"k", b"x" * 600, [], 1, answers.STORED)
    bench.batcher.put(record, 9.0, bench.outcomes.of(0))
    with pytest.raises(Unavailable):
        bench.batcher.put(record, 9.0, bench.outcomes.of(1))
    assert bench.budget.bytes == 600


async def test_the_oldest_batch_in_flight_is_known(bench: Bench) -> None:
    assert bench.batcher.stalled_since() is None
    bench.put(0)
    producer = await bench.sent(1)
    since = bench.batcher.stalled_since()
    assert since
    assert since <= asyncio.get_running_loop().time()
    producer.resolve(0)
    await until(lambda: bench.batcher.stalled_since() is None)


async def test_remembered_tenants_are_bounded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batcher, "CACHED_TENANTS", 3)
    for number in range(8):
        bench.put(number, key=b"tenant-%d" % number)
    assert len(bench.batcher._tenants) <= 3


async def test_what_waits_for_a_busy_broker_goes_together_once_it_has_answered(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker takes one request at a time: a batch that is closed earlier only misses records."""
    monkeypatch.setattr(rounds, "ROUND_SECONDS", 60.0)
    bench.put(0, None)
    producer = await bench.sent(1)
    for number in (1, 2, 3):
        bench.put(number, None)
        await asyncio.sleep(0.01)
    assert producer.values() == [[b"0"]]
    producer.resolve(0)
    await bench.sent(4)
    assert producer.values() == [[b"0"], [b"1"], [b"2"], [b"3"]]
    assert set(bench.outcomes) == {0}


async def test_who_waits_for_a_broker_that_says_nothing_does_not_wait_for_long(
    bench: Bench,
) -> None:
    bench.put(0, None)
    await bench.sent(1)
    bench.put(1, None)
    producer = await bench.sent(2)
    bench.put(2, None)
    await bench.sent(3)
    producer.resolve(2)
    await bench.told(2)
    assert set(bench.outcomes) == {2}


async def test_after_a_quiet_time_a_record_is_sent_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "ROUND_SECONDS", 60.0)
    monkeypatch.setattr(rounds, "APART_SECONDS", 60.0)
    for number in range(3):
        bench.put(number, None)
        producer = await bench.sent(number + 1)
        producer.resolve(number)
        await bench.told(number)
        await asyncio.sleep(0.01)


async def test_rounds_keep_a_distance_while_somebody_waits(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quick broker would be asked for each record by itself."""
    monkeypatch.setattr(rounds, "ROUND_SECONDS", 60.0)
    monkeypatch.setattr(rounds, "APART_SECONDS", 1.0)
    bench.put(0, None)
    producer = await bench.sent(1)
    begun = asyncio.get_running_loop().time()
    bench.put(1, None)
    await asyncio.sleep(0)
    producer.resolve(0)
    await bench.told(0)
    bench.put(2, None)
    await asyncio.sleep(0.05)
    assert producer.values() == [[b"0"]]
    await bench.sent(3)
    assert asyncio.get_running_loop().time() - begun > 0.9
    assert producer.values() == [[b"0"], [b"1"], [b"2"]]


async def test_after_its_end_nothing_is_sent(bench: Bench) -> None:
    bench.put(0)
    producer = await bench.sent(1)
    bench.put(1)
    bench.batcher.end()
    producer.resolve(0)
    await asyncio.sleep(0.05)
    assert producer.values() == [[b"0"]]


async def test_a_caller_whose_answer_fails_costs_no_other_one_its_own(bench: Bench) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    record = Record("raw", b"k", b"x", [], 1, answers.STORED)
    bench.batcher.put(record, 10.0, broken)
    bench.put(1)
    (await bench.sent(1)).resolve(0)
    await bench.told(1)
    bench.put(2)
    (await bench.sent(2)).resolve(1)
    await bench.told(2)


async def test_a_bug_on_the_way_to_kafka_is_answered_and_stops_nobody(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = FakeBatch.append

    def broken(self: FakeBatch, *, value: bytes, **more: Any) -> object:
        if value == b"1":
            raise RuntimeError
        return append(self, value=value, **more)

    with monkeypatch.context() as patched:
        patched.setattr(FakeBatch, "append", broken)
        bench.put(0)
        bench.put(1)
        await bench.told(0, 1)
    outcome = bench.outcomes[1]
    assert outcome
    assert outcome.cause is Cause.REFUSED
    bench.put(2)
    (await bench.sent(1)).resolve(0)
    await bench.told(2)
    assert bench.budget.records == 0
