"""What a takeover finds: lost, old or foreign copies of the marks, and orphaned transactions."""

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from ops.child import Child
from schemas.partitioner import partition_for
from streams.marks import mark_key
from tests.admin_probe import Probe
from tests.books import balance
from tests.kafka_fixture import OwnKafka, RunningKafka
from tests.streams_rig import Rig, event, eventually, header, rig

TENANT = "tenant-a"
PARTITIONS = 2
PARTITION = partition_for(TENANT.encode(), PARTITIONS)


def numbered(*numbers: int) -> list[tuple[str | None, bytes]]:
    return [(TENANT, event(TENANT, str(number))) for number in numbers]


async def ids(r: Rig) -> list[str | None]:
    return [header(record, "ce_id") for record in await r.events()]


async def killed(worker: Child) -> None:
    worker.send(signal.SIGKILL)
    await eventually(lambda: worker.exits, "the worker to die", pause=0.01)


@pytest.mark.parametrize("marks", ["rocksdb", "memory"])
@pytest.mark.parametrize("end", ["stopped", "killed"])
async def test_a_worker_without_its_disk_still_knows_what_was_written(
    kafka: RunningKafka, tmp_path: Path, marks: str, end: str
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, PARTITIONS) as r:
        worker = r.worker("w1", marks=marks)
        await r.produce(numbered(1, 2, 3))
        await r.until_idle()
        if end == "killed":
            worker.send(signal.SIGKILL)
        await worker.stop(20)
        shutil.rmtree(tmp_path / "w1" / "state", ignore_errors=True)
        await r.produce(numbered(3, 1, 4, 2))
        again = r.worker("w2", marks=marks)
        await r.until_idle()
        assert await ids(r) == ["1", "2", "3", "4"]
        probe = Probe(again)
        assert await probe.metric("geophone_streams_duplicates_total") == 3
        assert await probe.metric("geophone_streams_marks_restored_total") == 3


async def test_a_copy_on_disk_is_used_and_only_the_rest_is_read(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, PARTITIONS) as r:
        worker = r.worker("w1")
        await r.produce(numbered(1, 2, 3))
        await r.until_idle()
        assert await worker.stop(20) == 0
        again = r.worker("w1")
        await r.produce(numbered(1, 4))
        await r.until_idle()
        assert await ids(r) == ["1", "2", "3", "4"]
        assert await Probe(again).metric("geophone_streams_marks_restored_total") == 0


async def test_an_old_copy_catches_up(kafka: RunningKafka, tmp_path: Path) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, PARTITIONS) as r:
        first = r.worker("w1")
        await r.produce(numbered(1, 2))
        await r.until_idle()
        await first.stop(20)
        other = r.worker("w2")
        await r.produce(numbered(3, 4))
        await r.until_idle()
        await other.stop(20)
        back = r.worker("w1")
        await r.produce(numbered(4, 3, 2, 1, 5))
        await r.until_idle()
        assert await ids(r) == ["1", "2", "3", "4", "5"]
        assert await Probe(back).metric("geophone_streams_marks_restored_total") == 2


async def test_a_copy_ahead_of_kafka_is_thrown_away(kafka: RunningKafka, tmp_path: Path) -> None:
    """As after a restore of the cluster from a backup: the replay must not count as duplicates."""
    async with rig(kafka.bootstrap_servers, tmp_path, PARTITIONS) as before:
        await before.produce(numbered(1, 2, 3))
        worker = before.worker("w1")
        await before.until_idle()
        await worker.stop(20)
        state = tmp_path / "w1" / "state"
        (old,) = [folder for folder in state.iterdir() if folder.is_dir()]
        async with rig(kafka.bootstrap_servers, tmp_path / "restored", PARTITIONS) as after:
            shutil.copytree(old, tmp_path / "restored" / "w1" / "state" / after.topics.dedup.name)
            await after.produce(numbered(1, 2))
            after.worker("w1")
            await after.until_idle()
            assert await ids(after) == ["1", "2"]


async def test_a_damaged_copy_is_thrown_away(kafka: RunningKafka, tmp_path: Path) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, PARTITIONS) as r:
        worker = r.worker("w1")
        await r.produce(numbered(1, 2))
        await r.until_idle()
        await worker.stop(20)
        for manifest in (tmp_path / "w1" / "state").rglob("MANIFEST-*"):
            manifest.write_bytes(b"\0" * 64)
        again = r.worker("w1")
        await r.produce(numbered(2, 3))
        await r.until_idle()
        assert await ids(r) == ["1", "2", "3"]
        assert again.exits == []


@asynccontextmanager
async def orphan(r: Rig, event_id: str) -> AsyncIterator[AIOKafkaProducer]:
    """Leave a transaction of the partition's own id open: an output, its mark, nothing decided."""
    producer = AIOKafkaProducer(
        bootstrap_servers=r.bootstrap,
        transactional_id=f"{r.app_id}-dedup-{r.topics.raw.name}-{PARTITION}",
        transaction_timeout_ms=300_000,
    )
    await producer.start()
    await producer.begin_transaction()
    (_, body), *_ = numbered(int(event_id))
    topic = r.topics.events["LivesendUpdatedV1"].name
    await producer.send_and_wait(topic, body, key=b"orphan", partition=PARTITION)
    mark = mark_key(TENANT, event_id)
    await producer.send_and_wait(r.topics.dedup.name, b"0", key=mark, partition=PARTITION)
    try:
        yield producer
    finally:
        await producer.stop()


async def stable_everywhere(r: Rig) -> bool:
    """Whether no transaction is undecided in any output partition."""
    names = [r.topics.dedup.name, r.topics.quarantine.name]
    names += [topic.name for topic in r.topics.events.values()]
    partitions = [TopicPartition(name, PARTITION) for name in names]
    ends: list[dict[TopicPartition, int]] = []
    for isolation in ("read_committed", "read_uncommitted"):
        consumer = AIOKafkaConsumer(
            bootstrap_servers=r.bootstrap, isolation_level=isolation, enable_auto_commit=False
        )
        async with consumer:
            consumer.assign(partitions)
            ends.append(await consumer.end_offsets(partitions))
    return ends[0] == ends[1]


async def test_an_orphaned_transaction_is_never_seen_and_its_event_is_written_once(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, PARTITIONS) as r, orphan(r, "1"):
        assert not await stable_everywhere(r)
        r.worker("w1")
        await r.produce(numbered(1, 2))
        await r.until_idle()
        await eventually(lambda: stable_everywhere(r), "the orphan to be decided", 20)
        records = await r.events()
        assert [record.key for record in records] == [TENANT.encode()] * 2
        assert await ids(r) == ["1", "2"]
        assert len(await r.read(r.topics.dedup.name)) == 2
        everything = await r.read(r.topics.events["LivesendUpdatedV1"].name, committed=False)
        assert b"orphan" in [record.key for record in everything], "it had been written"


async def test_a_transaction_whose_abort_marker_was_lost_is_never_seen(
    own_kafka: OwnKafka, tmp_path: Path
) -> None:
    """Our first commit in that partition would commit its records too.

    A restarting broker leaves it so (KAFKA-20734): decided for the coordinator, and in one
    partition open for ever.
    """
    kafka = await own_kafka(1)
    async with rig(kafka.bootstrap_servers, tmp_path, PARTITIONS) as r:
        await allow_writes_outside_transactions(r)
        await leave_hanging(r, "1")
        assert not await stable_everywhere(r)
        worker = r.worker("w1")
        await r.produce(numbered(1, 2))
        await r.until_idle()
        await eventually(lambda: stable_everywhere(r), "nothing to be undecided", 20)
        assert [record.key for record in await r.events()] == [TENANT.encode()] * 2
        assert await ids(r) == ["1", "2"]
        assert worker.exits == []


async def allow_writes_outside_transactions(r: Rig) -> None:
    """Let a client write to a partition that the coordinator does not know of."""
    setting = {"transaction.partition.verification.enable": "false"}
    admin = AIOKafkaAdminClient(bootstrap_servers=r.bootstrap)
    await admin.start()
    await admin.alter_configs([ConfigResource(ConfigResourceType.BROKER, "1", setting)])
    await admin.close()


async def leave_hanging(r: Rig, event_id: str) -> None:
    """Abort a transaction of which one partition never hears."""
    async with orphan(r, "0") as producer:
        ((_, body),) = numbered(int(event_id))
        hanging = TopicPartition(r.topics.events["LivesendUpdatedV1"].name, PARTITION)
        await producer.abort_transaction()
        await producer.begin_transaction()
        await producer.send_and_wait(r.topics.dedup.name, b"0", key=b"m", partition=PARTITION)
        producer._txn_manager._txn_partitions.add(hanging)
        await producer.send_and_wait(
            hanging.topic, body, key=b"orphan", partition=hanging.partition
        )
        await producer.abort_transaction()


async def test_whoever_was_taken_over_from_can_write_nothing_more(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, PARTITIONS) as r, orphan(r, "1") as old:
        worker = r.worker("w1")
        await r.produce(numbered(2))
        await r.until_idle()
        with pytest.raises(Exception, match=r"Fenced|fenced|newer epoch"):
            await old.commit_transaction()
        assert await ids(r) == ["2"]
        assert worker.exits == []


async def test_a_rebalance_in_the_middle_of_takeovers_loses_nothing(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    """Workers come and go faster than a takeover takes, on a group that has much to restore."""
    async with rig(kafka.bootstrap_servers, tmp_path, 6) as r:
        first = r.worker("w1")
        bodies = [(f"tenant-{n % 20}", event(f"tenant-{n % 20}", str(n))) for n in range(6000)]
        await r.produce(bodies)
        await r.until_idle()
        shutil.rmtree(tmp_path / "w1" / "state")
        await first.stop(20)
        shutil.rmtree(tmp_path / "w1" / "state", ignore_errors=True)
        workers = [r.worker("w1"), r.worker("w2")]
        for round_ in range(4):
            more = [(t, event(t, f"{round_}-{n}")) for n, (t, _) in enumerate(bodies[:500])]
            await r.produce([*more, *bodies[:500]])
            name = f"passer-by-{round_}"
            passer = r.worker(name)
            await passer.announced(30)
            await asyncio.sleep(0.3 * round_)
            await passer.stop(20)
        await r.until_idle()
        exits = [code for worker in workers for code in worker.exits]
        assert exits == [], [(w.folder / "log").read_text()[-3000:] for w in workers if w.exits]
        raw = await r.read(r.topics.raw.name)
        balance(raw, await r.events(), await r.read(r.topics.quarantine.name))
