"""The proof's final reader: what was committed, all of it, and where the partitions end."""

import asyncio
from pathlib import Path

from ops.prove.history import digest
from ops.prove.readers.final import read_everything
from ops.reader import read_all
from schemas import headers
from schemas.connection import KafkaConnection
from tests.kafka_fixture import RunningKafka
from tests.readers_rig import bodies, put, read, transactional
from tests.streams_rig import rig


async def test_it_reads_what_was_committed_and_nothing_else(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        event = r.topics.events["UserCreatedV1"].name
        async with transactional(r, "a") as one:
            for word in ("kept", "again"):
                async with one.transaction():
                    await put(one, event, bodies(word), partition=1)
            await one.begin_transaction()
            await put(one, event, bodies("aborted"), partition=1)
            await one.abort_transaction()
        async with r.producer() as plain:
            await put(plain, r.topics.raw.name, bodies("raw"))
            source = headers.source(r.topics.raw.name, 1, 7)
            await put(plain, r.topics.quarantine.name, [b"poison"], headers=source)
            await put(plain, r.topics.quarantine.name, [b"from a request"])
            await put(plain, r.topics.task_dead.name, [b"dead"])
            await put(plain, r.topics.task.name, [b"command"])
            await put(plain, r.topics.dedup.name, [b"not read"])
        reading = await asyncio.to_thread(read, r)
        assert [one.digest for one in reading.raw] == [digest(body) for body in bodies("raw")]
        assert [one.offset for one in reading.raw] == [0, 1, 2]
        kept = [*bodies("kept"), *bodies("again")]
        assert [one.digest for one in reading.outputs] == [digest(body) for body in kept]
        assert {(one.kind, one.partition, one.key) for one in reading.outputs} == {
            ("event.UserCreatedV1", 1, b"key")
        }
        assert [one.source for one in reading.quarantine] == [(1, 7), None]
        assert [one.digest for one in reading.dead] == [digest(b"dead")]
        assert [one.digest for one in reading.commands] == [digest(b"command")]
        assert not reading.undecided
        ends = {(end.kind, end.partition): end for end in reading.ends}
        assert len(ends) == 2 * len(list(r.topics))
        at = ends["event.UserCreatedV1", 1]
        assert (at.start, at.stable, at.high) == (0, 12, 12)  # nine records and three markers


async def test_it_waits_for_what_is_still_undecided(kafka: RunningKafka, tmp_path: Path) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=1) as r:
        event = r.topics.events["UserCreatedV1"].name
        async with transactional(r, "a") as one, one.transaction():
            await put(one, event, bodies("late"))
            reading = asyncio.create_task(asyncio.to_thread(read, r))
            await asyncio.sleep(1.5)  # long enough for the reader to come to the undecided records
        assert [one.digest for one in (await reading).outputs] == [
            digest(body) for body in bodies("late")
        ]


async def test_a_transaction_that_stays_open_is_told_and_not_waited_for_for_ever(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=1) as r:
        event = r.topics.events["UserCreatedV1"].name
        async with transactional(r, "a") as one:
            async with one.transaction():
                await put(one, event, bodies("kept"))
            await one.begin_transaction()
            await put(one, event, bodies("open"))
            reading = await asyncio.to_thread(read, r, 2)
            await one.abort_transaction()
        assert [one.digest for one in reading.outputs] == [digest(body) for body in bodies("kept")]
        assert reading.undecided == (("event.UserCreatedV1", 0),)
        at = next(end for end in reading.ends if end.kind == "event.UserCreatedV1")
        assert (at.stable, at.high) == (4, 7)


async def test_it_agrees_with_the_reader_that_everyone_uses(
    kafka: RunningKafka, tmp_path: Path
) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=2) as r:
        names = [topic.name for topic in r.topics.events.values()]
        for number, name in enumerate(names[:6]):
            async with transactional(r, f"{number}") as one:
                await one.begin_transaction()
                await put(one, name, bodies(f"{number}", 40), partition=number % 2)
                await (one.abort_transaction() if number % 3 == 2 else one.commit_transaction())
        reading = await asyncio.to_thread(read, r)
        other = await read_all(KafkaConnection(bootstrap_servers=r.bootstrap), names)
        prefix = r.topics.raw.name.removesuffix("raw")
        assert {(o.kind, o.partition, o.offset, o.digest) for o in reading.outputs} == {
            (o.topic.removeprefix(prefix), o.partition, o.offset, digest(o.value)) for o in other
        }
        assert len(reading.outputs) == len(other) == 160


async def test_it_leaves_out_what_was_there_before(kafka: RunningKafka, tmp_path: Path) -> None:
    async with rig(kafka.bootstrap_servers, tmp_path, partitions=1) as r:
        connection = KafkaConnection(bootstrap_servers=r.bootstrap)
        prefix = r.topics.raw.name.removesuffix("raw")
        async with r.producer() as plain:
            await put(plain, r.topics.raw.name, bodies("another's"))
            before = await asyncio.to_thread(read_everything, connection, prefix, 1)
            await put(plain, r.topics.raw.name, bodies("mine"))
        reading = await asyncio.to_thread(read_everything, connection, prefix, 1, before.ends)
        assert [one.digest for one in reading.raw] == [digest(body) for body in bodies("mine")]
        assert [end.since for end in reading.ends if end.kind == "raw"] == [3]
