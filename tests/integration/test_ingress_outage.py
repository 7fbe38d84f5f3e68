"""What callers see while Kafka is away, slow or refusing, and how it heals without a restart."""

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncIterator, Iterator, Mapping

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, OutOfOrderSequenceNumber

from ingress import supervisor, topics
from ingress.kafka_sink import kafka_sink
from ingress.metrics import Metrics
from ingress.producer import Producer
from ingress.settings import Settings
from tests.ingress_rig import VERIFICATION, Served, event, on_kafka, records, served, until
from tests.kafka_fixture import OwnKafka, RunningKafka

BACK_WITHIN = 30.0
SENDER_GIVES_UP = 3.0


@pytest.fixture(autouse=True)
def nothing_left_behind(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No task or future may be forgotten: asyncio reports those when they are collected."""
    yield
    gc.collect()
    left = [each.getMessage() for each in caplog.records if each.name == "asyncio"]
    assert not left


@contextlib.asynccontextmanager
async def running(chosen: Settings) -> AsyncIterator[Served]:
    metrics = Metrics()
    async with kafka_sink(chosen, metrics) as sink, served(sink, chosen, metrics) as app:
        yield app


async def ready(app: Served) -> None:
    async def is_ready() -> bool:
        return (await app.admin("/readyz")).status == 200

    await until(is_ready, 20, pause=0.05)


async def accepted(app: Served, body: bytes) -> bool:
    return (await app.post(body)).status == 200


async def refused(app: Served, body: bytes) -> bool:
    return (await app.post(body)).status == 503


def value(app: Served, name: str, **labels: str) -> float:
    return app.metrics.registry.get_sample_value(name, labels) or 0.0


def replacements(app: Served, cause: str) -> float:
    return value(app, "geophone_ingress_producer_replacements_total", cause=cause)


async def configure(chosen: Settings, topic: str, config: Mapping[str, str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=chosen.kafka_bootstrap_servers)
    await admin.start()
    try:
        await admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, topic, configs=dict(config))]
        )
    finally:
        await admin.close()


async def sent(producer: AIOKafkaProducer, topic: str, content: bytes) -> bool:
    await producer.send_and_wait(topic, content, partition=0)
    return False


@pytest.mark.parametrize("patience", [None, 1.0])
async def test_a_frozen_broker_means_503_in_time_and_2xx_soon_after_it_thaws(
    own_kafka: OwnKafka, monkeypatch: pytest.MonkeyPatch, patience: float | None
) -> None:
    """Also when the freeze is long enough for the supervisor to look for another producer."""
    if patience:
        monkeypatch.setattr(supervisor, "STALLED_SECONDS", patience)
        monkeypatch.setattr(supervisor, "SILENT_SECONDS", patience)
    local = await own_kafka(1)
    chosen = on_kafka(local.bootstrap_servers)
    async with running(chosen) as app:
        await ready(app)
        assert await accepted(app, event(0))
        local.pause(1)
        late = [app.post(event(number, f"tenant-{number}")) for number in range(1, 51)]
        asking = asyncio.gather(*late)
        echo = await app.post(VERIFICATION, {})
        assert (echo.status, echo.body) == (200, b"abc")
        assert echo.seconds < 1
        for reply in await asking:
            assert reply.status == 503
            assert reply.headers["retry-after"] == "5"
            assert reply.seconds < SENDER_GIVES_UP
        assert (await app.admin("/livez")).status == 200
        assert (await app.admin("/readyz")).status == 503
        local.resume(1)
        await until(lambda: accepted(app, event(99)), BACK_WITHIN)
        await ready(app)
        await until(lambda: value(app, "geophone_ingress_unresolved_records") == 0)
    values = [each.value for each in await records(chosen, chosen.topics().raw.name)]
    assert event(0) in values
    assert event(99) in values


async def test_silence_alone_makes_it_unready_and_an_answer_ready_again(
    own_kafka: OwnKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "UNREADY_SECONDS", 2.5)
    local = await own_kafka(1)
    async with running(on_kafka(local.bootstrap_servers)) as app:
        await ready(app)
        local.pause(1)

        async def silent() -> bool:
            return "does not answer" in str((await app.admin("/readyz")).json()["why"])

        await until(silent)
        local.resume(1)
        await ready(app)


async def test_an_idle_process_keeps_asking_kafka_and_stays_ready(kafka: RunningKafka) -> None:
    async with running(on_kafka(kafka.bootstrap_servers)) as app:
        await ready(app)
        watched = app.sink._supervisor  # type: ignore[attr-defined]
        for _ in range(2):
            before = watched._heard_at
            await until(lambda before=before: watched._heard_at > before)  # type: ignore[misc]
        assert value(app, "geophone_ingress_ready") == 1


async def test_a_producer_that_hears_nothing_is_replaced_by_one_that_does(
    kafka: RunningKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when all brokers have moved: only the bootstrap addresses still lead to them."""
    monkeypatch.setattr(supervisor, "SILENT_SECONDS", 1.0)
    async with running(on_kafka(kafka.bootstrap_servers)) as app:
        await ready(app)
        watched = app.sink._supervisor  # type: ignore[attr-defined]
        deaf = watched._current
        monkeypatch.setattr(deaf, "probe", lambda: asyncio.sleep(0, result=False))
        await until(lambda: watched._current is not deaf)
        assert replacements(app, "silent") == 1
        assert await accepted(app, event())


async def test_memory_stays_bounded_while_the_broker_is_frozen(own_kafka: OwnKafka) -> None:
    """A record that is in flight counts until its batch is resolved, even long after its 503."""
    local = await own_kafka(1)
    chosen = on_kafka(local.bootstrap_servers, max_in_flight=8, deadline_seconds=0.5)
    async with running(chosen) as app:
        await ready(app)
        local.pause(1)
        first = await asyncio.gather(*(app.post(event(number)) for number in range(4)))
        assert {reply.status for reply in first} == {503}
        held = value(app, "geophone_ingress_unresolved_records")
        assert 1 <= held <= 4, "only what is in flight still counts"
        replies = await asyncio.gather(*(app.post(event(number)) for number in range(30)))
        assert {reply.status for reply in replies} == {503}
        full = value(app, "geophone_ingress_requests_total", answer="full")
        assert full == 30 - (8 - held)
        assert (await app.post(VERIFICATION, {})).status == 200
        local.resume(1)
        await until(lambda: accepted(app, event()), BACK_WITHIN)
        await until(lambda: value(app, "geophone_ingress_unresolved_bytes") == 0)


async def test_kafka_may_be_down_at_start_and_come_later(own_kafka: OwnKafka) -> None:
    local = await own_kafka(1)
    local.kill(1)
    async with running(on_kafka(local.bootstrap_servers, deadline_seconds=0.5)) as app:
        assert (await app.post(VERIFICATION, {})).status == 200
        assert (await app.post(event())).status == 503
        assert (await app.admin("/livez")).status == 200
        assert (await app.admin("/readyz")).status == 503
        await local.restart(1)
        await until(lambda: accepted(app, event()), BACK_WITHIN)
        await ready(app)


async def test_a_killed_broker_that_comes_back_is_used_again(own_kafka: OwnKafka) -> None:
    local = await own_kafka(1)
    async with running(on_kafka(local.bootstrap_servers)) as app:
        await ready(app)
        assert await accepted(app, event(1))
        local.kill(1)
        assert (await app.post(event(2))).status == 503
        await local.restart(1)
        await until(lambda: accepted(app, event(3)), BACK_WITHIN)


async def test_a_partition_survives_a_record_that_kafka_refuses_for_good(
    kafka: RunningKafka,
) -> None:
    """Its producer is useless for that partition from then on, so it is replaced."""
    chosen = on_kafka(kafka.bootstrap_servers)
    raw = chosen.topics().raw.name
    async with running(chosen) as app:
        await ready(app)
        assert await accepted(app, event(1))
        await configure(chosen, raw, {"max.message.bytes": "2000"})
        large = event(2, padding="x" * 5000)
        # The broker takes a moment to act on its new configuration.
        await until(lambda: refused(app, large))
        small = [event(number) for number in range(3, 23)]
        for body in small:
            assert (await app.post(body)).status == 200
        assert replacements(app, "error") == 1
        await ready(app)
    values = [each.value for each in await records(chosen, raw)]
    assert [each for each in values if each != large] == [event(1), *small]


async def test_a_refused_record_hurts_none_that_came_with_it(kafka: RunningKafka) -> None:
    chosen = on_kafka(kafka.bootstrap_servers)
    raw = chosen.topics().raw.name
    async with running(chosen) as app:
        await ready(app)
        await configure(chosen, raw, {"max.message.bytes": "300000"})
        large = event(0, padding="x" * 400_000)
        await until(lambda: refused(app, large))
        bodies = [event(number, f"tenant-{number % 5}") for number in range(1, 41)]
        mixed = [*bodies[:20], large, *bodies[20:]]
        replies = await asyncio.gather(*(app.post(body) for body in mixed))
        hurt = [body for body, reply in zip(mixed, replies, strict=True) if reply.status != 200]
        assert hurt == [large]


async def test_without_a_new_producer_the_partition_would_stay_wedged(
    kafka: RunningKafka,
) -> None:
    """Why there is a supervisor: if this fails, aiokafka has mended its issue 1017."""
    chosen = on_kafka(kafka.bootstrap_servers)
    raw = chosen.topics().raw.name
    async with running(chosen) as app:
        await ready(app)
    await configure(chosen, raw, {"max.message.bytes": "2000"})
    async with AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap_servers, enable_idempotence=True
    ) as producer:
        await sent(producer, raw, b"x")
        with pytest.raises(MessageSizeTooLargeError):
            await until(lambda: sent(producer, raw, b"x" * 5000))
        for _ in range(3):
            with pytest.raises(OutOfOrderSequenceNumber):
                await producer.send_and_wait(raw, b"x", partition=0)
        await producer.send_and_wait(raw, b"x", partition=1)


async def test_a_batch_that_makes_no_progress_although_the_broker_answers_is_given_up(
    kafka: RunningKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STALLED_SECONDS", 1.0)
    monkeypatch.setattr(supervisor, "GRACE_SECONDS", 0.2)
    chosen = on_kafka(kafka.bootstrap_servers, deadline_seconds=0.5)
    raw = chosen.topics().raw.name
    async with running(chosen) as app:
        await ready(app)
        stuck = app.sink._supervisor._current._producer._sender  # type: ignore[attr-defined]
        stuck._muted_partitions |= {TopicPartition(raw, number) for number in range(4)}
        assert (await app.post(event(1))).status == 503
        assert value(app, "geophone_ingress_unresolved_records") == 1
        await until(lambda: replacements(app, "stalled") == 1)
        await until(lambda: accepted(app, event(2)), BACK_WITHIN)
        await until(lambda: value(app, "geophone_ingress_unresolved_records") == 0)
        await until(stuck.sender_task.done)


async def test_an_ended_producer_lets_go_of_what_it_could_not_send(own_kafka: OwnKafka) -> None:
    local = await own_kafka(1)
    chosen = on_kafka(local.bootstrap_servers)
    raw = chosen.topics().raw.name
    async with running(chosen) as app:
        await ready(app)
    producer = Producer(chosen.kafka_arguments(), [raw])
    await producer.start()
    local.pause(1)
    batch = producer.new_batch()
    batch.append(timestamp=None, key=b"k", value=b"v")
    sending = producer.send(batch, raw, 0)
    await asyncio.sleep(0)
    started = time.monotonic()
    await producer.end(0.2)
    with pytest.raises(KafkaError):
        await sending
    assert time.monotonic() - started < 2
    with pytest.raises(KafkaError):
        await producer.send(producer.new_batch(), raw, 0)
    local.resume(1)


async def test_topics_that_differ_stop_all_writing_until_they_are_right(
    kafka: RunningKafka,
) -> None:
    chosen = on_kafka(kafka.bootstrap_servers)
    async with running(chosen) as app:
        await ready(app)
    wrong = chosen.model_copy(update={"topic_mode": "verify", "topic_partitions": 5})
    async with running(wrong) as app:

        async def complains() -> bool:
            return "4 partitions, not 5" in str((await app.admin("/readyz")).json()["why"])

        await until(complains)
        reply = await app.post(event())
        assert reply.status == 503
        assert reply.seconds < 1
        assert value(app, "geophone_ingress_requests_total", answer="refused") == 1
        assert (await app.post(VERIFICATION, {})).status == 200


async def test_missing_topics_are_named_and_used_once_they_are_there(
    kafka: RunningKafka,
) -> None:
    chosen = on_kafka(kafka.bootstrap_servers)
    waiting = chosen.model_copy(update={"topic_mode": "verify"})
    async with running(waiting) as app:

        async def complains() -> bool:
            return "raw is missing" in str((await app.admin("/readyz")).json()["why"])

        await until(complains)
        async with running(chosen) as other:
            await ready(other)
        await until(lambda: accepted(app, event()))


async def test_an_event_before_the_topics_does_not_keep_them_from_being_seen(
    kafka: RunningKafka,
) -> None:
    """A client looks only at the topics that it was told, once it was told any."""
    chosen = on_kafka(kafka.bootstrap_servers, deadline_seconds=1)
    raw = chosen.topics().raw
    await topics.create([raw], chosen.kafka_arguments(), partitions=4, replication=1)
    async with running(chosen.model_copy(update={"topic_mode": "verify"})) as app:
        early = await app.post(event(0))  # it is not known yet what is missing
        assert early.status == 503
        async with running(chosen) as other:
            await ready(other)
        await until(lambda: accepted(app, event(1)))


async def test_an_event_before_the_topics_were_looked_at_is_not_written_to_wrong_ones(
    kafka: RunningKafka,
) -> None:
    chosen = on_kafka(kafka.bootstrap_servers, deadline_seconds=1)
    async with running(chosen) as app:
        await ready(app)
    wrong = chosen.model_copy(update={"topic_mode": "verify", "topic_partitions": 5})
    async with running(wrong) as app:
        early = [app.post(event(number, f"tenant-{number}")) for number in range(20)]
        assert {reply.status for reply in await asyncio.gather(*early)} == {503}
    assert await records(chosen, chosen.topics().raw.name) == []


async def test_in_mode_off_the_partition_count_is_what_kafka_says(kafka: RunningKafka) -> None:
    chosen = on_kafka(kafka.bootstrap_servers)
    async with running(chosen) as app:
        await ready(app)
    trusting = chosen.model_copy(update={"topic_mode": "off", "topic_partitions": 12})
    async with running(trusting) as app:
        await ready(app)
        assert await accepted(app, event())


async def test_topics_that_cannot_be_created_are_reported_not_fatal(kafka: RunningKafka) -> None:
    async with running(on_kafka(kafka.bootstrap_servers, topic_replication=3)) as app:

        async def complains() -> bool:
            return "is missing" in str((await app.admin("/readyz")).json()["why"])

        await until(complains)
        assert (await app.post(event())).status == 503


async def test_p50_without_a_fault_is_far_from_the_deadline(kafka: RunningKafka) -> None:
    async with running(on_kafka(kafka.bootstrap_servers)) as app:
        await ready(app)
        started = time.monotonic()
        for number in range(20):
            assert await accepted(app, event(number))
        assert time.monotonic() - started < 2


@pytest.mark.parametrize("task", ["metadata", "sender"])
async def test_a_task_of_the_client_that_dies_costs_a_producer_and_not_the_process(
    kafka: RunningKafka, task: str
) -> None:
    """On a connection that was just reset uvloop raises RuntimeError, where asyncio does not."""

    async def on_a_closed_connection(*_: object, **__: object) -> None:
        raise RuntimeError("the handler is closed")

    async with running(on_kafka(kafka.bootstrap_servers)) as app:
        await ready(app)
        watched = app.sink._supervisor  # type: ignore[attr-defined]  # the sink is Kafka's here
        broken = watched._current
        client = broken._producer
        if task == "metadata":
            client.client._metadata_update = on_a_closed_connection
        else:
            client._sender._send_produce_req = on_a_closed_connection
        await until(lambda: refused_or_replaced(app, broken), BACK_WITHIN)
        await until(lambda: accepted(app, event(1)), BACK_WITHIN)
        assert watched._current is not broken
        assert value(app, "geophone_ingress_producer_replacements_total", cause="error") == 1
        await asyncio.sleep(supervisor.GRACE_SECONDS + 1.5)
        assert await accepted(app, event(2))


async def refused_or_replaced(app: Served, broken: Producer) -> bool:
    await app.post(event(0))
    return app.sink._supervisor._current is not broken  # type: ignore[attr-defined]  # as above
