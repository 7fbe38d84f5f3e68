"""One transaction per batch: everything sent is acknowledged before the commit, or nothing is."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaError,
    MessageSizeTooLargeError,
    NotCoordinatorForGroupError,
)
from aiokafka.producer.message_accumulator import BatchBuilder

from streams import transaction
from streams.standing import Committed, Standing
from streams.transaction import Output, TransactionalProducer

SOURCE = TopicPartition("seismic.raw", 3)
SMALL_BATCH = 1024


@dataclass
class Acknowledged:
    offset: int


@dataclass
class FakeProducer:
    """Takes batches as aiokafka's producer does and notes the order of what it is asked."""

    failing: frozenset[str] = frozenset()
    hold: bool = False
    committed: int | None = 42
    note: str = ""
    moving: int = 0
    """So many times the coordinator is another by the time it is asked."""
    broken: KafkaError | None = None
    """Instead of an answer about where the group stands."""
    hanging: int = 0
    """So many aborts until all is decided."""
    said: list[Any] = field(default_factory=list)
    sent: list[tuple[str, int, int]] = field(default_factory=list)
    futures: list["asyncio.Future[Acknowledged]"] = field(default_factory=list)
    ends: dict[str, int] = field(default_factory=dict)

    @property
    def client(self) -> "FakeProducer":
        return self

    async def start(self) -> None:
        self.said.append("start")

    async def stop(self) -> None:
        self.said.append("stop")

    async def force_metadata_update(self) -> None:
        self.said.append("metadata")

    async def set_topics(self, topics: list[str]) -> None:
        self.said.append(("topics", *topics))

    async def begin_transaction(self) -> None:
        self.said.append("begin")

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(
            SMALL_BATCH, 0, is_transactional=True, key_serializer=None, value_serializer=None
        )

    async def send_batch(
        self, batch: BatchBuilder, topic: str, *, partition: int
    ) -> "asyncio.Future[Acknowledged]":
        self.said.append(("send", topic))
        self.sent.append((topic, partition, batch.record_count()))
        acknowledged: asyncio.Future[Acknowledged] = asyncio.get_running_loop().create_future()
        self.futures.append(acknowledged)
        base = self.ends.get(topic, 100)
        self.ends[topic] = base + batch.record_count()
        if topic in self.failing:
            acknowledged.set_exception(MessageSizeTooLargeError())
        elif not self.hold:
            acknowledged.set_result(Acknowledged(base))
        return acknowledged

    async def send_offsets_to_transaction(
        self, offsets: dict[TopicPartition, Any], group: str
    ) -> None:
        self.said.append(("offsets", offsets, group))

    async def commit_transaction(self) -> None:
        self.said.append("commit")

    async def abort_transaction(self) -> None:
        self.said.append("abort")


def producer(monkeypatch: pytest.MonkeyPatch, fake: FakeProducer) -> TransactionalProducer:
    async def until_decided(_: FakeProducer, partitions: list[TopicPartition], __: float) -> None:
        fake.said.append(("decided?", *(one.topic for one in partitions)))
        assert {one.partition for one in partitions} <= {SOURCE.partition}
        if fake.hanging and fake.said.count("abort") <= fake.hanging:
            raise TimeoutError("transactions hang")

    async def coordinator(_: FakeProducer, __: str) -> int:
        return 7

    async def committed(_: FakeProducer, node: int, *where: object) -> Committed:
        assert (node, *where) in {(7, "app-dedup", SOURCE), (7, "another", SOURCE)}
        fake.said.append("committed?")
        if fake.broken:
            raise fake.broken
        if fake.said.count("committed?") <= fake.moving:
            raise NotCoordinatorForGroupError
        return Committed(fake.committed, fake.note)

    monkeypatch.setattr(transaction, "AIOKafkaProducer", lambda **_: fake)
    monkeypatch.setattr(transaction, "until_decided", until_decided)
    monkeypatch.setattr(transaction, "coordinator", coordinator)
    monkeypatch.setattr(transaction, "committed", committed)
    monkeypatch.setattr(transaction, "_AGAIN_SECONDS", 0.001)
    return TransactionalProducer({}, "app-dedup", SOURCE)


async def turns() -> None:
    """Let everything that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


def output(topic: str, size: int = 10) -> Output:
    return Output(topic, b"k", b"v" * size, [])


async def test_outputs_offset_and_commit_come_in_this_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeProducer()
    ends = await producer(monkeypatch, fake).commit([output("a"), output("b"), output("a")], 42)
    assert fake.said == [
        "begin",
        ("send", "a"),
        ("send", "b"),
        ("offsets", {SOURCE: (42, "")}, "app-dedup"),
        "commit",
    ]
    assert ends == {"a": 102, "b": 101}


async def test_a_batch_without_outputs_still_commits_its_offset(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeProducer()
    assert await producer(monkeypatch, fake).commit([], 7) == {}
    assert fake.said == ["begin", ("offsets", {SOURCE: (7, "")}, "app-dedup"), "commit"]


async def test_everything_goes_to_the_sources_partition_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeProducer()
    await producer(monkeypatch, fake).commit([output("a"), output("b")], 1)
    assert {partition for _, partition, _ in fake.sent} == {3}


async def test_a_full_batch_is_sent_and_another_begun_and_no_record_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeProducer()
    ends = await producer(monkeypatch, fake).commit([output("a", 300) for _ in range(10)], 1)
    counts = [count for _, _, count in fake.sent]
    assert len(counts) > 1
    assert sum(counts) == 10
    assert ends == {"a": 110}


async def test_a_record_larger_than_a_batch_is_sent_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeProducer()
    big = SMALL_BATCH * 3
    await producer(monkeypatch, fake).commit([output("a"), output("a", big), output("a")], 1)
    assert [count for _, _, count in fake.sent] == [1, 1, 1]


@pytest.mark.parametrize("failing", ["a", "b"])
async def test_a_failed_send_means_no_commit(monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    fake = FakeProducer(failing=frozenset({failing}))
    with pytest.raises(MessageSizeTooLargeError):
        await producer(monkeypatch, fake).commit([output("a"), output("b")], 1)
    assert "commit" not in fake.said


async def test_the_commit_waits_for_every_acknowledgement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeProducer(hold=True)
    committing = asyncio.create_task(
        producer(monkeypatch, fake).commit([output("a"), output("b")], 1)
    )
    await turns()
    fake.futures[0].set_result(Acknowledged(0))
    await turns()
    assert "commit" not in fake.said
    fake.futures[1].set_result(Acknowledged(0))
    await committing
    assert fake.said[-1] == "commit"


async def test_a_step_that_takes_too_long_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction, "STEP_SECONDS", 0.01)
    fake = FakeProducer(hold=True)
    with pytest.raises(TimeoutError):
        await producer(monkeypatch, fake).commit([output("a")], 1)
    assert "commit" not in fake.said


def touched(*topics: str) -> list[Any]:
    sends = [("send", topic) for topic in topics]
    return ["begin", *sends, ("offsets", {SOURCE: 0}, "app-dedup"), "abort"]


STOOD = "committed?"


async def test_a_start_fences_touches_the_first_topic_and_sees_that_all_is_decided(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeProducer()
    standing = await producer(monkeypatch, fake).start(["a", "b"], ["c"])
    assert fake.said == [
        "start",
        ("topics", "a", "b", "c"),
        *touched("a"),
        STOOD,
        ("decided?", "a", "b", "c"),
    ]
    assert standing == Standing({"a": 101}, 42)


async def test_one_that_owns_no_topic_touches_its_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeProducer()
    assert await producer(monkeypatch, fake).start([], ["c"]) == Standing({}, 42)
    assert fake.said == ["start", ("topics", "c"), *touched(), STOOD, ("decided?", "c")]


async def test_a_group_may_stand_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeProducer(committed=None)
    assert (await producer(monkeypatch, fake).start(["a"])).committed is None


async def test_a_coordinator_that_moves_is_touched_again_before_it_is_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that was just elected may not know the last commits yet, until it acknowledges one."""
    fake = FakeProducer(moving=2)
    standing = await producer(monkeypatch, fake).start(["a"])
    again = [*touched("a"), STOOD]
    assert fake.said[2:-1] == [*again, "metadata", *again, "metadata", *again]
    assert standing == Standing({"a": 103}, 42)


async def test_a_group_that_may_not_be_asked_about_fails_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeProducer(broken=GroupAuthorizationFailedError("app-dedup"))
    with pytest.raises(GroupAuthorizationFailedError):
        await producer(monkeypatch, fake).start(["a"])


async def test_a_coordinator_that_never_settles_fails_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transaction, "STEP_SECONDS", 0.05)
    fake = FakeProducer(moving=10_000)
    with pytest.raises(TimeoutError):
        await producer(monkeypatch, fake).start(["a"])


async def test_a_start_that_finds_orphans_touches_everything_in_reach_and_looks_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeProducer(hanging=1)
    await producer(monkeypatch, fake).start(["a", "b"], ["c"])
    assert fake.said[3 + len(touched("a")) :] == [
        ("decided?", "a", "b", "c"),
        *touched("a", "b", "c"),
        ("decided?", "a", "b"),
    ]


async def test_a_start_that_cannot_rule_the_orphans_out_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeProducer(hanging=2)
    with pytest.raises(TimeoutError, match="hang"):
        await producer(monkeypatch, fake).start(["a", "b"])


@pytest.mark.parametrize("failing", ["a", "b"])
async def test_a_touch_that_is_not_acknowledged_fails_the_start(
    monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    fake = FakeProducer(failing=frozenset({failing}), hanging=1)
    with pytest.raises(MessageSizeTooLargeError):
        await producer(monkeypatch, fake).start(["a", "b"])
    assert fake.said[-1] != "abort"


async def test_the_transactional_id_is_stable_per_group_topic_and_partition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another id would not fence the predecessor, and nothing else does."""
    made: list[dict[str, Any]] = []
    monkeypatch.setattr(transaction, "AIOKafkaProducer", lambda **given: made.append(given))
    TransactionalProducer({}, "app-dedup", SOURCE)
    TransactionalProducer({}, "app-dedup", SOURCE)
    assert [one["transactional_id"] for one in made] == ["app-dedup-seismic.raw-3"] * 2
    assert made[0]["acks"] == "all"


async def test_what_is_noted_is_committed_beside_the_offset(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeProducer()
    await producer(monkeypatch, fake).commit([], 7, "noted")
    assert fake.said == ["begin", ("offsets", {SOURCE: (7, "noted")}, "app-dedup"), "commit"]


async def test_a_takeover_finds_what_was_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeProducer(note="noted")
    assert await producer(monkeypatch, fake).start([]) == Standing({}, 42, "noted")


async def test_another_group_is_placed_in_a_transaction_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeProducer()
    await producer(monkeypatch, fake).place("another", 7)
    assert fake.said == ["begin", ("offsets", {SOURCE: (7, "")}, "another"), "commit"]


async def test_another_group_is_asked_until_its_coordinator_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeProducer(committed=9, moving=2)
    assert await producer(monkeypatch, fake).committed_by("another") == 9
    assert fake.said.count("committed?") == 3
